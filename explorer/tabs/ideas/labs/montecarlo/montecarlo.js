// Monte Carlo: means of samples, importance weights, and bounds of a log evidence.
IDEAS.montecarlo = (() => {
  const { random, normalLog, normalPdf, normalCdf, logsumexp, mean, variance, LOG_2PI } =
    IDEAS.maths;

  // Expectations under the standard normal, with their truth and one sample's standard deviation.
  const TARGETS = {
    square: { f: x => x * x, truth: 1, sd: Math.SQRT2 },
    tail: {
      f: x => (x > 2 ? 1 : 0),
      truth: 1 - normalCdf(2),
      sd: Math.sqrt((1 - normalCdf(2)) * normalCdf(2)),
    },
    exp: { f: x => Math.exp(x), truth: Math.exp(0.5), sd: Math.sqrt((Math.E - 1) * Math.E) },
  };
  // Many runs that grow together; after 1, 2, 4 ... samples the estimates of all are written down.
  const runner = (name, runs, seed) => {
    const rng = random(seed),
      { f } = TARGETS[name],
      sums = new Float64Array(runs),
      records = [];
    let count = 0,
      run = 0,
      next = 1;
    return {
      records,
      runs,
      get count() {
        return count;
      },
      // At most `budget` samples more, all runs together; says whether there is more to do.
      advance(budget, most = 2 ** 20) {
        while (budget > 0 && count < most) {
          const missing = Math.min(next, most) - count;
          for (; run < runs && budget > 0; run++) {
            let s = 0;
            for (let t = 0; t < missing; t++) s += f(rng.normal());
            sums[run] += s;
            budget -= missing;
          }
          if (run < runs) break;
          run = 0;
          count += missing;
          records.push({ T: count, estimates: Array.from(sums, s => s / count) });
          next *= 2;
        }
        return count < most;
      },
    };
  };
  const estimates = (name, T, runs, seed) => {
    const rng = random(seed),
      { f } = TARGETS[name];
    return Array.from({ length: runs }, () => {
      let s = 0;
      for (let t = 0; t < T; t++) s += f(rng.normal());
      return s / T;
    });
  };
  const rms = (values, truth) => Math.sqrt(mean(values.map(v => (v - truth) ** 2)));

  // -- importance sampling: p is N(0, 1), the proposal N(m, s) -----------------------------------
  const logWeight = (x, m, s) => -0.5 * x * x + 0.5 * ((x - m) / s) ** 2 + Math.log(s);
  // E_q[w^2], infinite where the proposal's tails are too thin; 1 / that is the part of the samples
  // that counts.
  const secondMoment = (m, s) => {
    const d = 2 * s * s - 1;
    return d <= 0 ? Infinity : ((s * s) / Math.sqrt(d)) * Math.exp((m * m) / d);
  };
  // Kish's effective sample size of log weights.
  const effective = logs => Math.exp(2 * logsumexp(logs) - logsumexp(Array.from(logs, l => 2 * l)));
  // The estimate of E_p[f], its standard error, and the weights themselves.
  const importance = (name, m, s, T, seed) => {
    const rng = random(seed),
      { f } = TARGETS[name],
      xs = [],
      logs = [],
      terms = [];
    for (let t = 0; t < T; t++) {
      const x = m + s * rng.normal(),
        l = logWeight(x, m, s);
      xs.push(x);
      logs.push(l);
      terms.push(Math.exp(l) * f(x));
    }
    return {
      xs,
      logs,
      estimate: mean(terms),
      error: T > 1 ? Math.sqrt(variance(terms, 1) / T) : NaN,
      ess: effective(logs),
    };
  };
  // The estimate alone, for many repetitions.
  const weighted = (name, m, s, T, rng) => {
    const { f } = TARGETS[name];
    let total = 0;
    for (let t = 0; t < T; t++) {
      const x = m + s * rng.normal();
      total += Math.exp(logWeight(x, m, s)) * f(x);
    }
    return total / T;
  };
  // The variance of one weighted term, by quadrature; infinite where it is.
  const termVariance = (name, m, s) => {
    const { f, truth } = TARGETS[name];
    if (2 * s * s <= 1) return Infinity;
    const second = x =>
      f(x) ** 2 * Math.exp(-x * x - 0.5 * LOG_2PI + 0.5 * ((x - m) / s) ** 2 + Math.log(s));
    const centre = (-m / (s * s) + (name === 'exp' ? 2 : 0)) / (2 - 1 / (s * s)),
      width = 1 / Math.sqrt(2 - 1 / (s * s));
    return Math.max(
      0,
      IDEAS.maths.integrate(
        second,
        Math.min(-9, centre - 12 * width),
        Math.max(9, centre + 12 * width),
        [2],
        120,
      ) -
        truth ** 2,
    );
  };

  // -- a model of one latent number: z ~ N(0, 1), x given z ~ N(z, noise^2), q(z) = N(m, s) ------
  const logEvidence = (x, noise) => normalLog(x, 0, Math.sqrt(1 + noise * noise));
  const posterior = (x, noise) => [x / (1 + noise * noise), noise / Math.sqrt(1 + noise * noise)];
  const elbo = (x, noise, m, s) =>
    -0.5 * LOG_2PI -
    Math.log(noise) -
    (0.5 * ((x - m) ** 2 + s * s)) / (noise * noise) -
    (0.5 * (m * m + s * s - 1) - Math.log(s));
  const logRatio = (z, x, noise, m, s) =>
    normalLog(z) + normalLog(x, z, noise) - normalLog(z, m, s);
  const logMeanExp = logs => logsumexp(logs) - Math.log(logs.length);
  // The k-sample bound: the mean over blocks of k of the log of the mean weight. [mean, sd of a
  // block]
  const iwae = (logs, k) => {
    const n = Math.floor(logs.length / k);
    let sum = 0,
      squares = 0;
    for (let at = 0; at < n * k; at += k) {
      let top = -Infinity,
        s = 0;
      for (let i = at; i < at + k; i++) if (logs[i] > top) top = logs[i];
      for (let i = at; i < at + k; i++) s += Math.exp(logs[i] - top);
      const v = top === -Infinity ? top : top + Math.log(s / k);
      sum += v;
      squares += v * v;
    }
    const m = sum / n;
    return [m, n > 1 ? Math.sqrt(Math.max(0, (squares - n * m * m) / (n - 1))) : 0, n];
  };
  const powers = most => {
    const all = [];
    for (let k = 1; k <= most; k *= 2) all.push(k);
    return all;
  };
  const noises = (n, seed) => {
    const rng = random(seed);
    return Float64Array.from({ length: n }, () => rng.normal());
  };
  return {
    TARGETS,
    runner,
    estimates,
    rms,
    logWeight,
    secondMoment,
    effective,
    importance,
    weighted,
    termVariance,
    logEvidence,
    posterior,
    elbo,
    logRatio,
    logMeanExp,
    iwae,
    powers,
    noises,
    normalPdf,
  };
})();
