// What several laboratories compute with. No drawing here: tests call these functions and compare
// them with scipy and numpy.
window.IDEAS ??= { views: {} };
IDEAS.maths = (() => {
  const LOG_2PI = Math.log(2 * Math.PI);

  const sum = xs => {
    let s = 0;
    for (const x of xs) s += x;
    return s;
  };
  const mean = xs => sum(xs) / xs.length;
  // Unbiased where `less` is 1, as numpy's ddof.
  const variance = (xs, less = 0) => {
    const m = mean(xs);
    let s = 0;
    for (const x of xs) s += (x - m) ** 2;
    return s / (xs.length - less);
  };
  const quantile = (sorted, part) => {
    const at = part * (sorted.length - 1),
      low = Math.floor(at);
    return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  };
  const logsumexp = xs => {
    let top = -Infinity;
    for (const x of xs) if (x > top) top = x;
    if (!Number.isFinite(top)) return top;
    let s = 0;
    for (const x of xs) s += Math.exp(x - top);
    return top + Math.log(s);
  };
  const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
  const grid = (low, high, n) =>
    Float64Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
  // p log(p / q) with its limits: 0 where p is 0, infinite where only q is.
  const relative = (p, q) => (p <= 0 ? 0 : q <= 0 ? Infinity : p * Math.log(p / q));
  const xlogx = p => (p <= 0 ? 0 : p * Math.log(p));
  const sigmoid = t => (t >= 0 ? 1 / (1 + Math.exp(-t)) : Math.exp(t) / (1 + Math.exp(t)));
  // log(1 + e^t), without overflow.
  const softplus = t => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));

  // The error function: its series near 0, Lentz's continued fraction further out.
  const erfc = x => {
    if (x < 0) return 2 - erfc(-x);
    if (x < 2.5) {
      let term = x,
        s = x;
      for (let n = 1; n < 80 && Math.abs(term) > 1e-17 * Math.abs(s); n++) {
        term *= (-x * x) / n;
        s += term / (2 * n + 1);
      }
      return 1 - (2 / Math.sqrt(Math.PI)) * s;
    }
    if (x > 27) return 0;
    let f = x,
      c = x,
      d = 0;
    for (let n = 1; n < 200; n++) {
      d = x + (n / 2) * d;
      d = 1 / d;
      c = x + n / 2 / c;
      f *= c * d;
      if (Math.abs(c * d - 1) < 1e-16) break;
    }
    return Math.exp(-x * x) / (f * Math.sqrt(Math.PI));
  };
  const normalLog = (x, m = 0, s = 1) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * LOG_2PI;
  const normalPdf = (x, m = 0, s = 1) => Math.exp(normalLog(x, m, s));
  const normalCdf = (x, m = 0, s = 1) => 0.5 * erfc(-(x - m) / (s * Math.SQRT2));

  // Gauss and Legendre's rule of eight points on [-1, 1].
  const NODES = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
  const WEIGHTS = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];
  // The nodes and weights of a rule over [low, high] in panels that end at the cuts: exact to many
  // digits for functions that are smooth between them.
  const rule = (low, high, cuts = [], panels = 48) => {
    const ends = [low, ...cuts.filter(c => c > low && c < high).sort((a, b) => a - b), high];
    const x = [],
      w = [];
    for (let k = 0; k + 1 < ends.length; k++) {
      const width = ends[k + 1] - ends[k];
      if (!(width > 0)) continue;
      const n = Math.max(1, Math.ceil((panels * width) / (high - low)));
      for (let i = 0; i < n; i++) {
        const half = width / n / 2,
          centre = ends[k] + (2 * i + 1) * half;
        for (let j = 3; j >= 0; j--) {
          x.push(centre - half * NODES[j]);
          w.push(half * WEIGHTS[j]);
        }
        for (let j = 0; j < 4; j++) {
          x.push(centre + half * NODES[j]);
          w.push(half * WEIGHTS[j]);
        }
      }
    }
    return { x: Float64Array.from(x), w: Float64Array.from(w) };
  };
  const integrate = (f, low, high, cuts, panels) => {
    const { x, w } = rule(low, high, cuts, panels);
    let s = 0;
    for (let i = 0; i < x.length; i++) s += w[i] * f(x[i]);
    return s;
  };

  // Random numbers that a seed repeats: mulberry32, and normals from pairs of them.
  const random = seed => {
    let a = (seed * 2654435761 + 0x9e3779b9) >>> 0,
      spare = null;
    const uniform = () => {
      a = (a + 0x6d2b79f5) >>> 0;
      let t = a;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => {
      if (spare !== null) {
        const z = spare;
        spare = null;
        return z;
      }
      const r = Math.sqrt(-2 * Math.log(1 - uniform())),
        t = 2 * Math.PI * uniform();
      spare = r * Math.sin(t);
      return r * Math.cos(t);
    };
    return { uniform, normal, below: n => Math.floor(uniform() * n) };
  };

  // Counts of values in equal bins; what lies outside belongs to none.
  const histogram = (values, low, high, bins) => {
    const counts = new Float64Array(bins),
      scale = bins / (high - low);
    for (const v of values) {
      const k = Math.floor((v - low) * scale);
      if (k >= 0 && k < bins) counts[k]++;
      else if (v === high) counts[bins - 1]++;
    }
    return counts;
  };

  // Solves A x = b for a symmetric positive A (an array of rows) by Cholesky's factors.
  const cholesky = A => {
    const n = A.length,
      L = A.map(row => new Float64Array(row.length));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let s = A[i][j];
        for (let k = 0; k < j; k++) s -= L[i][k] * L[j][k];
        if (i === j) {
          if (!(s > 0)) throw new RangeError('The matrix is not positive definite.');
          L[i][i] = Math.sqrt(s);
        } else L[i][j] = s / L[j][j];
      }
    }
    return L;
  };
  const solve = (A, b) => {
    const L = cholesky(A),
      n = b.length,
      x = Float64Array.from(b);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i] -= L[i][k] * x[k];
      x[i] /= L[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] -= L[k][i] * x[k];
      x[i] /= L[i][i];
    }
    return x;
  };

  return {
    LOG_2PI,
    sum,
    mean,
    variance,
    quantile,
    logsumexp,
    clamp,
    grid,
    relative,
    xlogx,
    sigmoid,
    softplus,
    erfc,
    normalLog,
    normalPdf,
    normalCdf,
    rule,
    integrate,
    random,
    histogram,
    cholesky,
    solve,
  };
})();
