IDEAS.views.likelihood = (() => {
  const { number, one, list } = IDEAS.state;
  const state = {
    tosses: list([1, 1, 0, 1, 0], 0, 1, 40, 1),
    theta: number(0.5, 0, 1),
    scale: one('log', 'plain'),
    m: number(-1.5, -6, 6),
    s: number(2.2, 0.2, 6),
    n: number(60, 1, 500),
    seed: number(1, 1, 9999),
    rate: number(0.3, 0.001, 30),
    batch: one('all', 'eight', 'one'),
    w: number(0.7, 0.5, 0.95),
    a: number(-0.5, -5, 5),
    b: number(0.4, -5, 5),
    gap: number(4, 0, 6),
    mrate: number(0.5, 0.01, 3),
  };
  return { state, scenes: [] };
})();
