// Data of one's own: points, strokes and an eraser by pointer or keys, a picture's dark pixels, and
// a mixture whose means and widths are dragged. Nothing here asks the server for anything.
PLANE.editor = app => {
  const { el } = PLANE,
    M = PLANE.maths,
    MOST = 5000,
    FEWEST = 50,
    SPREAD = 0.09, // about a stroke
    RUBBER = 0.3; // the eraser's radius
  const own = { tool: 'stroke' };
  let undo = [],
    rng = M.random(1),
    last = null,
    count = 0;

  const points = () => (app.state.points ??= []);
  const keep = () => {
    undo.push([...points()]);
    if (undo.length > 30) undo.shift();
  };
  const drop = (x, y) => {
    if (points().length >= 2 * MOST) return false;
    points().push(M.clamp(x, M.LOW, M.HIGH), M.clamp(y, M.LOW, M.HIGH));
    return true;
  };
  const round = v => +v.toFixed(4);
  const scatter = (x, y) =>
    drop(round(x + SPREAD * rng.normal()), round(y + SPREAD * rng.normal()));
  const erase = (x, y) => {
    const all = points(),
      left = [];
    for (let k = 0; k < all.length; k += 2)
      if (Math.hypot(all[k] - x, all[k + 1] - y) > RUBBER) left.push(all[k], all[k + 1]);
    app.state.points = left;
  };
  own.begin = ([x, y]) => {
    keep();
    last = [x, y];
    count = 0;
    if (own.tool === 'point') drop(round(x), round(y));
    else if (own.tool === 'stroke') for (let k = 0; k < 6; k++) scatter(x, y);
    else erase(x, y);
    after();
  };
  own.go = ([x, y]) => {
    if (!last) return;
    const long = Math.hypot(x - last[0], y - last[1]);
    if (own.tool === 'erase') erase(x, y);
    else if (own.tool === 'stroke') {
      // As many points on each piece of a stroke as it is long.
      for (count += 28 * long; count >= 1; count--) {
        const f = rng.uniform();
        if (!scatter(last[0] + f * (x - last[0]), last[1] + f * (y - last[1]))) break;
      }
    } else if (long > 0.12) drop(round(x), round(y));
    else return;
    last = [x, y];
    after();
  };
  own.end = () => {
    last = null;
    app.set({ points: app.state.points }, { push: true });
  };
  const after = () => {
    const n = points().length / 2;
    app.say(
      n >= MOST ? `${MOST.toLocaleString('en')} points are the most; erase some to go on.` : '',
    );
    app.dataChanged();
  };
  own.paint = pen => {
    if (!app.tool() || own.tool !== 'erase' || !app.point()) return;
    const [x, y] = app.point();
    pen.ellipse(x, y, RUBBER, RUBBER, 0, pen.tones.soft, { width: 1.2 });
  };

  // What is wrong with the points, in one sentence; '' where nothing is.
  own.problem = () => {
    const all = points(),
      n = all.length / 2;
    if (n === 0) return 'There are no points yet. Draw some on the plane, or drop a picture.';
    if (n === 1) return `One point is no distribution. Draw at least ${FEWEST} points.`;
    if (n < FEWEST) return `${n} points are too few to learn from. Draw at least ${FEWEST}.`;
    const wide = axis => {
      const values = all.filter((_, k) => k % 2 === axis);
      return Math.max(...values) - Math.min(...values);
    };
    if (Math.max(wide(0), wide(1)) < 0.05)
      return 'All points are in one place. Draw some elsewhere, too.';
    return '';
  };

  // -- a picture ------------------------------------------------------------------------------
  const LARGE = 30e6, // bytes of a file
    ACROSS = 160; // pixels that a picture is read at
  const NO_PICTURE = 'That file is not a picture. PNG, JPEG, WebP, GIF and BMP can be read.';
  own.picture = async file => {
    if (!file) return;
    if (file.size > LARGE) throw new Error('The picture is larger than 30 MB. Drop a smaller one.');
    let image;
    try {
      image = await createImageBitmap(file, { resizeWidth: ACROSS, resizeQuality: 'high' });
    } catch {
      throw new Error(NO_PICTURE);
    }
    const height = Math.min(4 * ACROSS, image.height),
      canvas = el('canvas', { width: ACROSS, height });
    const g = canvas.getContext('2d', { willReadFrequently: true });
    g.fillStyle = '#fff';
    g.fillRect(0, 0, ACROSS, height);
    g.drawImage(image, 0, 0, ACROSS, height);
    const { data } = g.getImageData(0, 0, ACROSS, height);
    const grey = new Float32Array(ACROSS * height);
    for (let k = 0; k < grey.length; k++)
      grey[k] = (0.299 * data[4 * k] + 0.587 * data[4 * k + 1] + 0.114 * data[4 * k + 2]) / 255;
    const found = PLANE.fromPicture(grey, ACROSS, height, app.state.count, app.state.seed);
    keep();
    app.set({ set: 'own', points: found }, { push: true });
    app.dataChanged();
  };

  // -- controls -------------------------------------------------------------------------------
  const TOOLS = { stroke: 'Stroke', point: 'Points', erase: 'Eraser', look: 'Look' };
  const tools = Object.entries(TOOLS).map(([key, text]) =>
    el(
      'button',
      {
        type: 'button',
        role: 'radio',
        onclick: () => {
          own.tool = key;
          app.changed();
        },
        'data-tool': key,
      },
      text,
    ),
  );
  const group = el(
    'div',
    { class: 'choice', role: 'radiogroup', 'aria-label': 'What the pointer does' },
    tools,
  );
  group.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = tools.findIndex(b => b.dataset.tool === own.tool),
      next = tools[(at + by + tools.length) % tools.length];
    next.click();
    next.focus();
  };
  const file = el('input', {
    type: 'file',
    accept: 'image/*',
    class: 'hide',
    tabindex: '-1',
    'aria-hidden': 'true',
  });
  const take = async given => {
    try {
      await own.picture(given);
      app.say('');
    } catch (error) {
      app.say(error.message, 'problem');
    }
  };
  file.onchange = () => {
    take(file.files[0]);
    file.value = '';
  };
  own.take = take;
  const small = (text, onclick) => el('button', { type: 'button', onclick }, text);
  const back = small('Undo', () => {
    if (!undo.length) return;
    app.set({ points: undo.pop() });
    app.dataChanged();
  });
  const clear = small('Clear', () => {
    keep();
    app.set({ points: [] });
    app.dataChanged();
  });
  const many = el('p', { class: 'words' });
  own.node = el(
    'div',
    { class: 'own' },
    group,
    el(
      'div',
      { class: 'buttons' },
      back,
      clear,
      small('Picture …', () => file.click()),
      file,
      small('Save points', () => app.savePoints()),
    ),
    many,
  );

  // -- the mixture ----------------------------------------------------------------------------
  const rows = el('div', { class: 'parts' }),
    more = small('Add a Gaussian', () => {
      const parts = app.mixture();
      if (parts.length < 16) change([...parts, [0, 0, 0.4, 0.3]]);
    });
  own.mixtureNode = el(
    'div',
    { class: 'own' },
    el(
      'p',
      { class: 'words' },
      'Drag the middle of a Gaussian to move it, the small knob to widen it.',
    ),
    rows,
    el('div', { class: 'buttons' }, more),
  );
  const change = parts => {
    app.set({ mixture: parts.map(p => p.map(round)) });
    app.dataChanged();
  };
  own.rows = () => {
    const parts = app.mixture();
    more.disabled = parts.length >= 16;
    if (rows.children.length !== parts.length) {
      rows.replaceChildren(
        ...parts.map((_, k) => {
          const weight = el('input', {
            type: 'range',
            min: '0.05',
            max: '1',
            step: '0.05',
            'aria-label': `Weight of Gaussian ${k + 1}`,
          });
          weight.oninput = () =>
            change(app.mixture().map((p, i) => (i === k ? [p[0], p[1], p[2], +weight.value] : p)));
          return el(
            'div',
            { class: 'part' },
            el('span', {}, `Gaussian ${k + 1}`),
            weight,
            el(
              'button',
              {
                type: 'button',
                'aria-label': `Remove Gaussian ${k + 1}`,
                title: 'Remove',
                onclick: () => {
                  if (app.mixture().length > 1) change(app.mixture().filter((_, i) => i !== k));
                },
              },
              '×',
            ),
          );
        }),
      );
    }
    parts.forEach((p, k) => {
      const input = rows.children[k].querySelector('input');
      if (document.activeElement !== input) input.value = p[3];
    });
  };
  // Knobs on a view for each Gaussian, as many as there are.
  own.knobs = view => {
    const wanted = app.state.set === 'mixture' && !app.running() ? app.mixture().length : 0;
    view.mixtureKnobs ??= [];
    while (view.mixtureKnobs.length > wanted)
      for (const knob of view.mixtureKnobs.pop()) {
        knob.node.remove();
        view.knobs.splice(view.knobs.indexOf(knob), 1);
      }
    while (view.mixtureKnobs.length < wanted) {
      const k = view.mixtureKnobs.length,
        part = () => app.mixture()[k];
      const put = next => change(app.mixture().map((p, i) => (i === k ? next(p) : p)));
      const pair = [
        PLANE.knob(view.box, view.pen, {
          name: `Mean of Gaussian ${k + 1}`,
          tone: 'q',
          at: () => part()?.slice(0, 2),
          move: (x, y) => put(p => [M.clamp(x, -3.8, 3.8), M.clamp(y, -3.8, 3.8), p[2], p[3]]),
        }),
        PLANE.knob(view.box, view.pen, {
          name: `Width of Gaussian ${k + 1}`,
          tone: 'q',
          axis: 'x',
          step: 0.05,
          at: () => part() && [part()[0] + 2 * part()[2], part()[1]],
          say: () => `width ${part()?.[2].toFixed(2)}`,
          move: x => put(p => [p[0], p[1], M.clamp((x - p[0]) / 2, 0.05, 2), p[3]]),
        }),
      ];
      pair[1].node.classList.add('small');
      view.mixtureKnobs.push(pair);
      view.knobs.push(...pair);
    }
  };
  own.paintControls = () => {
    for (const b of tools) {
      const on = b.dataset.tool === own.tool;
      b.setAttribute('aria-checked', on);
      b.tabIndex = on ? 0 : -1;
    }
    const n = points().length / 2;
    back.disabled = !undo.length;
    clear.disabled = !n;
    many.textContent = n
      ? `${n.toLocaleString('en')} points; a fifth of them are held out. The link carries them.`
      : 'Draw on the plane, or drop a picture on it: its dark pixels become points.';
  };
  return own;
};

// Points where a picture is dark: (H x W) greys from 0 to 1, n points. Its longer side goes from
// -3.2 to 3.2. Throws a sentence where nothing is dark.
PLANE.fromPicture = (grey, width, height, n, seed) => {
  const { random } = PLANE.maths;
  const sums = new Float64Array(grey.length);
  let sum = 0;
  for (let k = 0; k < grey.length; k++) {
    const dark = 1 - grey[k];
    sum += dark < 0.1 ? 0 : dark; // paper is seldom quite white
    sums[k] = sum;
  }
  if (sum <= 0)
    throw new Error('The picture has no dark pixels, so there is no density. Try a darker one.');
  const rng = random(seed + 17),
    scale = 6.4 / Math.max(width, height),
    found = [];
  for (let i = 0; i < n; i++) {
    const wanted = rng.uniform() * sum;
    let low = 0,
      high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    const row = Math.floor(low / width),
      column = low % width;
    found.push(
      +((column + rng.uniform() - width / 2) * scale).toFixed(4),
      +((height / 2 - row - rng.uniform()) * scale).toFixed(4),
    );
  }
  return found;
};
