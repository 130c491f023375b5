// The tab: what is on stage, drawn once a frame when something has changed.
PLANE.open = (host, about, given) => {
  const { el, words } = PLANE,
    M = PLANE.maths,
    States = PLANE.state;
  const app = { about };
  // A link may name a method that is not here.
  const read = text => {
    const state = States.read(text);
    state.methods = state.methods.filter(key => about.methods.some(m => m.key === key));
    if (!state.methods.length) state.methods = [about.first];
    return state;
  };
  app.state = read(given);
  let frame = 0,
    saving = 0,
    following = false,
    hovered = null,
    before = 0,
    altered = true;

  // -- what there is --------------------------------------------------------------------------
  app.method = key => about.methods.find(m => m.key === key);
  app.title = i => app.method(app.state.methods[i])?.short ?? app.state.methods[i];
  app.calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
  app.tool = () => app.state.set === 'own' && app.editor.tool !== 'look';
  app.point = () => hovered ?? app.state.point;
  app.mixture = () => app.state.mixture ?? about.mixture;
  app.running = () => app.runs.any();
  app.say = (text, kind = 'plain') => {
    status.textContent = text;
    status.dataset.kind = kind;
  };
  const shipped = () =>
    app.state.set !== 'own' && !(app.state.set === 'mixture' && app.state.mixture);

  const stock = PLANE.stock(app);
  let edited = null;
  app.dataChanged = () => {
    edited = null;
    app.changed();
  };
  // Of what is edited here: the density of the mixture in closed form, and points of it.
  const editedTruth = () => {
    const { state } = app;
    const key = `${state.set} ${state.count} ${state.seed}`;
    if (edited?.key !== key)
      edited =
        state.set === 'own'
          ? { key, data: Float32Array.from(state.points ?? []) }
          : { key, ...PLANE.mixture(app.mixture(), state.count, state.seed) };
    return edited;
  };
  const truth = i => {
    const run = runOf(i);
    if (run?.truth && app.state.set !== 'own') return run.truth;
    if (run?.truth && (app.runs.live(run) || run.points === app.state.points?.length))
      return run.truth;
    return shipped() ? stock.truth(app.state.set) : editedTruth();
  };
  const dataKey = () =>
    app.state.set === 'mixture' && app.state.mixture ? 'mixture!' : app.state.set;
  const runKey = i => `${app.state.methods[i]}|${dataKey()}`;
  const runOf = i => {
    const run = app.runs.all.get(String(i));
    return run && run.key === runKey(i) ? run : null;
  };
  const press = about.training
    ? 'Press Start to train on these points.'
    : 'Training is switched off on this server.';
  app.panels = () =>
    app.state.methods.map((method, i) => {
      const run = runOf(i);
      if (run)
        return {
          method,
          run,
          film: run.film,
          words: run.film ? '' : run.words || 'The run begins …',
        };
      if (!shipped() || !about.films[method]?.includes(app.state.set))
        return { method, film: null, words: press };
      const own = stock.film(method, app.state.set);
      return {
        method,
        film: own.film ?? null,
        fetching: !own.film && !own.problem,
        words: own.problem ?? (own.film ? '' : 'The film is being fetched …'),
      };
    });
  app.films = () =>
    app
      .panels()
      .map(p => p.film)
      .filter(Boolean);

  // -- time -----------------------------------------------------------------------------------
  app.longest = () => Math.max(1e-6, ...app.films().map(f => f.seconds[f.count - 1] ?? 0));
  app.place = film => {
    const run = [...app.runs.all.values()].find(r => r.film === film);
    if (following && run) return run.shownAt ?? film.count - 1;
    return app.state.axis === 'seconds'
      ? M.place(film.seconds, app.state.moment * app.longest())
      : app.state.moment * (film.count - 1);
  };
  app.momentOf = (film, k) =>
    app.state.axis === 'seconds'
      ? film.seconds[k] / app.longest()
      : film.count > 1
        ? k / (film.count - 1)
        : 1;
  app.follow = on => (following = on);

  // -- state ----------------------------------------------------------------------------------
  app.changed = (whole = true) => {
    altered ||= whole;
    if (!frame) frame = requestAnimationFrame(tick);
  };
  const save = (push = false) => {
    clearTimeout(saving);
    // A step is one that the browser's back button undoes.
    const write = () => GE.put('plane.state', States.write(app.state), '', push);
    if (push) write();
    else saving = setTimeout(write, 300);
  };
  app.put = (changes, whole = true) => {
    Object.assign(app.state, changes);
    app.changed(whole);
  };
  app.set = (changes, { push = false } = {}) => {
    app.put(changes);
    save(push);
  };
  app.go = state => {
    app.transport.play(false);
    app.transport.playMaking(false);
    follow_(false);
    app.state = state;
    app.dataChanged();
    save(true);
  };
  const follow_ = on => {
    following = on;
    if (on) app.put({ moment: 1 });
  };
  app.load = text => {
    clearTimeout(saving);
    host.setAttribute('aria-busy', true); // until all of it is drawn
    app.transport.play(false);
    app.transport.playMaking(false);
    app.state = read(text);
    following = false;
    app.dataChanged();
  };
  app.pin = (point, aloud = false) => {
    for (const view of views) view.aloud(aloud);
    hovered = null;
    app.set({ point });
  };
  app.hover = point => {
    hovered = point;
    app.changed(false);
  };
  app.press = point => {
    const { point: old } = app.state;
    app.pin(old && Math.hypot(old[0] - point[0], old[1] - point[1]) < 0.12 ? null : point);
  };

  // -- runs -----------------------------------------------------------------------------------
  const dataset = () => {
    const { state } = app;
    if (state.set === 'own') {
      const problem = app.editor.problem();
      if (problem) throw new Error(problem);
      // As the link has them, so that whoever opens it trains on the same.
      const points = PLANE.points.settled(state.points),
        rows = [];
      for (let k = 0; k < points.length; k += 2) rows.push([points[k], points[k + 1]]);
      return { points: rows };
    }
    return {
      set: state.set,
      count: state.count,
      mixture: state.set === 'mixture' ? app.mixture() : null,
    };
  };
  const start = (app.start = async () => {
    const { state } = app;
    try {
      const data = dataset();
      app.transport.play(false);
      app.say('The run begins …', 'busy');
      follow_(true);
      for (const [i, method] of state.methods.entries()) {
        const order = {
          method,
          data,
          config: state.config[method] ?? {},
          seed: state.seed,
          minutes: state.minutes,
          key: runKey(i),
        };
        await app.runs.start(String(i), { key: runKey(i), body: order });
        app.runs.all.get(String(i)).points = state.points?.length;
      }
    } catch (error) {
      app.say(error.message, 'problem');
    }
    app.changed();
  });
  const tell = async (what, values) => {
    try {
      for (const i of app.state.methods.keys()) await app.runs.tell(String(i), what, values);
    } catch (error) {
      app.say(error.message, 'problem');
    }
    app.changed();
  };
  app.tune = async (method, values) => {
    for (const [i, key] of app.state.methods.entries()) {
      if (key !== method) continue;
      try {
        await app.runs.tell(String(i), 'tune', { values });
      } catch (error) {
        app.say(error.message, 'problem');
      }
    }
  };
  let runSaid = '';
  const runWords = () => {
    const told = [...app.state.methods.keys()].map(i => [i, runOf(i)]).filter(([, run]) => run);
    if (!told.length) return;
    // Of a method with one player a part is the whole step.
    const part = ({ part: name }) =>
      !name ? '' : name === 'model' ? ' One step was taken.' : ` Taken last: ${name}.`;
    const one = ([i, run]) => {
      const film = run.film,
        last = film ? ` Step ${film.steps[film.count - 1].toLocaleString('en')}.` : '';
      const state = {
        waiting: run.words || 'Waiting for its turn.',
        starting: 'The run begins …',
        running: 'Training on the server.',
        paused: `Paused.${last}${part(run)}`,
        stopping: 'Stopping …',
        ended: run.words || 'Done.',
      }[run.state];
      return (
        (told.length > 1 ? `${app.title(i)}: ` : '') +
        state +
        (run.note && run.state !== 'ended' ? ` ${run.note}` : '')
      );
    };
    const text = told.map(one).join(' ');
    if (text === runSaid) return; // what else was said in between stays
    runSaid = text;
    app.say(text, told.some(([, r]) => r.problem) ? 'problem' : app.runs.any() ? 'busy' : 'plain');
  };

  // -- the page -------------------------------------------------------------------------------
  app.editor = PLANE.editor(app);
  app.runs = PLANE.runs(app);
  app.transport = PLANE.transport(app);
  app.settings = PLANE.settings(app);
  app.numbers = PLANE.numbers(app);
  app.lessons = PLANE.lessons(app);
  const status = el('p', { class: 'status', role: 'status' });
  const chooser = PLANE.chooser(app, { start, tell });
  const grid = el('div', { class: 'views' });
  const add = el(
    'button',
    {
      type: 'button',
      class: 'add',
      onclick: () => {
        const next = about.methods.find(m => !app.state.methods.includes(m.key));
        if (next) app.set({ methods: [...app.state.methods, next.key] }, { push: true });
      },
    },
    'Add a method beside it',
  );
  const picture = el(
    'button',
    { type: 'button', onclick: () => PLANE.savePicture(views, app) },
    'Save picture',
  );
  const code = PLANE.code(app);
  host.replaceChildren(
    el(
      'div',
      { class: 'plane' },
      app.lessons.row,
      app.lessons.card,
      el(
        'div',
        { class: 'sheet' },
        el('div', { class: 'side' }, chooser.node, app.settings.node),
        el(
          'div',
          { class: 'stage' },
          grid,
          app.transport.node,
          status,
          el('div', { class: 'buttons' }, add, picture),
        ),
        el('div', { class: 'aside' }, app.numbers.node, code.node),
      ),
    ),
  );
  app.savePoints = () => {
    const data = truth(0)?.data ?? [];
    const rows = [];
    for (let k = 0; k < data.length; k += 2)
      rows.push(`${data[k].toFixed(4)},${data[k + 1].toFixed(4)}`);
    PLANE.save('points.csv', rows.join('\n') + '\n', 'text/csv');
  };

  // -- views ----------------------------------------------------------------------------------
  let views = [];
  app.shown = (i, which) => {
    const { state } = app,
      panel = app.panels()[i],
      true_ = truth(i);
    const view = {
      film: panel.film,
      words: panel.words,
      truth: true_,
      data: true_?.data,
      held: true_?.held,
      at: panel.film ? app.place(panel.film) : 0,
      time: state.time,
      slice: state.slice,
      layers: state.layers,
      point: app.point(),
    };
    // A method that lacks what is asked for shows the nearest thing that it has.
    const { all } = PLANE.surfaces,
      wanted = which ? state.beside : state.surface,
      others = which ? [] : ['density', 'critic', 'energy'];
    view.surface = [wanted, ...others].find(key => all[key].there(view)) ?? 'none';
    return view;
  };
  const rebuild = () => {
    const pair = app.state.beside !== 'none' ? 2 : 1,
      wanted = app.state.methods.length * pair;
    if (views.length !== wanted || views.some((v, k) => v.index !== Math.floor(k / pair))) {
      views = Array.from({ length: wanted }, (_, k) =>
        PLANE.view(app, Math.floor(k / pair), k % pair),
      );
      grid.replaceChildren(...views.map(v => v.node));
      for (const view of views) chooser.head(view);
    }
    for (const view of views) app.editor.knobs(view);
    add.hidden = app.state.methods.length >= States.MOST_METHODS;
  };
  const layout = () => {
    const wide = grid.clientWidth,
      n = views.length;
    if (!wide) return 0;
    const top = grid.getBoundingClientRect().top + scrollY,
      room = Math.max(300, innerHeight - Math.min(top, 330) - 170);
    const columns = n === 1 ? 1 : n === 3 && wide > 860 ? 3 : 2,
      rows = Math.ceil(n / columns),
      across = (wide - 14 * (columns - 1)) / columns,
      best = Math.floor(Math.min(across, rows === 1 ? room : Math.max(280, 0.72 * room)));
    grid.style.gridTemplateColumns = `repeat(${columns}, ${best}px)`;
    return best;
  };
  let explained = '',
    side = 0,
    counted = 0;
  // light: where only time or the pointer has moved, controls stay as they are.
  const paint = light => {
    if (!light) {
      rebuild();
      side = layout();
    }
    if (side)
      for (const view of views) {
        chooser.paintHead(view);
        view.paint(side);
        const text = view.words ?? '';
        if (view.note.textContent !== text) view.note.textContent = text;
        view.note.hidden = !text;
        const surface = PLANE.surfaces.all[view.surface].title;
        const label =
          `${app.title(view.index)} on ${chooser.setTitle()}: ${surface}. ` +
          'Arrow keys move the point that is read.';
        if (view.canvas.getAttribute('aria-label') !== label)
          view.canvas.setAttribute('aria-label', label);
      }
    app.transport.paint();
    host.setAttribute('aria-busy', app.panels().some(panel => panel.fetching));
    if (light && ++counted % 6) return; // numbers are read ten times a second
    app.numbers.paint();
    runWords();
    if (light) return;
    chooser.paint();
    app.editor.paintControls();
    if (app.state.set === 'mixture') app.editor.rows();
    app.settings.paint();
    app.lessons.paint();
    code.paint();
    const method = app.state.methods[0];
    if (method !== explained)
      document.dispatchEvent(new CustomEvent('ge:plane', { detail: method }));
    explained = method;
  };
  // A run's film is followed from moment to moment as they come, never in jumps.
  const advance = passed => {
    let moving = false;
    if (!following) return false;
    for (const run of app.runs.all.values()) {
      if (!run.film) continue;
      const last = run.film.count - 1;
      run.shownAt ??= 0;
      if (run.shownAt < last) {
        const gap = last - run.shownAt,
          rate = Math.max(7, 4 * gap); // moments a second
        run.shownAt = Math.min(last, run.shownAt + (rate * Math.min(passed, 100)) / 1000);
        moving = true;
      }
    }
    return moving;
  };
  const tick = now => {
    frame = 0;
    const passed = now - (before || now);
    before = now;
    PLANE.frames = (PLANE.frames ?? 0) + 1;
    if (host.offsetParent === null) return (before = 0); // shown again, the tab asks for a frame
    const playing = app.transport.pass(passed),
      moving = advance(passed);
    const whole = altered;
    altered = false;
    paint(!whole);
    if (playing || moving) app.changed(false);
    else {
      if (!frame) before = 0;
      if (wasMoving) app.changed(); // the last frame of what moved is a whole one
    }
    if (wasPlaying && !playing) save();
    wasPlaying = playing;
    wasMoving = moving;
  };
  let wasPlaying = false,
    wasMoving = false;

  new ResizeObserver(app.changed).observe(grid);
  new MutationObserver(() => {
    PLANE.draw.forget();
    app.changed();
  }).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  host.addEventListener('dragover', event => event.preventDefault());
  host.addEventListener('drop', event => {
    event.preventDefault();
    app.editor.take(event.dataTransfer.files[0]);
  });
  app.beginning = () => {
    // The first look: the film plays once, where nothing else was asked for.
    if (!given && !app.calm()) (app.put({ moment: 0 }), app.transport.play(true));
    if (about.training)
      app.runs.resume().then(
        n => n && (follow_(true), app.changed()),
        () => {},
      );
  };
  app.beginning();
  app.changed();
  return app;
};
