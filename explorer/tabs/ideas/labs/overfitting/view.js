IDEAS.views.overfitting = (() => {
  const O = IDEAS.overfitting,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    family: one('degree', 'bins', 'bandwidth', 'components'),
    c: number(3, 0, 14),
    n: number(20, 5, 500),
    noise: number(0.3, 0, 1),
    reg: number(0, 0, 1),
    seed: number(1, 1, 9999),
    folds: number(5, 2, 20),
  };
  const FAMILIES = [
    ['degree', 'Polynomial degree'],
    ['bins', 'Bins'],
    ['bandwidth', 'Bandwidth'],
    ['components', 'Components'],
  ];
  const value = state => {
    const { values } = O.FAMILIES[state.family];
    return values[Math.min(values.length - 1, Math.round(state.c))];
  };
  const index = state => Math.min(O.FAMILIES[state.family].values.length - 1, Math.round(state.c));
  const penalty = state =>
    ({
      degree: 20 * state.reg ** 3,
      bins: 2 * state.reg,
      components: 0.02 * state.reg,
      bandwidth: 0,
    })[state.family];
  const density = state => state.family !== 'degree';
  const common = s => {
    s.choice('family', { label: 'Complexity is', options: FAMILIES });
    s.slider('c', { label: 'Complexity, from simple to complex', step: 1, whole: true });
    s.slider('n', { label: 'Points', log: true, whole: true });
    s.slider('noise', { label: 'Noise of y', when: () => !density(s.state) });
    const wrap = s.slider('reg', {
      label: 'Regularisation',
      when: () => s.state.family !== 'bandwidth',
    });
    return wrap;
  };
  const named = state => `${O.FAMILIES[state.family].name} ${value(state)}`;
  const plural = {
    degree: 'degree',
    bins: 'bins',
    bandwidth: 'bandwidth',
    components: 'components',
  };
  // A plot whose x is the place in the list of complexities.
  const against = (s, options, place) => {
    const plot = s.plot({ ...options, x: [-0.4, 14.4], names: ['simple → complex', ''] }, place);
    plot.handle({
      name: 'Complexity',
      tone: 'p',
      axis: 'x',
      step: [1, 0],
      at: () => [index(s.state), plot.y[0] + 0.03 * (plot.y[1] - plot.y[0])],
      move: x =>
        s.set({ c: M.clamp(Math.round(x), 0, O.FAMILIES[s.state.family].values.length - 1) }),
      say: () => named(s.state),
      range: () => [index(s.state), 0, 14],
    });
    return plot;
  };
  const fitted = (s, pen, data, model, plot) => {
    const at = O.xs(s.state.family),
      f = x => O.truth(s.state.family, x);
    pen.line(at, Array.from(at, f), 's', { width: 2, dash: [6, 4] });
    pen.line(at, Array.from(at, model), 'p', { width: 2.4 });
    if (density(s.state))
      pen.dots(
        data.x,
        data.x.map((_, i) => plot.y[1] * (0.015 + 0.02 * (i % 3))),
        'q',
        { radius: 2.5, alpha: 0.6 },
      );
    else pen.dots(data.x, data.y, 'q', { radius: 3.5, alpha: 0.8 });
  };
  const frame = (s, plot) => {
    if (density(s.state)) {
      plot.x = [O.LOW, O.HIGH];
      plot.y = [0, 5];
    } else {
      plot.x = [-1, 1];
      plot.y = [-2.6, 2.6];
    }
  };
  return {
    state,
    scenes: [],
    index,
    penalty,
    density,
    common,
    named,
    plural,
    against,
    fitted,
    frame,
  };
})();
