IDEAS.views.game = (() => {
  const { number, one, list } = IDEAS.state;
  const state = {
    pm: number(-1, -4, 4),
    qm: number(1.5, -5, 5),
    qs: number(1, 0.3, 2.5),
    two: one('no', 'yes'),
    own: one('no', 'yes'),
    t: list([1, 1, 0.5, 0.2, 0, -0.3, -0.5, -1, -1], -6, 6),
    logit: number(-4, -8, 8),
    far: number(4, 0, 8),
    rate: number(0.3, 0.01, 3),
    p: list([0.3, 0.4, 0.3, 0, 0, 0, 0, 0], 0, 1),
    q: list([0, 0, 0, 0, 0.1, 0.2, 0.4, 0.3], 0, 1),
    f: list([0, 0, 0, 0, 0, 0, 0, 0], -7, 7),
    critic: one('best', 'own'),
  };
  return { state, scenes: [] };
})();
