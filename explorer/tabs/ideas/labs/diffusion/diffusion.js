// The algebra of diffusion in one dimension, with data of two points: everything is in closed form.
// x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps, Ho et al. 2020, eq. 4.
IDEAS.diffusion = (() => {
  const { normalPdf, random, sigmoid, rule } = IDEAS.maths;
  const SCHEDULES = ['linear', 'cosine', 'even'];

  // abar_0 = 1, abar_1 ... abar_T. linear: beta from 1e-4 to 0.02 over 1,000 steps, as a continuous
  // curve for other T; cosine: Nichol and Dhariwal 2021, eq. 17; even: equal steps of the angle.
  const abar = (schedule, T) =>
    Float64Array.from({ length: T + 1 }, (_, k) => {
      const t = k / T;
      if (schedule === 'linear') return Math.exp(logLinear(t));
      if (schedule === 'cosine') {
        const f = u => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
        return Math.max(1e-5, Math.min(1, f(t) / f(0)));
      }
      return Math.max(1e-5, Math.cos((t * Math.PI) / 2) ** 2);
    });
  const logLinear = (() => {
    const logs = [0];
    for (let k = 0; k < 1000; k++)
      logs.push(logs[k] + Math.log1p(-(1e-4 + ((0.02 - 1e-4) * k) / 999)));
    return t => {
      const at = t * 1000,
        k = Math.min(999, Math.floor(at));
      return logs[k] + (at - k) * (logs[k + 1] - logs[k]);
    };
  })();

  // -- data: x_0 = -1 with probability w, else +1 ------------------------------------------------
  const marginal = (x, a, w) => {
    const s = Math.sqrt(1 - a),
      m = Math.sqrt(a);
    return s <= 0 ? NaN : w * normalPdf(x, -m, s) + (1 - w) * normalPdf(x, m, s);
  };
  // Probability that x_t came from +1; its mean is the best guess of x_0.
  const plus = (x, a, w) => sigmoid((2 * Math.sqrt(a) * x) / (1 - a) + Math.log((1 - w) / w));
  const denoised = (x, a, w) => 2 * plus(x, a, w) - 1;
  // The least mean squared error of x_0 at a level, by quadrature.
  const leastError = (a, w) => {
    if (a >= 1) return 0;
    const s = Math.sqrt(1 - a),
      m = Math.sqrt(a),
      { x, w: weights } = rule(
        -m - 9 * s,
        m + 9 * s,
        [],
        Math.max(24, Math.ceil((2 * m + 18 * s) / (1.2 * s))),
      );
    let t = 0;
    for (let i = 0; i < x.length; i++) {
      const p = plus(x[i], a, w);
      t += weights[i] * marginal(x[i], a, w) * 4 * p * (1 - p);
    }
    return t;
  };
  // The score of the marginal: (sqrt(abar) E[x_0 | x] - x) / (1 - abar).
  const score = (x, a, w) => (Math.sqrt(a) * denoised(x, a, w) - x) / (1 - a);

  // -- one step back, from level a (abar_t) to level b (abar_s), s < t ---------------------------
  // q(x_s | x_t, x_0): mean and standard deviation, eqs. 6 and 7 where s = t - 1.
  const back = (x0, xt, a, b) => {
    const alpha = a / b,
      beta = 1 - alpha;
    return [
      (Math.sqrt(b) * beta * x0 + Math.sqrt(alpha) * (1 - b) * xt) / (1 - a),
      Math.sqrt(Math.max(0, (beta * (1 - b)) / (1 - a))),
    ];
  };
  // q(x_s | x_t) in truth: a mixture over which point x_0 was.
  const backTruth = (x, xt, a, b, w) => {
    const p = plus(xt, a, w),
      [m1, s] = back(1, xt, a, b),
      [m2] = back(-1, xt, a, b);
    return p * normalPdf(x, m1, s) + (1 - p) * normalPdf(x, m2, s);
  };

  // -- three views of one number: with a = abar, x_t and any of the three give the others --------
  const views = (xt, x0, a) => {
    const s = Math.sqrt(1 - a),
      m = Math.sqrt(a),
      eps = (xt - m * x0) / s;
    return { x0, eps, v: m * eps - s * x0 };
  };
  const fromEps = (xt, eps, a) => (xt - Math.sqrt(1 - a) * eps) / Math.sqrt(a);
  const fromV = (xt, v, a) => Math.sqrt(a) * xt - Math.sqrt(1 - a) * v;
  // How an error of one in x_0 looks in the other views.
  const exchange = a => ({ x0: 1, eps: Math.sqrt(a / (1 - a)), v: 1 / Math.sqrt(1 - a) });

  // -- sampling with the best denoiser, in K steps along a schedule ------------------------------
  // noise 1: every step as random as q(x_s | x_t, x_0); 0: DDIM, none at all (Song et al. 2021).
  const sample = (schedule, K, w, noise, n, seed) => {
    const levels = abar(schedule, K),
      rng = random(seed),
      xs = Float64Array.from({ length: n }, () => rng.normal()),
      path = [xs.slice()];
    for (let k = K; k > 0; k--) {
      const a = levels[k],
        b = levels[k - 1];
      for (let i = 0; i < n; i++) {
        const x0 = denoised(xs[i], a, w),
          eps = (xs[i] - Math.sqrt(a) * x0) / Math.sqrt(1 - a);
        const spread = noise * back(0, 0, a, b)[1];
        xs[i] =
          Math.sqrt(b) * x0 +
          Math.sqrt(Math.max(0, 1 - b - spread * spread)) * eps +
          spread * rng.normal();
      }
      path.push(xs.slice());
    }
    return { path, levels };
  };
  const forward = (schedule, T, x0s, seed) => {
    const levels = abar(schedule, T),
      rng = random(seed),
      xs = Float64Array.from(x0s),
      path = [xs.slice()];
    for (let k = 1; k <= T; k++) {
      const alpha = levels[k] / levels[k - 1];
      for (let i = 0; i < xs.length; i++)
        xs[i] = Math.sqrt(alpha) * xs[i] + Math.sqrt(1 - alpha) * rng.normal();
      path.push(xs.slice());
    }
    return path;
  };
  return {
    SCHEDULES,
    abar,
    marginal,
    plus,
    denoised,
    leastError,
    score,
    back,
    backTruth,
    views,
    fromEps,
    fromV,
    exchange,
    sample,
    forward,
  };
})();
