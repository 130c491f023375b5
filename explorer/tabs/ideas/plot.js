// A plot on a canvas: axes, lines, areas, bars, dots, and handles that a finger or the keyboard
// moves.
IDEAS.plot = (() => {
  const TONES = {
    light: {
      p: '#b4400c',
      q: '#2a6fb5',
      r: '#832db6',
      s: '#5d6f6d',
      t: '#8a6d00',
      ink: '#1c1917',
      soft: '#57534e',
      line: '#e2dfdb',
      ground: '#fdfdfc',
    },
    dark: {
      p: '#ff9a57',
      q: '#6db3f2',
      r: '#c79bea',
      s: '#a9bab8',
      t: '#dcc25a',
      ink: '#f5f5f4',
      soft: '#bdb7b0',
      line: '#3b3733',
      ground: '#151312',
    },
  };
  const tones = () => TONES[document.body.classList.contains('dark') ? 'dark' : 'light'];
  const minus = text => text.replace('-', '−');

  // About `count` round numbers from low to high.
  const ticks = (low, high, count) => {
    const rough = (high - low) / count;
    if (!(rough > 0) || !Number.isFinite(rough)) return [];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].find(s => s * power >= rough * 0.999) * power,
      all = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++)
      all.push(k * step);
    return all;
  };
  const raised = v => [...String(Math.abs(v))].map(d => '⁰¹²³⁴⁵⁶⁷⁸⁹'[d]).join('');
  const words = (v, log) => {
    if (!log) return minus(String(+v.toPrecision(4)));
    const p = Math.round(v);
    return p >= -2 && p <= 3 ? String(10 ** p) : `10${p < 0 ? '⁻' : ''}${raised(p)}`;
  };

  // options: title, note; x, y: [low, high] (of the logarithm to base 10 where log names the axis);
  // names: [x, y]; tall: pixels; bare: no axes; square: as tall as wide, at most `tall`.
  return (host, options) => {
    const figure = document.createElement('figure');
    figure.className = 'plot';
    const caption = document.createElement('figcaption'),
      title = document.createElement('b');
    const note = document.createElement('span');
    caption.append(title, ' ', note);
    title.textContent = options.title ?? '';
    note.textContent = options.note ?? '';
    const box = document.createElement('div'),
      canvas = document.createElement('canvas');
    box.className = 'box';
    canvas.setAttribute('role', 'img');
    box.append(canvas);
    if (options.title) figure.append(caption);
    figure.append(box);
    host.append(figure);
    const g = canvas.getContext('2d');
    let wide = 0,
      tall = 0,
      painter = null,
      due = false;
    const handles = [];
    const plot = { figure, canvas, x: options.x ?? [0, 1], y: options.y ?? [0, 1], options };
    const logs = options.log ?? '',
      bare = options.bare;
    const edge = bare ? { l: 1, r: 1, t: 1, b: 1 } : { l: 42, r: 10, t: 8, b: 24, ...options.edge };
    const across = v =>
      edge.l + ((v - plot.x[0]) / (plot.x[1] - plot.x[0])) * (wide - edge.l - edge.r);
    const down = v =>
      tall - edge.b - ((v - plot.y[0]) / (plot.y[1] - plot.y[0])) * (tall - edge.t - edge.b);
    const X = v => across(logs.includes('x') ? Math.log10(v) : v);
    const Y = v => down(logs.includes('y') ? Math.log10(v) : v);
    // An infinite or enormous value leaves the picture, not the canvas's numbers.
    const held = v => Math.max(-4000, Math.min(8000, v));
    const back = (px, py) => {
      const x = plot.x[0] + ((px - edge.l) / (wide - edge.l - edge.r)) * (plot.x[1] - plot.x[0]);
      const y =
        plot.y[0] + ((tall - edge.b - py) / (tall - edge.t - edge.b)) * (plot.y[1] - plot.y[0]);
      return [logs.includes('x') ? 10 ** x : x, logs.includes('y') ? 10 ** y : y];
    };
    Object.assign(plot, { X, Y, back });

    const size = () => {
      wide = box.clientWidth;
      if (!wide) return false;
      tall = options.square ? Math.min(wide, options.tall ?? 360) : (options.tall ?? 220);
      if (options.square && !options.loose) wide = tall + edge.l + edge.r - edge.t - edge.b;
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
        canvas.width = Math.round(wide * ratio);
        canvas.height = Math.round(tall * ratio);
        canvas.style.width = wide + 'px';
        canvas.style.height = tall + 'px';
        box.style.minHeight = tall + 'px';
      }
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      return true;
    };

    const colour = tone => tones()[tone] ?? tone;
    const path = (xs, ys) => {
      let pen = false;
      g.beginPath();
      for (let i = 0; i < xs.length; i++) {
        if (Number.isNaN(ys[i]) || ys[i] == null) {
          pen = false;
          continue;
        }
        const px = X(xs[i]),
          py = held(Y(ys[i]));
        if (pen) g.lineTo(px, py);
        else g.moveTo(px, py);
        pen = true;
      }
    };
    const pen = {
      g,
      tones,
      clip(draw) {
        g.save();
        g.beginPath();
        g.rect(edge.l - 1, edge.t - 2, wide - edge.l - edge.r + 2, tall - edge.t - edge.b + 4);
        g.clip();
        draw();
        g.restore();
      },
      axes() {
        const t = tones(),
          names = options.names ?? ['', ''];
        g.font = GE.font(13);
        g.lineWidth = 1;
        g.strokeStyle = t.line;
        g.fillStyle = t.soft;
        g.textAlign = 'right';
        g.textBaseline = 'middle';
        const rows = logs.includes('y') ? whole(plot.y) : ticks(...plot.y, tall > 200 ? 5 : 3);
        for (const v of rows) {
          const y = Math.round(down(v)) + 0.5;
          g.beginPath();
          g.moveTo(edge.l, y);
          g.lineTo(wide - edge.r, y);
          g.stroke();
          g.fillText(words(v, logs.includes('y')), edge.l - 6, y);
        }
        g.textBaseline = 'alphabetic';
        g.textAlign = 'center';
        const columns =
          options.columns === false
            ? []
            : logs.includes('x')
              ? whole(plot.x)
              : ticks(...plot.x, wide > 420 ? 8 : 4);
        let last = wide - edge.r;
        if (names[0]) {
          g.textAlign = 'right';
          g.fillText(names[0], wide - edge.r, tall - 7);
          last -= g.measureText(names[0]).width + 12;
          g.textAlign = 'center';
        }
        for (const v of columns) {
          const text = words(v, logs.includes('x'));
          const half = g.measureText(text).width / 2;
          if (across(v) + half <= last && across(v) - half >= 0)
            g.fillText(text, across(v), tall - 7);
        }
        if (names[1]) {
          g.textAlign = 'left';
          g.textBaseline = 'top';
          const width = g.measureText(names[1]).width;
          g.fillStyle = t.ground;
          g.globalAlpha = 0.8;
          g.fillRect(edge.l + 2, edge.t - 3, width + 4, 15);
          g.globalAlpha = 1;
          g.fillStyle = t.soft;
          g.fillText(names[1], edge.l + 4, edge.t - 1);
        }
      },
      line(xs, ys, tone = 'p', { width = 2, dash = [], alpha = 1 } = {}) {
        g.save();
        g.globalAlpha = alpha;
        g.strokeStyle = colour(tone);
        g.lineWidth = width;
        g.lineJoin = 'round';
        g.setLineDash(dash);
        path(xs, ys);
        g.stroke();
        g.restore();
      },
      // Between the curve and a floor, a number or another curve.
      area(xs, ys, tone = 'p', { floor = 0, alpha = 0.18 } = {}) {
        g.save();
        g.globalAlpha = alpha;
        g.fillStyle = colour(tone);
        g.beginPath();
        for (let i = 0; i < xs.length; i++) {
          const py = held(Y(ys[i]));
          if (i) g.lineTo(X(xs[i]), py);
          else g.moveTo(X(xs[i]), py);
        }
        for (let i = xs.length - 1; i >= 0; i--) g.lineTo(X(xs[i]), held(Y(floor[i] ?? floor)));
        g.closePath();
        g.fill();
        g.restore();
      },
      // Bars from left edges `low + k width`, heights from zero.
      bars(low, width, heights, tone = 'p', { alpha = 0.5, part = 0.9, shift = 0 } = {}) {
        g.save();
        g.globalAlpha = alpha;
        g.fillStyle = colour(tone);
        const zero = held(Y(logs.includes('y') ? 10 ** plot.y[0] : 0));
        for (let k = 0; k < heights.length; k++) {
          const from = X(low + width * (k + shift + (1 - part) / 2)),
            to = X(low + width * (k + shift + (1 + part) / 2));
          const y = held(Y(heights[k]));
          if (heights[k]) g.fillRect(from, Math.min(y, zero), to - from, Math.abs(y - zero));
        }
        g.restore();
      },
      dots(xs, ys, tone = 'ink', { radius = 3, alpha = 1 } = {}) {
        g.save();
        g.globalAlpha = alpha;
        g.fillStyle = colour(tone);
        if (radius < 2) {
          for (let i = 0; i < xs.length; i++) {
            g.fillRect(X(xs[i]) - radius, held(Y(ys[i])) - radius, 2 * radius, 2 * radius);
          }
        } else {
          g.beginPath();
          for (let i = 0; i < xs.length; i++) {
            const px = X(xs[i]),
              py = held(Y(ys[i]));
            g.moveTo(px + radius, py);
            g.arc(px, py, radius, 0, 2 * Math.PI);
          }
          g.fill();
        }
        g.restore();
      },
      rule(x, tone = 'soft', { dash = [4, 3], level = false, width = 1.2, text = '' } = {}) {
        g.save();
        g.strokeStyle = colour(tone);
        g.lineWidth = width;
        g.setLineDash(dash);
        g.beginPath();
        if (level) {
          g.moveTo(edge.l, Y(x));
          g.lineTo(wide - edge.r, Y(x));
        } else {
          g.moveTo(X(x), edge.t);
          g.lineTo(X(x), tall - edge.b);
        }
        g.stroke();
        g.restore();
        if (text) {
          const left = !level && X(x) > wide * 0.7;
          pen.textAt(
            text,
            level ? wide - edge.r : X(x) + (left ? -5 : 5),
            level ? Y(x) - 4 : edge.t + 22,
            tone,
            level || left ? 'right' : 'left',
          );
        }
      },
      arrow(x, y, dx, dy, tone = 'soft', { width = 1.2, alpha = 1, head = 4 } = {}) {
        const ax = X(x),
          ay = Y(y),
          bx = X(x + dx),
          by = Y(y + dy),
          turn = Math.atan2(by - ay, bx - ax);
        if (Math.hypot(bx - ax, by - ay) < 1) return;
        g.save();
        g.globalAlpha = alpha;
        g.strokeStyle = colour(tone);
        g.lineWidth = width;
        g.beginPath();
        g.moveTo(ax, ay);
        g.lineTo(bx, by);
        for (const side of [-2.6, 2.6]) {
          g.moveTo(bx, by);
          g.lineTo(bx + head * Math.cos(turn + side), by + head * Math.sin(turn + side));
        }
        g.stroke();
        g.restore();
      },
      ellipse(x, y, a, b, turn = 0, tone = 'p', { fill = 0, width = 2, dash = [] } = {}) {
        // a and b: half axes in the units of x (the plot is square); turn: radians, anticlockwise.
        const unit = Math.abs(X(1) - X(0));
        g.save();
        g.strokeStyle = g.fillStyle = colour(tone);
        g.lineWidth = width;
        g.setLineDash(dash);
        g.beginPath();
        g.ellipse(
          X(x),
          Y(y),
          Math.max(0.5, a * unit),
          Math.max(0.5, b * unit),
          -turn,
          0,
          2 * Math.PI,
        );
        if (fill) {
          g.globalAlpha = fill;
          g.fill();
          g.globalAlpha = 1;
        }
        if (width) g.stroke();
        g.restore();
      },
      // A field of numbers as shades of one tone; values (rows from the bottom) in [0, 1].
      shade(values, columns, rows, tone = 's') {
        const image = g.createImageData(columns, rows),
          [r, gr, b] = rgb(colour(tone));
        for (let j = 0; j < rows; j++) {
          for (let i = 0; i < columns; i++) {
            const to = ((rows - 1 - j) * columns + i) * 4;
            image.data[to] = r;
            image.data[to + 1] = gr;
            image.data[to + 2] = b;
            image.data[to + 3] = 255 * values[j * columns + i];
          }
        }
        const small = (pen.buffer ??= document.createElement('canvas'));
        small.width = columns;
        small.height = rows;
        small.getContext('2d').putImageData(image, 0, 0);
        g.imageSmoothingEnabled = true;
        g.drawImage(small, edge.l, edge.t, wide - edge.l - edge.r, tall - edge.t - edge.b);
      },
      text(text, x, y, tone = 'soft', align = 'left') {
        pen.textAt(text, X(x), Y(y), tone, align);
      },
      textAt(text, px, py, tone = 'soft', align = 'left') {
        g.font = GE.font(13);
        g.textBaseline = 'alphabetic';
        g.textAlign = align;
        g.lineWidth = 3;
        g.strokeStyle = tones().ground;
        g.strokeText(text, px, py);
        g.fillStyle = colour(tone);
        g.fillText(text, px, py);
      },
    };
    const rgb = hex => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
    const whole = ([low, high]) => {
      const all = [],
        step = Math.max(1, Math.ceil((high - low) / 7));
      for (let p = Math.ceil(low - 1e-9); p <= high + 1e-9; p += step) all.push(p);
      return all;
    };

    const paint = () => {
      due = false;
      if (!painter || !size()) return;
      g.clearRect(0, 0, wide, tall);
      painter(pen);
      for (const handle of handles) handle.place();
    };
    // The painter draws at once: a laboratory's draw runs once a frame already.
    plot.draw = fn => {
      painter = fn;
      paint();
    };
    plot.paint = paint;
    plot.say = text => {
      if (canvas.getAttribute('aria-label') !== text) canvas.setAttribute('aria-label', text);
    };
    plot.note = text => {
      if (note.textContent !== text) note.textContent = text;
    };
    plot.title = text => {
      title.textContent = text;
    };
    plot.say(options.label ?? options.title ?? 'Plot');

    const local = event => {
      const { x, y } = GE.at(event, canvas);
      return back(x, y);
    };
    // h: name, at() -> [x, y] or null, move(x, y), step: [x, y] of an arrow key, say() -> words,
    // drop() after a drag or a key, tone, and range() -> [value, low, high] for assistive
    // technology.
    plot.handle = h => {
      const knob = document.createElement('span');
      knob.className = 'knob';
      knob.tabIndex = 0;
      knob.setAttribute('role', 'slider');
      knob.setAttribute('aria-label', h.name);
      knob.dataset.tone = h.tone ?? 'p';
      if (h.axis) knob.dataset.axis = h.axis;
      box.append(knob);
      let off = [0, 0];
      knob.onpointerdown = event => {
        if (event.button) return;
        event.preventDefault();
        knob.focus({ preventScroll: true });
        knob.setPointerCapture(event.pointerId);
        const at = h.at(),
          pen = GE.at(event, canvas);
        off = [X(at[0]) - pen.x, Y(at[1]) - pen.y];
      };
      knob.onpointermove = event => {
        if (!knob.hasPointerCapture(event.pointerId)) return;
        const pen = GE.at(event, canvas);
        h.move(...back(pen.x + off[0], pen.y + off[1]));
      };
      knob.onpointerup = () => h.drop?.();
      knob.onkeydown = event => {
        const [dx, dy] =
          { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
            event.key
          ] ?? [];
        if (dx === undefined) return;
        event.preventDefault();
        const [x, y] = h.at(),
          [sx, sy] = h.step ?? [(plot.x[1] - plot.x[0]) / 60, (plot.y[1] - plot.y[0]) / 60];
        const by = event.shiftKey ? 5 : 1;
        // A handle of one axis answers both pairs of arrows.
        const mx = h.axis === 'x' ? dx + dy : dx,
          my = h.axis === 'y' ? dx + dy : dy;
        // On a logarithmic axis a step is a factor, and is given as its logarithm.
        h.move(
          logs.includes('x') ? x * 10 ** (by * mx * sx) : x + by * mx * sx,
          logs.includes('y') ? y * 10 ** (by * my * sy) : y + by * my * sy,
        );
        h.drop?.();
      };
      const handle = {
        knob,
        place() {
          const at = h.at();
          knob.hidden = !at;
          if (!at) return;
          const [left, top] = [X(at[0]), held(Y(at[1]))].map(v => v.toFixed(1));
          knob.style.transform = `translate(${left}px, ${top}px)`;
          const [value, low, high] = h.range?.() ?? [
            h.axis === 'y' ? at[1] : at[0],
            ...(h.axis === 'y' ? plot.y : plot.x),
          ];
          knob.setAttribute('aria-valuenow', +value.toPrecision(6));
          knob.setAttribute('aria-valuemin', +low.toPrecision(6));
          knob.setAttribute('aria-valuemax', +high.toPrecision(6));
          const said = h.say?.() ?? `${at[0].toFixed(2)}, ${at[1].toFixed(2)}`;
          if (knob.getAttribute('aria-valuetext') !== said)
            knob.setAttribute('aria-valuetext', said);
        },
      };
      handles.push(handle);
      return handle;
    };
    // Pressing and dragging on the ground of the plot.
    plot.press = (fn, drop) => {
      canvas.classList.add('held');
      canvas.onpointerdown = event => {
        if (event.button) return;
        canvas.setPointerCapture(event.pointerId);
        fn(...local(event), 'start');
      };
      canvas.onpointermove = event => {
        if (canvas.hasPointerCapture(event.pointerId)) fn(...local(event), 'move');
      };
      canvas.onpointerup = event => drop?.(...local(event));
    };
    plot.hover = fn => {
      canvas.addEventListener('pointermove', event => fn(...local(event)));
      canvas.addEventListener('pointerleave', () => fn(null, null));
    };
    new ResizeObserver(() => {
      if (!due) {
        due = true;
        requestAnimationFrame(paint);
      }
    }).observe(box);
    return plot;
  };
})();
