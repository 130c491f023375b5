// The column of choices: data, what is shown, the run; and the heads of the views.
PLANE.chooser = (app, { start, tell }) => {
  const { el } = PLANE,
    M = PLANE.maths,
    { about } = app;
  const heading = text => el('h3', {}, text);

  // -- data -----------------------------------------------------------------------------------
  const tile = (key, title, draw) => {
    const canvas = el('canvas', { width: 48, height: 48, 'aria-hidden': 'true' });
    const b = el('button', { type: 'button', role: 'radio', title, 'aria-label': title }, canvas);
    b.dataset.set = key;
    b.onclick = () => {
      app.set({ set: key, lesson: '' }, { push: true });
      app.dataChanged();
    };
    return { key, title, node: b, paint: () => draw(canvas) };
  };
  const dense = thumb => canvas => {
    const bytes = new Uint8Array(PLANE.film.bytes(thumb)),
      n = Math.round(Math.sqrt(bytes.length)),
      t = PLANE.draw.tones(node),
      g = canvas.getContext('2d'),
      image = g.createImageData(48, 48);
    const fine = M.finer(Float32Array.from(bytes), n, 48 / n);
    for (let k = 0; k < 48 * 48; k++) {
      const v = 3 * Math.round(M.clamp(fine[(47 - Math.floor(k / 48)) * 48 + (k % 48)], 0, 255));
      image.data.set([t.ramps.truth[v], t.ramps.truth[v + 1], t.ramps.truth[v + 2], 255], 4 * k);
    }
    g.putImageData(image, 0, 0);
  };
  const pencil = canvas => {
    const g = canvas.getContext('2d'),
      t = PLANE.draw.tones(node),
      rng = M.random(3);
    g.fillStyle = t.ground;
    g.fillRect(0, 0, 48, 48);
    g.fillStyle = t.ink;
    for (let k = 0; k < 46; k++) {
      const a = k / 46;
      g.beginPath();
      g.arc(
        8 + 30 * a + 2 * rng.normal(),
        24 + 11 * Math.sin(6.3 * a) + 2 * rng.normal(),
        1.2,
        0,
        7,
      );
      g.fill();
    }
  };
  const tiles = [
    ...about.sets.map(s => tile(s.key, s.title, dense(s.thumb))),
    tile('own', 'Your own points', pencil),
  ];
  const sets = el(
    'div',
    { class: 'sets', role: 'radiogroup', 'aria-label': 'Data' },
    tiles.map(t => t.node),
  );
  sets.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = tiles.findIndex(t => t.key === app.state.set),
      next = tiles[(at + by + tiles.length) % tiles.length].node;
    next.click();
    next.focus();
  };
  const name = el('span', { class: 'chosen' });

  // -- what is shown --------------------------------------------------------------------------
  const select = (label, key) => {
    const input = el('select', { id: `plane-${key}` });
    input.onchange = () => app.set({ [key]: input.value });
    return {
      input,
      node: el('div', { class: 'field' }, el('label', { for: `plane-${key}` }, label), input),
    };
  };
  const surface = select('Surface', 'surface'),
    beside = select('Beside it', 'beside');
  const legend = el('p', { class: 'words' });
  const ticks = Object.entries(PLANE.layers.layers).map(([key, layer]) => {
    const input = el('input', {
      type: 'checkbox',
      onchange: () => {
        const on = app.state.layers.filter(k => k !== key);
        app.set({ layers: input.checked ? [...on, key] : on });
      },
    });
    input.dataset.layer = key;
    return {
      key,
      layer,
      input,
      node: el('label', { class: 'tick', title: layer.help }, input, layer.title),
    };
  });

  // -- the run --------------------------------------------------------------------------------
  const many = el('input', {
      type: 'range',
      id: 'plane-count',
      min: '0',
      max: '1000',
      step: 'any',
    }),
    shown = el('output', { for: 'plane-count' });
  const toCount = v => {
    const n = 50 * 100 ** (v / 1000);
    return n < 200
      ? Math.round(n / 10) * 10
      : n < 1000
        ? Math.round(n / 50) * 50
        : Math.round(n / 250) * 250;
  };
  many.oninput = () => {
    app.set({ count: Math.min(5000, Math.max(50, toCount(+many.value))) });
    app.dataChanged();
  };
  many.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    let v = +many.value,
      n = app.state.count;
    while (n === app.state.count && v >= 0 && v <= 1000)
      n = Math.min(5000, Math.max(50, toCount((v += 5 * by))));
    app.set({ count: n });
    app.dataChanged();
  };
  const count = el(
    'div',
    { class: 'field wide' },
    el('label', { for: 'plane-count' }, 'Points to learn from'),
    shown,
    many,
  );
  const button = (text, what, more = {}) =>
    el('button', { type: 'button', onclick: what, ...more }, text);
  const go = button('Start', start, { class: 'main', id: 'plane-start' }),
    pause = button('Pause', () => tell(paused() ? 'go' : 'pause')),
    step = button('One step', () => tell('step')),
    stop = button('Stop', () => tell('stop')),
    shippedAgain = button('Shipped film', () => {
      for (const i of app.state.methods.keys()) app.runs.forget(String(i));
      app.follow(false);
      app.say('');
      app.changed();
    });
  const paused = () => [...app.runs.all.values()].some(r => r.state === 'paused');
  const about_run = el('p', { class: 'words' });
  const run = el(
    'section',
    { class: 'run' },
    heading('Train it yourself'),
    count,
    el('div', { class: 'buttons' }, go, pause, step, stop, shippedAgain),
    about_run,
  );

  const node = el(
    'div',
    { class: 'chooser' },
    el(
      'section',
      {},
      el('div', { class: 'title' }, heading('Data'), name),
      sets,
      app.editor.node,
      app.editor.mixtureNode,
    ),
    run,
    el(
      'section',
      {},
      heading('Show'),
      surface.node,
      beside.node,
      legend,
      legend,
      el(
        'div',
        { class: 'ticks' },
        ticks.map(t => t.node),
      ),
    ),
  );

  let dark = null;
  const own = { node };
  own.setTitle = () => tiles.find(t => t.key === app.state.set)?.title ?? app.state.set;
  const fill = ({ input }, value, keys) => {
    const all = Object.entries(PLANE.surfaces.all).filter(
      ([key]) => keys.has(key) || key === value,
    );
    if (input.dataset.keys !== all.map(([k]) => k).join()) {
      input.replaceChildren(...all.map(([key, s]) => el('option', { value: key }, s.title)));
      input.dataset.keys = all.map(([k]) => k).join();
    }
    if (input.value !== value) input.value = value;
  };
  own.paint = () => {
    const { state } = app;
    const now = document.body.classList.contains('dark');
    if (dark !== now) {
      dark = now;
      for (const t of tiles) t.paint();
    }
    for (const t of tiles) {
      const on = t.key === state.set;
      t.node.setAttribute('aria-checked', on);
      t.node.tabIndex = on ? 0 : -1;
    }
    name.textContent = own.setTitle();
    app.editor.node.hidden = state.set !== 'own';
    app.editor.mixtureNode.hidden = state.set !== 'mixture';
    const shownViews = state.methods.map((_, i) => app.shown(i, 0));
    const can = item => shownViews.some(view => item.there(view));
    const keys = new Set(
      Object.entries(PLANE.surfaces.all)
        .filter(([, s]) => can(s))
        .map(([k]) => k),
    );
    fill(surface, state.surface, keys);
    fill(beside, state.beside, keys);
    const told = [state.surface, state.beside].map(key => PLANE.surfaces.all[key].words);
    legend.textContent = told.filter(Boolean).join(' ');
    legend.hidden = !legend.textContent;
    for (const t of ticks) {
      t.node.hidden = !can(t.layer);
      t.input.checked = state.layers.includes(t.key);
    }
    count.hidden = state.set === 'own';
    shown.textContent = state.count.toLocaleString('en');
    many.value = (1000 * Math.log(state.count / 50)) / Math.log(100);
    many.setAttribute('aria-valuetext', `${state.count} points`);
    const live = app.running();
    run.hidden = !about.training;
    go.disabled = live;
    pause.disabled = stop.disabled = !live;
    step.disabled = !live;
    pause.textContent = paused() ? 'Go on' : 'Pause';
    const mine = app.panels().some(p => p.run);
    shippedAgain.hidden = live || !mine || state.set === 'own';
    const changed =
      state.methods.some(m => Object.keys(state.config[m] ?? {}).length) ||
      (state.count !== 2000 && state.set !== 'own');
    const plain = state.set !== 'own' && !(state.set === 'mixture' && state.mixture);
    const text =
      live || mine || !plain
        ? ''
        : changed
          ? 'The film on screen is the shipped one. Start to train with what you have changed.'
          : 'What you see is a shipped film. Start trains on the server, with your own settings.';
    if (about_run.textContent !== text) about_run.textContent = text;
  };
  // -- heads of views -------------------------------------------------------------------------
  own.head = view => {
    if (view.which) {
      view.words = el('span', {});
      view.head.replaceChildren(view.words);
      return;
    }
    const pick = el(
      'select',
      { 'aria-label': `Method ${view.index + 1}` },
      about.methods.map(m => el('option', { value: m.key }, m.title)),
    );
    pick.onchange = () => {
      const methods = [...app.state.methods];
      methods[view.index] = pick.value;
      app.set({ methods, lesson: '' }, { push: true });
    };
    const remove = el(
      'button',
      {
        type: 'button',
        class: 'remove',
        'aria-label': `Remove method ${view.index + 1}`,
        title: 'Remove',
        onclick: () => {
          app.runs.forget(String(view.index));
          app.set(
            { methods: app.state.methods.filter((_, i) => i !== view.index) },
            { push: true },
          );
        },
      },
      '×',
    );
    view.pick = pick;
    view.remove = remove;
    const dot = el('i', { class: 'dot' });
    dot.dataset.panel = view.index;
    view.dot = dot;
    view.words = null;
    view.surfaceName = el('span', {});
    view.head.replaceChildren(dot, pick, view.surfaceName, remove);
  };
  own.paintHead = view => {
    const { title } = PLANE.surfaces.all[app.shown(view.index, view.which).surface];
    if (view.which) {
      view.head.firstChild.textContent = title;
      return;
    }
    if (view.pick.value !== app.state.methods[view.index])
      view.pick.value = app.state.methods[view.index];
    view.remove.hidden = app.state.methods.length < 2;
    view.dot.hidden = app.state.methods.length < 2;
    if (view.surfaceName.textContent !== title) view.surfaceName.textContent = title;
  };
  return own;
};
