// The game between generator and discriminator, and Wasserstein's distance with plan and critic.
IDEAS.game = (() => {
  const { rule, normalPdf, normalLog, logsumexp, softplus, sigmoid, clamp } = IDEAS.maths;

  // -- p and q: mixtures of normals { means, widths, weights } -----------------------------------
  const density = (d, x) => {
    let s = 0;
    for (let k = 0; k < d.means.length; k++)
      s += d.weights[k] * normalPdf(x, d.means[k], d.widths[k]);
    return s;
  };
  const logDensity = (d, x) =>
    d.means.length === 1
      ? normalLog(x, d.means[0], d.widths[0])
      : logsumexp(d.means.map((m, k) => Math.log(d.weights[k]) + normalLog(x, m, d.widths[k])));
  const logit = (p, q, x) => logDensity(p, x) - logDensity(q, x); // of d* = p / (p + q)
  const best = (p, q, x) => sigmoid(logit(p, q, x));
  const span = (p, q) => [
    Math.min(...[p, q].flatMap(d => d.means.map((m, k) => m - 9 * d.widths[k]))),
    Math.max(...[p, q].flatMap(d => d.means.map((m, k) => m + 9 * d.widths[k]))),
  ];
  // E_p log d + E_q log(1 - d) for a discriminator given by its logits t(x).
  const worth = (p, q, t, cuts = []) => {
    const [low, high] = span(p, q),
      least = Math.min(...p.widths, ...q.widths);
    const { x, w } = rule(low, high, cuts, clamp(Math.ceil((high - low) / (1.6 * least)), 8, 90));
    let s = 0;
    for (let i = 0; i < x.length; i++) {
      const logit = t(x[i]),
        a = density(p, x[i]),
        b = density(q, x[i]);
      s -= (a > 0 ? a * softplus(-logit) * w[i] : 0) + (b > 0 ? b * softplus(logit) * w[i] : 0);
    }
    return s;
  };
  const value = (p, q) => worth(p, q, x => logit(p, q, x));
  const js = (p, q) => {
    const [low, high] = span(p, q),
      least = Math.min(...p.widths, ...q.widths);
    const { x, w } = rule(low, high, [], clamp(Math.ceil((high - low) / (1.6 * least)), 8, 90));
    let s = 0;
    for (let i = 0; i < x.length; i++) {
      const a = density(p, x[i]),
        b = density(q, x[i]),
        m = (a + b) / 2;
      if (a > 0) s += (w[i] * a * Math.log(a / m)) / 2;
      if (b > 0) s += (w[i] * b * Math.log(b / m)) / 2;
    }
    return s;
  };
  // A discriminator of straight pieces between knots: its logits.
  const pieces = (xs, ts) => x => {
    if (x <= xs[0]) return ts[0];
    for (let k = 0; k + 1 < xs.length; k++)
      if (x <= xs[k + 1]) return ts[k] + ((ts[k + 1] - ts[k]) * (x - xs[k])) / (xs[k + 1] - xs[k]);
    return ts.at(-1);
  };

  // -- what the generator minimises, as functions of the discriminator's logit of its sample -----
  const LOSSES = {
    saturating: { f: t => -softplus(t), slope: t => -sigmoid(t) }, // log(1 - d)
    lively: { f: t => softplus(-t), slope: t => -sigmoid(-t) }, // -log d
  };
  // The gradient of the generator's loss in q's mean, d fixed at d*: E_q slope(t(x)) t'(x).
  const pull = (kind, p, q) => {
    const [low, high] = [
      Math.min(...q.means.map((m, k) => m - 9 * q.widths[k])),
      Math.max(...q.means.map((m, k) => m + 9 * q.widths[k])),
    ];
    const { x, w } = rule(low, high, [], 24),
      h = 1e-4;
    let s = 0;
    for (let i = 0; i < x.length; i++) {
      const t = logit(p, q, x[i]),
        rise = (logit(p, q, x[i] + h) - logit(p, q, x[i] - h)) / (2 * h);
      s += w[i] * density(q, x[i]) * LOSSES[kind].slope(t) * rise;
    }
    return s;
  };

  // -- optimal transport between bars at 0, 1, 2 ... ---------------------------------------------
  // In one dimension the plan that keeps the order is optimal. plan[i][j]: what goes from i to j.
  const plan = (p, q) => {
    const n = p.length,
      T = p.map(() => new Float64Array(n)),
      a = [...p],
      b = [...q];
    for (let i = 0, j = 0; i < n && j < n;) {
      const m = Math.min(a[i], b[j]);
      T[i][j] += m;
      a[i] -= m;
      b[j] -= m;
      if (a[i] <= b[j]) i++;
      else j++;
    }
    return T;
  };
  const cost = T => {
    let s = 0;
    T.forEach((row, i) =>
      row.forEach((v, j) => {
        s += v * Math.abs(i - j);
      }),
    );
    return s;
  };
  // The critic of slope at most one that gains most: it falls where p has fallen behind q.
  const critic = (p, q) => {
    const f = [0];
    let gap = 0;
    for (let k = 0; k + 1 < p.length; k++) {
      gap += p[k] - q[k];
      f.push(f[k] - Math.sign(Math.abs(gap) < 1e-12 ? 0 : gap));
    }
    const middle = (Math.max(...f) + Math.min(...f)) / 2;
    return f.map(v => v - middle);
  };
  const gain = (f, p, q) => {
    let s = 0;
    f.forEach((v, k) => {
      s += v * (p[k] - q[k]);
    });
    return s;
  };
  // A critic with value k moved to v: the others give way just enough to keep every slope within 1.
  const lipschitz = (f, k, v) => {
    const g = [...f];
    g[k] = v;
    return g.map((y, i) => (i === k ? v : clamp(y, v - Math.abs(i - k), v + Math.abs(i - k))));
  };
  return {
    density,
    logDensity,
    logit,
    best,
    worth,
    value,
    js,
    pieces,
    LOSSES,
    pull,
    plan,
    cost,
    critic,
    gain,
    lipschitz,
  };
})();
