IDEAS.views.diffusion = (() => {
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    schedule: one('linear', 'cosine', 'even'),
    t: number(0.3, 0.001, 1),
    w: number(0.3, 0.05, 0.95),
    T: number(10, 2, 1000),
    xt: number(0.6, -3, 3),
    x0: number(1, -1.5, 1.5),
    K: number(8, 1, 60),
    noise: number(0, 0, 1),
    seed: number(1, 1, 9999),
  };
  const SCHEDULES = [
    ['linear', 'linear β'],
    ['cosine', 'cosine'],
    ['even', 'equal angles'],
  ];
  const fine = {};
  const curve = schedule => (fine[schedule] ??= D.abar(schedule, 400));
  const level = (schedule, t) => {
    const c = curve(schedule),
      at = t * 400,
      k = Math.min(399, Math.floor(at));
    return M.clamp(c[k] + (at - k) * (c[k + 1] - c[k]), 1e-6, 1 - 1e-6);
  };
  // The marginal at every t as a picture, columns t, rows x.
  const field = (schedule, w) => {
    const n = 90,
      m = 70,
      values = new Float64Array(n * m);
    for (let i = 0; i < n; i++) {
      const a = level(schedule, (i + 0.5) / n);
      let most = 0;
      for (let j = 0; j < m; j++) {
        const v = D.marginal(-3 + (6 * (j + 0.5)) / m, a, w);
        values[j * n + i] = v;
        most = Math.max(most, v);
      }
      for (let j = 0; j < m; j++) values[j * n + i] = 0.75 * Math.sqrt(values[j * n + i] / most);
    }
    return [values, n, m];
  };
  const time = (s, plot, y) =>
    plot.handle({
      name: 'Time t',
      tone: 'p',
      axis: 'x',
      step: [0.01, 0],
      at: () => [s.state.t, y()],
      move: x => s.set({ t: +x.toFixed(3) }),
      say: () => `t = ${s.state.t.toFixed(2)}`,
      range: () => [s.state.t, 0, 1],
    });
  return { state, scenes: [], SCHEDULES, curve, level, field, time };
})();
