// Maximum likelihood: a coin, a normal by gradient steps, a mixture with its optima.
IDEAS.likelihood = (() => {
  const { mean, variance, sum, normalLog, random, xlogx } = IDEAS.maths;

  // -- tosses, 1 for heads -----------------------------------------------------------------------
  const times = (k, log) => (k === 0 ? 0 : k * log); // 0 log 0 = 0
  const coinLog = (tosses, theta) => {
    const heads = sum(tosses),
      tails = tosses.length - heads;
    return times(heads, Math.log(theta)) + times(tails, Math.log(1 - theta));
  };
  const coinBest = tosses => (tosses.length ? sum(tosses) / tosses.length : NaN);
  // The log-likelihood at its maximum: minus n times the entropy of the frequencies.
  const coinTop = tosses => {
    const p = coinBest(tosses);
    return tosses.length ? tosses.length * (xlogx(p) + xlogx(1 - p)) : 0;
  };

  // -- a normal ----------------------------------------------------------------------------------
  const normalLogLikelihood = (xs, m, s) => {
    let t = 0;
    for (const x of xs) t += normalLog(x, m, s);
    return t;
  };
  const normalBest = xs => [mean(xs), Math.sqrt(variance(xs))];
  // Gradient of the mean log-likelihood of a batch in (m, log s).
  const normalGradient = (xs, m, s) => {
    let gm = 0,
      gs = 0;
    for (const x of xs) {
      const z = (x - m) / s;
      gm += z / s;
      gs += z * z - 1;
    }
    return [gm / xs.length, gs / xs.length];
  };
  // One step of ascent; batch: how many points, drawn without putting back, 0 for all.
  const step = (xs, [m, s], rate, batch = 0, rng = null) => {
    let some = xs;
    if (batch && batch < xs.length) {
      const pool = Array.from(xs);
      for (let i = 0; i < batch; i++) {
        const j = i + rng.below(pool.length - i);
        [pool[i], pool[j]] = [pool[j], pool[i]];
      }
      some = pool.slice(0, batch);
    }
    const [gm, gs] = normalGradient(some, m, s);
    const held = Math.min(8, Math.max(-8, Math.log(s) + rate * gs));
    return [Math.min(1e6, Math.max(-1e6, m + rate * gm)), Math.exp(held)];
  };
  // What a step size does to the mean alone: near the optimum m' - m* = (1 - rate / s^2)(m - m*).
  const regime = (rate, s) => {
    const f = 1 - rate / (s * s);
    return Math.abs(f) >= 1 ? 'jumps' : f < 0 ? 'overshoots' : f > 0.9 ? 'crawls' : 'settles';
  };
  const sample = (n, m, s, seed) => {
    const rng = random(seed);
    return Array.from({ length: n }, () => m + s * rng.normal());
  };

  // -- a mixture of two normals of width s, weights w and 1 - w ----------------------------------
  const mixtureLog = (xs, [a, b], w = 0.5, s = 1) => {
    const la = Math.log(w / s) - 0.5 * IDEAS.maths.LOG_2PI,
      lb = Math.log((1 - w) / s) - 0.5 * IDEAS.maths.LOG_2PI;
    let t = 0;
    for (const x of xs) {
      const u = la - 0.5 * ((x - a) / s) ** 2,
        v = lb - 0.5 * ((x - b) / s) ** 2;
      t += u > v ? u + Math.log1p(Math.exp(v - u)) : v + Math.log1p(Math.exp(u - v));
    }
    return t;
  };
  const responsibilities = (xs, [a, b], w = 0.5, s = 1) =>
    Float64Array.from(xs, x => {
      const d = Math.log(w) + normalLog(x, a, s) - Math.log(1 - w) - normalLog(x, b, s);
      return IDEAS.maths.sigmoid(d);
    });
  const mixtureGradient = (xs, means, w = 0.5, s = 1) => {
    const r = responsibilities(xs, means, w, s);
    let ga = 0,
      gb = 0;
    xs.forEach((x, i) => {
      ga += r[i] * (x - means[0]);
      gb += (1 - r[i]) * (x - means[1]);
    });
    return [ga / (s * s * xs.length), gb / (s * s * xs.length)];
  };
  const mixtureStep = (xs, means, rate, w = 0.5, s = 1) => {
    const g = mixtureGradient(xs, means, w, s);
    return [means[0] + rate * g[0], means[1] + rate * g[1]];
  };
  const mixtureSample = (n, [a, b], w, s, seed) => {
    const rng = random(seed);
    return Array.from({ length: n }, () => (rng.uniform() < w ? a : b) + s * rng.normal());
  };
  return {
    coinLog,
    coinBest,
    coinTop,
    normalLogLikelihood,
    normalBest,
    normalGradient,
    step,
    regime,
    sample,
    mixtureLog,
    responsibilities,
    mixtureGradient,
    mixtureStep,
    mixtureSample,
  };
})();
