// The gradient of E f(x), x ~ N(m, s^2), by m: three estimators of one number.
IDEAS.reparametrisation = (() => {
  const { rule, normalPdf, random, mean, variance } = IDEAS.maths;
  const FUNCTIONS = {
    hill: { f: x => -((x - 2) ** 2), slope: x => -2 * (x - 2), cuts: [] },
    waves: {
      f: x => Math.sin(3 * x) - 0.15 * (x - 2) ** 2,
      slope: x => 3 * Math.cos(3 * x) - 0.3 * (x - 2),
      cuts: [],
    },
    step: { f: x => (x > 1 ? 1 : 0), slope: () => 0, cuts: [1] },
    high: { f: x => 10 - (x - 2) ** 2, slope: x => -2 * (x - 2), cuts: [] },
  };
  const ESTIMATORS = ['score', 'baseline', 'reparametrised'];
  // E g(x) over N(m, s^2), by quadrature.
  const expect = (g, m, s, cuts = []) => {
    const { x, w } = rule(m - 9 * s, m + 9 * s, cuts, 40);
    let t = 0;
    for (let i = 0; i < x.length; i++) t += w[i] * normalPdf(x[i], m, s) * g(x[i]);
    return t;
  };
  const value = (name, m, s) => expect(FUNCTIONS[name].f, m, s, FUNCTIONS[name].cuts);
  const gradient = (name, m, s) =>
    expect(x => (FUNCTIONS[name].f(x) * (x - m)) / (s * s), m, s, FUNCTIONS[name].cuts);
  // The constant that leaves the score function's estimator the least variance.
  const bestBaseline = (name, m, s) =>
    expect(x => FUNCTIONS[name].f(x) * ((x - m) / s) ** 2, m, s, FUNCTIONS[name].cuts);
  const term = (kind, name, m, s, b) => {
    const { f, slope } = FUNCTIONS[name];
    if (kind === 'reparametrised') return slope;
    return kind === 'score'
      ? x => (f(x) * (x - m)) / (s * s)
      : x => ((f(x) - b) * (x - m)) / (s * s);
  };
  // Mean and standard deviation of one sample's estimate.
  const moments = (kind, name, m, s) => {
    const { cuts } = FUNCTIONS[name],
      g = term(kind, name, m, s, kind === 'baseline' ? bestBaseline(name, m, s) : 0);
    const first = expect(g, m, s, cuts),
      second = expect(x => g(x) ** 2, m, s, cuts);
    return { mean: first, sd: Math.sqrt(Math.max(0, second - first * first)) };
  };
  // n estimates of T samples each; the same noise for all kinds.
  const estimates = (kind, name, m, s, T, n, seed) => {
    const rng = random(seed),
      g = term(kind, name, m, s, kind === 'baseline' ? bestBaseline(name, m, s) : 0);
    return Float64Array.from({ length: n }, () => {
      let t = 0;
      for (let k = 0; k < T; k++) t += g(m + s * rng.normal());
      return t / T;
    });
  };
  // One step of ascent in m for each of many runs.
  const ascend = (kind, name, runs, s, T, rate, rng) =>
    runs.map(m => {
      const g = term(kind, name, m, s, kind === 'baseline' ? bestBaseline(name, m, s) : 0);
      let t = 0;
      for (let k = 0; k < T; k++) t += g(m + s * rng.normal());
      return Math.max(-8, Math.min(8, m + (rate * t) / T));
    });
  return {
    FUNCTIONS,
    ESTIMATORS,
    expect,
    value,
    gradient,
    bestBaseline,
    term,
    moments,
    estimates,
    ascend,
    mean,
    variance,
  };
})();
