IDEAS.views.langevin = (() => {
  const L = IDEAS.langevin,
    { number, one } = IDEAS.state;
  const state = {
    gap: number(4, 0, 8),
    weight: number(0.7, 0.1, 0.9),
    width: number(0.6, 0.2, 1.5),
    sigma: number(0, 0, 4),
    at: number(0.8, -6, 6),
    step: number(0.05, 0.0005, 2),
    temperature: number(1, 0, 3),
    start: one('left', 'wide', 'middle'),
    corrected: one('no', 'yes'),
    seed: number(1, 1, 9999),
    place: one('two', 'ring', 'five'),
    rate: number(0.1, 0.01, 0.9),
    each: number(20, 1, 60),
    many: number(12, 1, 30),
  };
  const target = s =>
    L.mixture([-s.gap / 2, s.gap / 2], [s.width, s.width], [s.weight, 1 - s.weight]);
  return { state, scenes: [], target };
})();
