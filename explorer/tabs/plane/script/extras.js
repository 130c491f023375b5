// Things to take away, the code, and the mixture that is edited here.

// Points and density of a mixture of round Gaussians: parts of x, y, width, weight.
PLANE.mixture = (parts, count, seed) => {
  const { random, centre } = PLANE.maths,
    G = 64,
    sum = parts.reduce((s, p) => s + p[3], 0),
    rng = random(seed + 1);
  const log = new Float32Array(G * G);
  for (let j = 0; j < G; j++) {
    for (let i = 0; i < G; i++) {
      let density = 0;
      for (const [x, y, w, weight] of parts)
        density +=
          ((weight / sum) *
            Math.exp((-0.5 * ((centre(i, G) - x) ** 2 + (centre(j, G) - y) ** 2)) / w ** 2)) /
          (2 * Math.PI * w * w);
      log[j * G + i] = Math.max(-30, Math.log(density));
    }
  }
  const draw = n => {
    const found = new Float32Array(2 * n);
    for (let k = 0; k < n; k++) {
      let u = rng.uniform() * sum,
        part = parts.length - 1;
      for (let c = 0; c < parts.length; c++) {
        u -= parts[c][3];
        if (u <= 0) {
          part = c;
          break;
        }
      }
      found[2 * k] = parts[part][0] + parts[part][2] * rng.normal();
      found[2 * k + 1] = parts[part][1] + parts[part][2] * rng.normal();
    }
    return found;
  };
  return { log, density: log.map(Math.exp), data: draw(count), held: draw(1000) };
};

PLANE.save = (name, content, type) => {
  const url = URL.createObjectURL(
    content instanceof Blob ? content : new Blob([content], { type }),
  );
  PLANE.el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};
// All views side by side as one PNG.
PLANE.savePicture = (views, app) => {
  const first = views[0].canvas,
    side = first.width,
    gap = Math.round(side * 0.03),
    bar = Math.round(side * 0.07),
    canvas = PLANE.el('canvas', { width: views.length * (side + gap) - gap, height: side + bar });
  const g = canvas.getContext('2d'),
    t = PLANE.draw.tones(first);
  g.fillStyle = t.ground;
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.fillStyle = t.ink;
  g.font = `600 ${Math.round(bar * 0.55)}px system-ui, sans-serif`;
  views.forEach((view, k) => {
    const at = k * (side + gap);
    g.fillText(
      view.which ? PLANE.surfaces.all[view.surface].title : app.title(view.index),
      at + 4,
      bar * 0.7,
    );
    g.drawImage(view.canvas, at, bar);
  });
  canvas.toBlob(blob =>
    PLANE.save(`plane-${app.state.methods.join('-')}-${app.state.set}.png`, blob),
  );
};

// The lines of Python that train what is on stage.
PLANE.code = app => {
  const { el } = PLANE;
  const pre = el('pre', { tabindex: '0', 'aria-label': 'Python code' }),
    copy = el('button', { type: 'button' }, 'Copy');
  copy.onclick = async () => {
    const done = await navigator.clipboard?.writeText(pre.textContent).then(
      () => true,
      () => false,
    );
    if (!done) getSelection().selectAllChildren(pre);
    copy.textContent = done ? 'Copied' : 'Selected';
    setTimeout(() => (copy.textContent = 'Copy'), 1500);
  };
  const notebook = el('button', { type: 'button' }, 'Notebook');
  notebook.onclick = () => GE.saveNotebook(pre.textContent);
  const node = el(
    'details',
    { class: 'code' },
    el('summary', {}, 'Show the code'),
    el('div', { class: 'pad' }, pre, el('div', { class: 'acts' }, copy, notebook)),
  );
  const python = v =>
    v === true
      ? 'True'
      : v === false
        ? 'False'
        : typeof v === 'string'
          ? JSON.stringify(v)
          : Array.isArray(v)
            ? `[${v.map(python).join(', ')}]`
            : String(v);
  const paint = () => {
    const { state } = app,
      method = state.methods[0],
      config = Object.entries(state.config[method] ?? {})
        .map(([k, v]) => `"${k}": ${python(v)}`)
        .join(', ');
    const parts = app.mixture();
    const kind =
      state.set === 'own' ? 'own' : state.set === 'mixture' && state.mixture ? 'mixture' : 'named';
    const said = {
      SET: state.set,
      COUNT: state.count,
      METHOD: method,
      CONFIG: `{${config}}`,
      SEED: state.seed,
      MEANS: python(parts.map(p => [p[0], p[1]])),
      WIDTHS: python(parts.map(p => p[2])),
      WEIGHTS: python(parts.map(p => p[3])),
    };
    const text = app.about.code[kind].replace(
      new RegExp(Object.keys(said).join('|'), 'g'),
      key => said[key],
    );
    if (pre.textContent !== text) pre.textContent = text;
  };
  return { node, paint };
};
