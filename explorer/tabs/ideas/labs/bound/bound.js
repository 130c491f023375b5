// The bound: ELBO, evidence and the gap between them, in models whose evidence is known.
IDEAS.bound = (() => {
  const { LOG_2PI, normalLog, rule, logsumexp, random, mean } = IDEAS.maths;

  // KL of normals
  const gap = (m, s, a, b) => Math.log(b / s) + (s * s + (m - a) ** 2) / (2 * b * b) - 0.5;

  // -- z ~ N(0, 1), x given z ~ N(w z, noise^2), q = N(m, s) -------------------------------------
  const evidence = (x, w, noise) => normalLog(x, 0, Math.sqrt(w * w + noise * noise));
  const posterior = (x, w, noise) => {
    const v = w * w + noise * noise;
    return [(w * x) / v, noise / Math.sqrt(v)];
  };
  const reconstruction = (x, w, noise, m, s) =>
    -0.5 * LOG_2PI - Math.log(noise) - (0.5 * ((x - w * m) ** 2 + w * w * s * s)) / (noise * noise);
  const toPrior = (m, s) => gap(m, s, 0, 1);
  const elbo = (x, w, noise, m, s) => reconstruction(x, w, noise, m, s) - toPrior(m, s);
  const toPosterior = (x, w, noise, m, s) => gap(m, s, ...posterior(x, w, noise));

  // -- EM for w: q(z | x) = N(e x, t^2) for all points, v the mean of x^2 ------------------------
  const meanElbo = (v, w, noise, e, t) =>
    -0.5 * LOG_2PI -
    Math.log(noise) -
    (0.5 * (v * (1 - w * e) ** 2 + w * w * t * t)) / (noise * noise) -
    (0.5 * (e * e * v + t * t - 1) - Math.log(t));
  const meanEvidence = (v, w, noise) => {
    const c = w * w + noise * noise;
    return -0.5 * (LOG_2PI + Math.log(c) + v / c);
  };
  const eStep = (w, noise) => {
    const c = w * w + noise * noise;
    return [w / c, noise / Math.sqrt(c)];
  };
  const mStep = (v, e, t) => (e * v) / (e * e * v + t * t);
  const bestSlope = (v, noise) => Math.sqrt(Math.max(0, v - noise * noise));

  // -- a bent decoder: x given z ~ N(z + bend sin(2 z), noise^2), by quadrature ------------------
  const NODES = rule(-7, 7, [], 60);
  const decoder = (z, bend) => z + bend * Math.sin(2 * z);
  const bentEvidence = (x, bend, noise) =>
    logsumexp(
      Array.from(
        NODES.x,
        (z, i) => Math.log(NODES.w[i]) + normalLog(z) + normalLog(x, decoder(z, bend), noise),
      ),
    );
  // E over a normal of sin(2z) and sin^2(2z) are known, so the bound is exact.
  const bentElbo = (x, bend, noise, m, s) => {
    const fall = Math.exp(-2 * s * s),
      sin = fall * Math.sin(2 * m),
      cos = fall * Math.cos(2 * m);
    const second = 0.5 - 0.5 * Math.exp(-8 * s * s) * Math.cos(4 * m);
    // E z sin(2z) = m E sin(2z) + s^2 E 2 cos(2z), by Stein's identity.
    const cross = m * sin + 2 * s * s * cos;
    const square =
      x * x - 2 * x * (m + bend * sin) + m * m + s * s + 2 * bend * cross + bend * bend * second;
    return -0.5 * LOG_2PI - Math.log(noise) - (0.5 * square) / (noise * noise) - toPrior(m, s);
  };
  // Uphill by trying each number both ways, with steps that grow and shrink.
  const climb = (f, at, steps = 60) => {
    let here = f(at),
      step = at.map(() => 0.3),
      now = [...at];
    for (let k = 0; k < steps; k++) {
      let better = false;
      for (let i = 0; i < now.length; i++) {
        for (const sign of [1, -1]) {
          const next = [...now];
          next[i] += sign * step[i];
          const v = f(next);
          if (v > here) {
            here = v;
            now = next;
            step[i] *= 1.6;
            better = true;
            break;
          }
        }
      }
      if (!better) step = step.map(v => v / 3);
      if (Math.max(...step) < 1e-7) break;
    }
    return { at: now, value: here };
  };
  // The best normal q of one x.
  const bestNormal = (x, bend, noise) => {
    // The best of a coarse grid lies in the basin of the best optimum.
    const f = ([a, l]) => bentElbo(x, bend, noise, a, Math.exp(l));
    let start = null;
    for (let m = -3; m <= 3; m += 0.25) {
      for (const l of [-2.2, -1.3, -0.4]) {
        const v = f([m, l]);
        if (!start || v > start.v) start = { v, at: [m, l] };
      }
    }
    const best = climb(f, start.at, 120);
    return { m: best.at[0], s: Math.exp(best.at[1]), value: best.value };
  };
  // One encoder for all: mean = slope x + shift, one width. Its mean ELBO, and steps to improve it.
  const amortised = (xs, bend, noise, [slope, shift, logWidth]) =>
    mean(xs.map(x => bentElbo(x, bend, noise, slope * x + shift, Math.exp(logWidth))));
  const bentSample = (n, bend, noise, seed) => {
    const rng = random(seed);
    return Array.from({ length: n }, () => decoder(rng.normal(), bend) + noise * rng.normal());
  };

  // -- collapse: two pixels of correlation r. x1 given z ~ N(w z, s1^2), x2 given z and x1 ~
  //    N(w z + a x1, s2^2), q(z | x) = N(e (x1 + x2), t^2). p = [w, a, log s1, log s2, e, log t] --
  const parts = (p, r, beta = 1) => {
    const [w, a, l1, l2, e, lt] = p,
      s1 = Math.exp(2 * l1),
      s2 = Math.exp(2 * l2),
      t = Math.exp(2 * lt);
    const k = 1 - w * e,
      j = w * e,
      b = a + j;
    const r1 = k * k + j * j - 2 * k * j * r + w * w * t;
    const r2 = k * k + b * b - 2 * k * b * r + w * w * t;
    const first = -0.5 * LOG_2PI - l1 - r1 / (2 * s1),
      second = -0.5 * LOG_2PI - l2 - r2 / (2 * s2);
    const kl = 0.5 * (e * e * 2 * (1 + r) + t - 1) - lt;
    return {
      reconstruction: first + second,
      kl,
      elbo: first + second - kl,
      goal: first + second - beta * kl,
    };
  };
  // E log p(x) of the model's own covariance, over the data's.
  const pairEvidence = (p, r) => {
    const [w, a, l1, l2] = p,
      v1 = w * w + Math.exp(2 * l1),
      c = a * v1 + w * w;
    const v2 = a * a * v1 + w * w + 2 * a * w * w + Math.exp(2 * l2),
      det = v1 * v2 - c * c;
    return -LOG_2PI - 0.5 * Math.log(det) - (0.5 * (v2 + v1 - 2 * c * r)) / det;
  };
  const pairTop = r => -LOG_2PI - 0.5 * Math.log(1 - r * r) - 1; // minus the entropy of the data
  // A step of ascent by central differences; a is held within what the decoder may use of x1.
  const train = (p, r, strength, beta, rate = 0.02) => {
    const h = 1e-5,
      g = p.map((_, i) => {
        const up = [...p],
          down = [...p];
        up[i] += h;
        down[i] -= h;
        return (parts(up, r, beta).goal - parts(down, r, beta).goal) / (2 * h);
      });
    const next = p.map((v, i) => v + rate * Math.max(-5, Math.min(5, g[i])));
    next[1] = Math.max(0, Math.min(strength, next[1]));
    for (const i of [2, 3, 5]) next[i] = Math.max(-2.5, Math.min(0.7, next[i]));
    return next;
  };
  const START = [0.15, 0, 0, 0, 0.05, 0];
  return {
    gap,
    evidence,
    posterior,
    reconstruction,
    toPrior,
    elbo,
    toPosterior,
    meanElbo,
    meanEvidence,
    eStep,
    mStep,
    bestSlope,
    decoder,
    bentEvidence,
    bentElbo,
    bestNormal,
    climb,
    amortised,
    bentSample,
    parts,
    pairEvidence,
    pairTop,
    train,
    START,
  };
})();
