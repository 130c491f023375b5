// Divergences between two distributions: of bars, and of mixtures of normals that may be cut off.
IDEAS.divergences = (() => {
  const { sum, relative, rule, normalPdf, normalCdf, clamp } = IDEAS.maths;
  const NAMES = ['kl', 'reverse', 'js', 'tv', 'w1', 'mmd'];

  // -- bars: probabilities of places 0, 1, 2 ... -----------------------------------------------

  const normalised = p => {
    const s = sum(p);
    return Array.from(p, x => x / s);
  };
  // Bar k pulled to `height`; the others shrink or grow in proportion, so that all sum to one.
  const pulled = (p, k, height) => {
    const h = clamp(height, 0, 1),
      rest = sum(p) - p[k];
    return Array.from(p, (x, i) =>
      i === k ? h : rest > 0 ? (x / rest) * (1 - h) : (1 - h) / (p.length - 1),
    );
  };
  const kl = (p, q) => {
    let s = 0;
    for (let i = 0; i < p.length; i++) s += relative(p[i], q[i]);
    return s;
  };
  const js = (p, q) => {
    let s = 0;
    for (let i = 0; i < p.length; i++) {
      const m = (p[i] + q[i]) / 2;
      s += (relative(p[i], m) + relative(q[i], m)) / 2;
    }
    return s;
  };
  const tv = (p, q) => {
    let s = 0;
    for (let i = 0; i < p.length; i++) s += Math.abs(p[i] - q[i]) / 2;
    return s;
  };
  // Neighbouring bars are one apart: the area between the distribution functions.
  const w1 = (p, q) => {
    let gap = 0,
      s = 0;
    for (let i = 0; i + 1 < p.length; i++) {
      gap += p[i] - q[i];
      s += Math.abs(gap);
    }
    return s;
  };
  // Maximum mean discrepancy, not squared, with the kernel exp(-(x - y)^2 / (2 width^2)).
  const mmd = (p, q, width = 1) => {
    let s = 0;
    for (let i = 0; i < p.length; i++) {
      for (let j = 0; j < p.length; j++) {
        s += (p[i] - q[i]) * (p[j] - q[j]) * Math.exp(-((i - j) ** 2) / (2 * width * width));
      }
    }
    return Math.sqrt(Math.max(0, s));
  };
  const ofBars = (p, q) => ({
    kl: kl(p, q),
    reverse: kl(q, p),
    js: js(p, q),
    tv: tv(p, q),
    w1: w1(p, q),
    mmd: mmd(p, q),
  });
  // What each place adds. Of MMD it is to the square, and of Wasserstein-1 it is the mass that
  // passes from a place to the next.
  const terms = (p, q, name) => {
    if (name === 'w1') {
      let gap = 0;
      return Array.from(p, (a, i) => (i + 1 < p.length ? Math.abs((gap += a - q[i])) : 0));
    }
    if (name === 'mmd') {
      return Array.from(p, (a, i) => {
        let s = 0;
        for (let j = 0; j < p.length; j++) s += (p[j] - q[j]) * Math.exp(-((i - j) ** 2) / 2);
        return (a - q[i]) * s;
      });
    }
    return Array.from(p, (a, i) => pointwise(name, a, q[i]));
  };

  // The integrand of a divergence at a place where the two have densities a and b.
  const pointwise = (name, a, b) => {
    if (name === 'kl') return relative(a, b);
    if (name === 'reverse') return relative(b, a);
    if (name === 'tv') return Math.abs(a - b) / 2;
    const m = (a + b) / 2;
    return (relative(a, m) + relative(b, m)) / 2;
  };

  // -- curves: { weights, means, widths, low, high }, cut off at low and high -------------------

  const mass = d => {
    let s = 0;
    d.means.forEach((m, k) => {
      s += d.weights[k] * (normalCdf(d.high, m, d.widths[k]) - normalCdf(d.low, m, d.widths[k]));
    });
    return s;
  };
  const curve = (means, widths, weights = [1], low = -Infinity, high = Infinity) => {
    const d = { weights: normalised(weights), means, widths, low, high };
    return { ...d, mass: mass(d) };
  };
  const density = (d, x) => {
    if (x < d.low || x > d.high) return 0;
    let s = 0;
    for (let k = 0; k < d.means.length; k++)
      s += d.weights[k] * normalPdf(x, d.means[k], d.widths[k]);
    return s / d.mass;
  };
  // Logarithms keep their digits where the density has underflowed.
  const logDensity = (d, x) => {
    if (x < d.low || x > d.high) return -Infinity;
    let top = -Infinity,
      s = 0;
    for (let k = 0; k < d.means.length; k++) {
      if (!(d.weights[k] > 0)) continue;
      const v =
        Math.log(d.weights[k]) -
        0.5 * ((x - d.means[k]) / d.widths[k]) ** 2 -
        Math.log(d.widths[k]);
      if (v > top) {
        s = s * Math.exp(top - v) + 1;
        top = v;
      } else s += Math.exp(v - top);
    }
    return top + Math.log(s) - 0.5 * IDEAS.maths.LOG_2PI - Math.log(d.mass);
  };
  const cdf = (d, x) => {
    if (x <= d.low) return 0;
    if (x >= d.high) return 1;
    let s = 0;
    d.means.forEach((m, k) => {
      s +=
        d.weights[k] *
        (normalCdf(x, m, d.widths[k]) -
          (d.low === -Infinity ? 0 : normalCdf(d.low, m, d.widths[k])));
    });
    return s / d.mass;
  };
  // Where a curve has all its mass but one part in 10^15.
  const reach = d => [
    Math.max(d.low, Math.min(...d.means.map((m, k) => m - 8.5 * d.widths[k]))),
    Math.min(d.high, Math.max(...d.means.map((m, k) => m + 8.5 * d.widths[k]))),
  ];
  // Whether p has mass where q has none: a divergence to q is infinite then.
  const outside = (p, q) =>
    (p.low < q.low && cdf(p, q.low) > 0) || (p.high > q.high && cdf(p, q.high) < 1);
  // Panels of a rule: short against the narrowest mode, so that eight nodes each are plenty.
  const panels = (low, high, ...all) => {
    const least = Math.min(...all.flatMap(d => d.widths));
    return Math.max(8, Math.min(80, Math.ceil((high - low) / (1.6 * least))));
  };
  const klCurves = (p, q) => {
    if (outside(p, q)) return Infinity;
    const [low, high] = reach(p),
      { x, w } = rule(low, high, [], panels(low, high, p, q));
    let s = 0;
    for (let i = 0; i < x.length; i++) {
      const a = density(p, x[i]);
      if (a > 0) s += w[i] * a * (logDensity(p, x[i]) - logDensity(q, x[i]));
    }
    return Math.max(0, s);
  };
  const both = (p, q) => {
    const a = reach(p),
      b = reach(q);
    return [Math.min(a[0], b[0]), Math.max(a[1], b[1]), [...a, ...b]];
  };
  const jsCurves = (p, q) => {
    const [low, high, cuts] = both(p, q),
      { x, w } = rule(low, high, cuts, panels(low, high, p, q));
    let s = 0;
    for (let i = 0; i < x.length; i++)
      s += w[i] * pointwise('js', density(p, x[i]), density(q, x[i]));
    return clamp(s, 0, Math.LN2);
  };
  // Where f changes its sign between two places of a grid, by bisection: kinks of |f|.
  const crossings = (f, low, high, n = 160) => {
    const found = [];
    let x0 = low,
      f0 = f(low);
    for (let i = 1; i <= n; i++) {
      const x1 = low + ((high - low) * i) / n,
        f1 = f(x1);
      if (f0 * f1 < 0) {
        let a = x0,
          b = x1,
          fa = f0;
        for (let k = 0; k < 40; k++) {
          const m = (a + b) / 2,
            fm = f(m);
          if (fa * fm <= 0) b = m;
          else {
            a = m;
            fa = fm;
          }
        }
        found.push((a + b) / 2);
      }
      x0 = x1;
      f0 = f1;
    }
    return found;
  };
  const tvCurves = (p, q) => {
    // Half the integral of |p - q|, exactly: by the distribution functions between the crossings.
    const [low, high, cuts] = both(p, q);
    const ends = [
      low,
      ...[...cuts, ...crossings(x => density(p, x) - density(q, x), low, high)]
        .filter(x => x > low && x < high)
        .sort((a, b) => a - b),
      high,
    ];
    let s = 0,
      before = 0;
    for (const x of ends) {
      const gap = cdf(p, x) - cdf(q, x);
      s += Math.abs(gap - before);
      before = gap;
    }
    return clamp((s + Math.abs(before)) / 2, 0, 1);
  };
  // The integral of a distribution function up to x, in closed form.
  const below = (d, x) => {
    if (x <= d.low) return 0;
    const to = Math.min(x, d.high),
      part = (v, m, w) => {
        if (v === -Infinity) return 0;
        const z = (v - m) / w;
        return w * (z * normalCdf(z) + normalPdf(z));
      };
    let s = 0;
    d.means.forEach((m, k) => {
      const w = d.widths[k];
      const lost = d.low === -Infinity ? 0 : normalCdf(d.low, m, w) * (to - d.low);
      s += d.weights[k] * (part(to, m, w) - part(d.low, m, w) - lost);
    });
    return s / d.mass + Math.max(0, x - d.high);
  };
  // The area between the distribution functions, exactly: by closed forms between their crossings.
  const w1Curves = (p, q) => {
    const [low, high, cuts] = both(p, q),
      gap = x => cdf(p, x) - cdf(q, x);
    const ends = [
      low,
      ...[...cuts, ...crossings(gap, low, high)]
        .filter(x => x > low && x < high)
        .sort((a, b) => a - b),
      high,
    ];
    let s = 0,
      before = below(p, low) - below(q, low);
    for (const x of ends) {
      const now = below(p, x) - below(q, x);
      s += Math.abs(now - before);
      before = now;
    }
    return s;
  };
  // By convolution: in closed form where nothing is cut off, by quadrature where something is.
  const mmdCurves = (p, q, width = 1) => {
    const whole = d => d.low === -Infinity && d.high === Infinity;
    const kernel = Math.sqrt(2 * Math.PI) * width;
    if (whole(p) && whole(q)) {
      const cross = (a, b) => {
        let s = 0;
        a.means.forEach((m, i) =>
          b.means.forEach((n, j) => {
            const spread = Math.sqrt(a.widths[i] ** 2 + b.widths[j] ** 2 + width * width);
            s += a.weights[i] * b.weights[j] * kernel * normalPdf(m, n, spread);
          }),
        );
        return s;
      };
      return Math.sqrt(Math.max(0, cross(p, p) + cross(q, q) - 2 * cross(p, q)));
    }
    const [low, high, cuts] = both(p, q),
      { x, w } = rule(low, high, cuts, panels(low, high, p, q));
    const gap = Array.from(x, (v, i) => w[i] * (density(p, v) - density(q, v)));
    let s = 0;
    for (let i = 0; i < x.length; i++) {
      if (gap[i] === 0) continue;
      s += gap[i] * gap[i];
      for (let j = 0; j < i; j++) {
        const d = (x[i] - x[j]) / width;
        if (d < 9 && d > -9) s += 2 * gap[i] * gap[j] * Math.exp((-d * d) / 2);
      }
    }
    return Math.sqrt(Math.max(0, s));
  };
  const measure = {
    kl: klCurves,
    reverse: (p, q) => klCurves(q, p),
    js: jsCurves,
    tv: tvCurves,
    w1: w1Curves,
    mmd: mmdCurves,
  };
  const ofCurves = (p, q) => Object.fromEntries(NAMES.map(name => [name, measure[name](p, q)]));

  // The integrand of each measure on a grid of equal steps, for the eye. xs: the grid.
  const integrand = (name, p, q, xs) => {
    if (name === 'w1') return Array.from(xs, x => Math.abs(cdf(p, x) - cdf(q, x)));
    if (name === 'mmd') {
      // The gap, times itself smoothed by the kernel: it integrates to MMD squared.
      const h = xs[1] - xs[0],
        gap = Array.from(xs, x => density(p, x) - density(q, x));
      const kernel = Array.from(xs, (_, i) => h * Math.exp(-((i * h) ** 2) / 2));
      return gap.map((v, i) => {
        let s = 0;
        for (let j = 0; j < gap.length; j++) s += gap[j] * kernel[i > j ? i - j : j - i];
        return v * s;
      });
    }
    return Array.from(xs, x => pointwise(name, density(p, x), density(q, x)));
  };

  // For fits: the divergences of a normal q from a fixed p, on one grid of equal steps (which for
  // smooth densities is exact to many digits, and keeps a step under a millisecond).
  const fitter = (p, n = 241, low = -12, high = 12) => {
    const xs = IDEAS.maths.grid(low, high, n),
      h = xs[1] - xs[0];
    const a = Array.from(xs, x => density(p, x)),
      la = Array.from(xs, x => logDensity(p, x)),
      fa = Array.from(xs, x => cdf(p, x));
    return (name, m, s) => {
      if (name === 'mmd') return mmdCurves(p, curve([m], [s])) ** 2;
      let total = 0;
      for (let i = 0; i < n; i++) {
        if (name === 'w1') {
          total += Math.abs(fa[i] - normalCdf(xs[i], m, s));
          continue;
        }
        const lb = IDEAS.maths.normalLog(xs[i], m, s),
          b = Math.exp(lb);
        if (name === 'kl') total += a[i] * (la[i] - lb);
        else if (name === 'reverse') total += b * (lb - la[i]);
        else total += pointwise(name, a[i], b);
      }
      return h * total;
    };
  };
  // One step down a divergence in q's mean and log width, by central differences; shorter steps
  // until it descends. value: of `fitter`. The gradient is scaled by q's width, as the natural
  // gradient of a normal is.
  const descend = (value, name, [m, s], step = 0.4) => {
    const h = 1e-3,
      here = value(name, m, s);
    const gm = (value(name, m + h, s) - value(name, m - h, s)) / (2 * h);
    const gs = (value(name, m, s * Math.exp(h)) - value(name, m, s * Math.exp(-h))) / (2 * h);
    for (let k = 0; k < 14; k++, step /= 2) {
      const a = clamp(m - clamp(step * s * s * gm, -0.4, 0.4), -9, 9);
      const b = clamp(s * Math.exp(clamp((-step * gs) / 2, -0.3, 0.3)), 0.08, 8);
      if (value(name, a, b) < here) return { at: [a, b], moved: Math.abs(a - m) + Math.abs(b - s) };
    }
    return { at: [m, s], moved: 0 };
  };

  return {
    NAMES,
    normalised,
    pulled,
    kl,
    js,
    tv,
    w1,
    mmd,
    ofBars,
    terms,
    integrand,
    pointwise,
    curve,
    density,
    logDensity,
    cdf,
    reach,
    outside,
    measure,
    ofCurves,
    fitter,
    descend,
    crossings,
  };
})();
