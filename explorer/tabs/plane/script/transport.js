// One time axis for all panels: training, and below it generation. Plays, steps and slows.
PLANE.transport = app => {
  const { el, words } = PLANE;
  const SPEEDS = [0.25, 0.5, 1, 2],
    LONG = 9, // seconds that a film takes at speed 1
    MAKING = 3.5; // and the generation
  const own = { playing: false, making: false, speed: 1 };
  const button = (text, label, onclick, more = {}) =>
    el('button', { type: 'button', 'aria-label': label, title: label, onclick, ...more }, text);
  const slider = (id, label) =>
    el('input', { type: 'range', id, min: '0', max: '1', step: 'any', 'aria-label': label });

  const play = button('▶', 'Play the training', () => own.play(!own.playing), { class: 'main' });
  const back = button('◂', 'One moment back', () => own.step(-1)),
    on = button('▸', 'One moment on', () => own.step(1));
  const training = slider('plane-training', 'Training');
  const clock = el('output', { class: 'clock', for: 'plane-training' });
  const speed = el(
    'select',
    { 'aria-label': 'Speed' },
    SPEEDS.map(v => el('option', { value: v }, `${{ 0.25: '¼', 0.5: '½' }[v] ?? v}×`)),
  );
  speed.value = '1';
  speed.onchange = () => (own.speed = +speed.value);
  const axis = el(
    'select',
    { 'aria-label': 'Time axis' },
    el('option', { value: 'moments' }, 'by moments'),
    el('option', { value: 'seconds' }, 'by seconds'),
  );
  axis.onchange = () => app.set({ axis: axis.value });

  const make = button('▶', 'Play the generation', () => own.playMaking(!own.making), {
    class: 'main',
  });
  const time = slider('plane-time', 'Generation');
  const when = el('output', { class: 'clock', for: 'plane-time' });
  const second = el(
    'div',
    { class: 'bar' },
    el('label', { for: 'plane-time' }, 'Generation'),
    make,
    time,
    when,
  );
  own.node = el(
    'div',
    { class: 'transport', role: 'group', 'aria-label': 'Time' },
    el(
      'div',
      { class: 'bar' },
      el('label', { for: 'plane-training' }, 'Training'),
      play,
      back,
      on,
      training,
      clock,
      speed,
      axis,
    ),
    second,
  );

  training.oninput = () => {
    own.play(false);
    app.follow(false);
    app.set({ moment: +training.value });
  };
  time.oninput = () => {
    own.playMaking(false);
    app.set({ time: +time.value });
  };
  // Arrow keys: a moment on the one, a fortieth on the other.
  training.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    own.step(by);
  };
  time.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    own.playMaking(false);
    app.set({ time: Math.min(1, Math.max(0, app.state.time + by / 40)) });
  };
  const mark = (b, playing, words) => {
    b.textContent = playing ? '❚❚' : '▶';
    b.setAttribute('aria-label', playing ? 'Pause' : words);
    b.title = playing ? 'Pause' : words;
  };
  own.play = next => {
    if (next && app.state.moment >= 1) app.set({ moment: 0 });
    if (next) app.follow(false);
    own.playing = next;
    mark(play, next, 'Play the training');
    app.changed();
  };
  own.playMaking = next => {
    if (next && app.state.time >= 1) app.set({ time: 0 });
    own.making = next;
    mark(make, next, 'Play the generation');
    app.changed();
  };
  // To the next moment of the first film, whole ones only.
  own.step = by => {
    own.play(false);
    app.follow(false);
    const film = app.films()[0];
    if (!film || film.count < 2) return;
    const at = app.place(film) + by;
    const whole = by > 0 ? Math.floor(at + 1e-6) : Math.ceil(at - 1e-6);
    app.set({ moment: app.momentOf(film, Math.max(0, Math.min(film.count - 1, whole))) });
  };
  // Milliseconds have passed: moves what plays. Returns whether something does.
  own.pass = passed => {
    const dt = (Math.min(passed, 100) / 1000) * own.speed;
    if (own.playing) {
      const moment = Math.min(1, app.state.moment + dt / LONG);
      app.put({ moment }, false);
      if (moment >= 1) own.play(false);
    }
    if (own.making) {
      const now = Math.min(1, app.state.time + dt / MAKING);
      app.put({ time: now }, false);
      if (now >= 1) own.playMaking(false);
    }
    return own.playing || own.making;
  };
  const put = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
  };
  own.paint = () => {
    const { state } = app,
      film = app.films()[0];
    training.value = state.moment;
    axis.value = state.axis;
    time.value = state.time;
    training.disabled = play.disabled = back.disabled = on.disabled = !film || film.count < 2;
    let text = '';
    if (film) {
      const k = Math.round(app.place(film));
      const step = film.steps[k] ?? 0,
        seconds = film.seconds[k] ?? 0;
      text =
        state.axis === 'seconds'
          ? `${words(state.moment * app.longest(), 1)} s`
          : `step ${step.toLocaleString('en')} · ${words(seconds, seconds < 10 ? 1 : 0)} s`;
    }
    put(clock, text);
    training.setAttribute('aria-valuetext', text || 'no film yet');
    const made = app
      .films()
      .some(f => f.has('paths') || f.shape('mesh')?.[0] > 1 || f.shape('field')?.[0] > 1);
    second.hidden = !made;
    const t = `t = ${words(state.time, 2)}`;
    put(when, t);
    time.setAttribute('aria-valuetext', `${t}; 0 is noise, 1 is data`);
  };
  return own;
};
