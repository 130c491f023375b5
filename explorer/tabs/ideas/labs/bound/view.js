IDEAS.views.bound = (() => {
  const { number, one } = IDEAS.state;
  const state = {
    x: number(1.6, -4, 4),
    w: number(1.2, 0, 3),
    noise: number(0.6, 0.1, 2),
    m: number(0.2, -3, 3),
    s: number(0.9, 0.1, 2),
    ew: number(0.3, 0.02, 3),
    seed: number(1, 1, 9999),
    bend: number(0.6, 0, 1.2),
    bnoise: number(0.3, 0.15, 1),
    slope: number(0.5, -1, 2),
    shift: number(0, -1, 1),
    width: number(0.6, 0.05, 1.5),
    r: number(0.8, 0, 0.95),
    strength: number(0, 0, 1),
    beta: one('one', 'warm', 'half'),
  };
  return { state, scenes: [] };
})();
