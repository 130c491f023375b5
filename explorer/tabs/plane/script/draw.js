// Drawing in the plane: a square canvas over the box, with the page's tones.
PLANE.draw = (() => {
  const M = PLANE.maths,
    FINE = 3; // pixels of a heat map a cell, each way

  const HEATS = ['model', 'truth', 'energy'];
  let known = null,
    knownDark = null;
  // The tones of the style sheet, and ramps of 256 colours of its stops.
  const tones = element => {
    const dark = document.body.classList.contains('dark');
    if (known && knownDark === dark) return known;
    const style = getComputedStyle(element),
      get = name => style.getPropertyValue(name).trim();
    const rgb = hex => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
    const ramp = stops => {
      const colours = stops.map(rgb),
        table = new Uint8ClampedArray(256 * 3);
      for (let k = 0; k < 256; k++) {
        const at = (k / 255) * (colours.length - 1),
          i = Math.min(colours.length - 2, Math.floor(at));
        for (let c = 0; c < 3; c++)
          table[k * 3 + c] = colours[i][c] + (at - i) * (colours[i + 1][c] - colours[i][c]);
      }
      return table;
    };
    known = {
      ink: get('--tone-ink'),
      soft: get('--tone-s'),
      line: get('--plane-line'),
      ground: get('--plane-ground'),
      model: get('--tone-p'),
      truth: get('--tone-q'),
      other: get('--tone-r'),
      held: get('--tone-t'),
      parts: Array.from({ length: 10 }, (_, k) => get(`--plane-part-${k}`)),
      ramps: Object.fromEntries(
        HEATS.map(name => [name, ramp(get(`--plane-heat-${name}`).split(' '))]),
      ),
      both: ramp(get('--plane-heat-both').split(' ')),
    };
    knownDark = dark;
    return known;
  };

  // A canvas's pen: numbers of the box in, pixels out.
  const pen = canvas => {
    const g = canvas.getContext('2d');
    const own = { g, canvas, side: 0, tones: null };
    const small = document.createElement('canvas'),
      sheets = new Map(),
      scratch = {};
    let image = null;
    own.X = x => ((x - M.LOW) / M.SIDE) * own.side;
    own.Y = y => ((M.HIGH - y) / M.SIDE) * own.side;
    own.back = (px, py) => [M.LOW + (px / own.side) * M.SIDE, M.HIGH - (py / own.side) * M.SIDE];
    own.begin = (side, clear = false) => {
      const ratio = Math.min(2, window.devicePixelRatio || 1),
        pixels = Math.round(side * ratio);
      if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
      own.side = side;
      own.tones = tones(canvas);
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.globalAlpha = 1;
      g.fillStyle = own.tones.ground;
      if (clear) g.clearRect(0, 0, side, side);
      else g.fillRect(0, 0, side, side);
      g.lineJoin = g.lineCap = 'round';
    };
    // What is the same from frame to frame is drawn once, and laid over. of: what it is drawn of.
    own.kept = (name, of, draw) => {
      const sheet = sheets.get(name) ?? { pen: pen(document.createElement('canvas')) },
        { tones: t, side } = own;
      const fits = sheet.pen.canvas.width === canvas.width;
      if (!fits || sheet.of !== of || sheet.tones !== t) {
        sheet.pen.begin(side, true);
        draw(sheet.pen);
        Object.assign(sheet, { of, tones: t });
        sheets.set(name, sheet);
      }
      g.drawImage(sheet.pen.canvas, 0, 0, side, side);
    };
    // Numbers in [0, 1] (or [-1, 1] with the two-sided ramp) as a smooth sheet of colour.
    own.heat = (values, n, ramp, { two = false } = {}) => {
      const N = n * FINE,
        fine = M.finer(values, n, FINE, (scratch[n] ??= {}));
      if (small.width !== N) {
        small.width = small.height = N;
        image = null;
      }
      image ??= small.getContext('2d').createImageData(N, N);
      const out = image.data;
      for (let j = 0; j < N; j++) {
        const from = (N - 1 - j) * N;
        for (let i = 0; i < N; i++) {
          const v = fine[from + i],
            k = 3 * Math.round(255 * M.clamp(two ? (v + 1) / 2 : v, 0, 1)),
            to = (j * N + i) * 4;
          out[to] = ramp[k];
          out[to + 1] = ramp[k + 1];
          out[to + 2] = ramp[k + 2];
          out[to + 3] = 255;
        }
      }
      small.getContext('2d').putImageData(image, 0, 0);
      g.imageSmoothingQuality = 'low'; // it is smooth already
      g.drawImage(small, 0, 0, own.side, own.side);
    };
    own.axes = () => {
      const { side, X, Y } = own;
      g.save();
      g.strokeStyle = own.tones.line;
      g.lineWidth = 1;
      g.globalAlpha = 0.55;
      g.beginPath();
      for (let v = -2; v <= 2; v += 2) {
        g.moveTo(Math.round(X(v)) + 0.5, 0);
        g.lineTo(Math.round(X(v)) + 0.5, side);
        g.moveTo(0, Math.round(Y(v)) + 0.5);
        g.lineTo(side, Math.round(Y(v)) + 0.5);
      }
      g.stroke();
      g.globalAlpha = 1;
      if (side > 250) {
        g.fillStyle = own.tones.soft;
        g.font = '11px system-ui, sans-serif';
        g.textAlign = 'left';
        for (const v of [-2, 0, 2]) {
          g.fillText(String(v).replace('-', '−'), X(v) + 3, side - 4);
          if (v) g.fillText(String(v).replace('-', '−'), 3, Y(v) - 3);
        }
      }
      g.restore();
    };
    // The lines on which a grid has these values.
    own.contours = (grid, n, levels, colour, { width = 1.3, alpha = 0.9, dash = [] } = {}) => {
      g.save();
      g.strokeStyle = colour;
      g.globalAlpha = alpha;
      g.lineWidth = width;
      g.setLineDash(dash);
      g.beginPath();
      for (const level of levels) {
        const found = M.contour(grid, n, level);
        for (let k = 0; k < found.length; k += 4) {
          g.moveTo(own.X(found[k]), own.Y(found[k + 1]));
          g.lineTo(own.X(found[k + 2]), own.Y(found[k + 3]));
        }
      }
      g.stroke();
      g.restore();
    };
    // colours: one for all, or a function of the number of the point.
    own.dots = (points, colour, { radius = 2, alpha = 1, ring = null } = {}) => {
      g.save();
      g.globalAlpha = alpha;
      const each = typeof colour === 'function';
      if (!each) {
        g.fillStyle = colour;
        g.beginPath();
      }
      for (let k = 0; k < points.length; k += 2) {
        const x = own.X(points[k]),
          y = own.Y(points[k + 1]);
        if (each) {
          g.fillStyle = colour(k / 2);
          g.beginPath();
        }
        g.moveTo(x + radius, y);
        g.arc(x, y, radius, 0, 2 * Math.PI);
        if (each) g.fill();
      }
      if (!each) {
        if (ring) {
          g.strokeStyle = ring;
          g.lineWidth = 1.4;
          g.stroke();
        }
        g.fill();
      }
      g.restore();
    };
    own.crosses = (points, colour, { radius = 2.6, alpha = 1 } = {}) => {
      g.save();
      g.strokeStyle = colour;
      g.globalAlpha = alpha;
      g.lineWidth = 1.3;
      g.beginPath();
      for (let k = 0; k < points.length; k += 2) {
        const x = own.X(points[k]),
          y = own.Y(points[k + 1]);
        g.moveTo(x - radius, y - radius);
        g.lineTo(x + radius, y + radius);
        g.moveTo(x - radius, y + radius);
        g.lineTo(x + radius, y - radius);
      }
      g.stroke();
      g.restore();
    };
    // Arrows as pairs of start and step, in the units of the box.
    own.arrows = (starts, steps, colour, { width = 1.2, alpha = 0.9, head = 4 } = {}) => {
      g.save();
      g.strokeStyle = colour;
      g.globalAlpha = alpha;
      g.lineWidth = width;
      g.beginPath();
      for (let k = 0; k < starts.length; k += 2) {
        const ax = own.X(starts[k]),
          ay = own.Y(starts[k + 1]),
          bx = own.X(starts[k] + steps[k]),
          by = own.Y(starts[k + 1] + steps[k + 1]),
          long = Math.hypot(bx - ax, by - ay);
        if (long < 1) continue;
        const turn = Math.atan2(by - ay, bx - ax),
          size = Math.min(head, 0.5 * long);
        g.moveTo(ax, ay);
        g.lineTo(bx, by);
        g.moveTo(bx + size * Math.cos(turn + 2.6), by + size * Math.sin(turn + 2.6));
        g.lineTo(bx, by);
        g.lineTo(bx + size * Math.cos(turn - 2.6), by + size * Math.sin(turn - 2.6));
      }
      g.stroke();
      g.restore();
    };
    own.line = (points, colour, { width = 1.5, alpha = 1, dash = [], closed = false } = {}) => {
      if (points.length < 4) return;
      g.save();
      g.strokeStyle = colour;
      g.globalAlpha = alpha;
      g.lineWidth = width;
      g.setLineDash(dash);
      g.beginPath();
      g.moveTo(own.X(points[0]), own.Y(points[1]));
      for (let k = 2; k < points.length; k += 2) g.lineTo(own.X(points[k]), own.Y(points[k + 1]));
      if (closed) g.closePath();
      g.stroke();
      g.restore();
    };
    // turn: radians, anticlockwise, as the plane has it.
    own.ellipse = (x, y, a, b, turn, colour, { width = 1.6, fill = 0, alpha = 1 } = {}) => {
      const unit = own.side / M.SIDE;
      g.save();
      g.strokeStyle = g.fillStyle = colour;
      g.lineWidth = width;
      g.beginPath();
      g.ellipse(
        own.X(x),
        own.Y(y),
        Math.max(0.5, a * unit),
        Math.max(0.5, b * unit),
        -turn,
        0,
        2 * Math.PI,
      );
      if (fill) {
        g.globalAlpha = fill;
        g.fill();
      }
      g.globalAlpha = alpha;
      if (width) g.stroke();
      g.restore();
    };
    own.text = (text, px, py, colour, { align = 'left', size = 12 } = {}) => {
      g.save();
      g.font = `${size}px system-ui, sans-serif`;
      g.textAlign = align;
      g.lineWidth = 3;
      g.strokeStyle = own.tones.ground;
      g.strokeText(text, px, py);
      g.fillStyle = colour;
      g.fillText(text, px, py);
      g.restore();
    };
    return own;
  };
  return { pen, tones, forget: () => (known = null) };
})();
