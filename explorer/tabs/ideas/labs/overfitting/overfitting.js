// Overfitting: four kinds of model of growing complexity, their error, its bias and its variance.
IDEAS.overfitting = (() => {
  const { random, normalPdf, grid, mean, logsumexp, normalLog } = IDEAS.maths;
  const LOW = -0.2,
    HIGH = 1.2;

  // Complexities from the simplest on.
  const FAMILIES = {
    degree: { name: 'degree', values: Array.from({ length: 15 }, (_, k) => k), curve: true },
    bins: { name: 'bins', values: [1, 2, 3, 4, 6, 8, 10, 14, 18, 24, 32, 48, 70, 100] },
    bandwidth: {
      name: 'bandwidth',
      values: [
        0.4, 0.3, 0.22, 0.16, 0.12, 0.09, 0.065, 0.048, 0.035, 0.026, 0.019, 0.014, 0.01, 0.007,
      ],
    },
    components: { name: 'components', values: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12] },
  };
  const line = x => Math.sin(3 * x) + 0.4 * x; // on [-1, 1]
  const bell = x => 0.55 * normalPdf(x, 0.3, 0.09) + 0.45 * normalPdf(x, 0.68, 0.13);
  const truth = (family, x) => (family === 'degree' ? line(x) : bell(x));
  const xs = family => (family === 'degree' ? grid(-1, 1, 101) : grid(LOW, HIGH, 141));
  // { x, y }: for a curve y is noisy, for a density there is none.
  const draw = (family, n, noise, seed) => {
    const rng = random(seed);
    if (family === 'degree') {
      const x = Array.from({ length: n }, () => 2 * rng.uniform() - 1);
      return { x, y: x.map(v => line(v) + noise * rng.normal()) };
    }
    return {
      x: Array.from({ length: n }, () =>
        rng.uniform() < 0.55 ? 0.3 + 0.09 * rng.normal() : 0.68 + 0.13 * rng.normal(),
      ),
    };
  };

  // Legendre's polynomials up to a degree: a basis whose columns stay apart.
  const legendre = (x, degree) => {
    const p = [1, x];
    for (let k = 1; k < degree; k++) p.push(((2 * k + 1) * x * p[k] - k * p[k - 1]) / (k + 1));
    return p.slice(0, degree + 1);
  };
  // min |A w - b|^2 + reg |w|^2 by Householder's reflections of [A; sqrt(reg) I].
  const leastSquares = (rows, b, reg) => {
    const m = rows[0].length,
      A = rows.map(r => Float64Array.from(r)),
      y = Array.from(b);
    const root = Math.sqrt(Math.max(reg, 1e-12));
    for (let k = 0; k < m; k++) {
      const r = new Float64Array(m);
      r[k] = root;
      A.push(r);
      y.push(0);
    }
    const n = A.length;
    for (let k = 0; k < m; k++) {
      let norm = 0;
      for (let i = k; i < n; i++) norm += A[i][k] ** 2;
      norm = Math.sqrt(norm) * (A[k][k] > 0 ? -1 : 1);
      const v = new Float64Array(n);
      v[k] = A[k][k] - norm;
      for (let i = k + 1; i < n; i++) v[i] = A[i][k];
      let vv = 0;
      for (let i = k; i < n; i++) vv += v[i] ** 2;
      if (vv === 0) continue;
      for (let j = k; j < m; j++) {
        let s = 0;
        for (let i = k; i < n; i++) s += v[i] * A[i][j];
        s *= 2 / vv;
        for (let i = k; i < n; i++) A[i][j] -= s * v[i];
      }
      let s = 0;
      for (let i = k; i < n; i++) s += v[i] * y[i];
      s *= 2 / vv;
      for (let i = k; i < n; i++) y[i] -= s * v[i];
    }
    const w = new Float64Array(m);
    for (let k = m - 1; k >= 0; k--) {
      let s = y[k];
      for (let j = k + 1; j < m; j++) s -= A[k][j] * w[j];
      w[k] = s / A[k][k];
    }
    return w;
  };

  // A fitted model as a function of x. reg: weight of a penalty (degree), counts added to each bin
  // (bins), variance added to each component (components).
  const fit = (family, data, c, reg = 0) => {
    const { x, y } = data,
      n = x.length;
    if (family === 'degree') {
      const w = leastSquares(
        x.map(v => legendre(v, c)),
        y,
        reg,
      );
      return v => {
        const p = legendre(v, c);
        let s = 0;
        for (let k = 0; k <= c; k++) s += w[k] * p[k];
        return s;
      };
    }
    if (family === 'bins') {
      const counts = new Float64Array(c).fill(reg),
        width = (HIGH - LOW) / c,
        at = v => Math.floor((v - LOW) / width);
      for (const v of x) {
        const k = at(v);
        if (k >= 0 && k < c) counts[k]++;
      }
      const total = n + reg * c;
      return v => {
        const k = at(v);
        return k >= 0 && k < c ? counts[k] / total / width : 0;
      };
    }
    if (family === 'bandwidth') {
      return v => {
        let s = 0;
        for (const u of x) s += Math.exp(-0.5 * ((v - u) / c) ** 2);
        return s / (n * c * Math.sqrt(2 * Math.PI));
      };
    }
    return mixture(x, Math.min(c, n), reg).density;
  };
  // A mixture of normals by EM, from means at equal parts of the sorted points. The log-likelihood
  // of the points after each round is kept.
  const mixture = (x, K, reg, rounds = 40) => {
    const sorted = [...x].sort((a, b) => a - b),
      n = x.length,
      least = 1e-4 + reg;
    const m = Array.from(
      { length: K },
      (_, k) => sorted[Math.min(n - 1, Math.floor(((k + 0.5) * n) / K))],
    );
    const v = Array(K).fill(Math.max(least, (0.3 / K) ** 2)),
      w = Array(K).fill(1 / K),
      path = [];
    const r = Array.from({ length: K }, () => new Float64Array(n));
    for (let round = 0; round < rounds; round++) {
      let total = 0;
      for (let i = 0; i < n; i++) {
        let s = 0;
        for (let k = 0; k < K; k++) {
          r[k][i] =
            (w[k] * Math.exp((-0.5 * (x[i] - m[k]) ** 2) / v[k])) / Math.sqrt(2 * Math.PI * v[k]) +
            1e-300;
          s += r[k][i];
        }
        total += Math.log(s);
        for (let k = 0; k < K; k++) r[k][i] /= s;
      }
      path.push(total / n);
      if (round > 2 && Math.abs(path[round] - path[round - 1]) < 1e-6) break;
      for (let k = 0; k < K; k++) {
        let s = 0,
          t = 0,
          u = 0;
        for (let i = 0; i < n; i++) {
          s += r[k][i];
          t += r[k][i] * x[i];
        }
        if (s < 1e-8) continue;
        m[k] = t / s;
        for (let i = 0; i < n; i++) u += r[k][i] * (x[i] - m[k]) ** 2;
        v[k] = u / s + least;
        w[k] = s / n;
      }
    }
    return {
      path,
      density: q => {
        let s = 0;
        for (let k = 0; k < K; k++) s += w[k] * normalPdf(q, m[k], Math.sqrt(v[k]));
        return s;
      },
    };
  };
  // The mean loss on data: squared error of a curve, minus log-density (nats) otherwise.
  const loss = (family, model, { x, y }) =>
    mean(
      family === 'degree'
        ? x.map((v, i) => (model(v) - y[i]) ** 2)
        : x.map(v => -Math.log(model(v))),
    );
  // Of a density estimate's own points each counts in it; leaving each out in turn tells the truth.
  const leaveOneOut = (x, h) => {
    const n = x.length,
      logs = x.map(
        (v, i) =>
          logsumexp(x.filter((_, j) => j !== i).map(u => normalLog(v, u, h))) - Math.log(n - 1),
      );
    return -mean(logs);
  };
  const without = ({ x, y }, keep) => ({
    x: x.filter((_, i) => keep(i)),
    y: y?.filter((_, i) => keep(i)),
  });
  // The mean held-out loss of `folds` parts, part k being points k, k + folds, k + 2 folds ...
  const crossValidated = (family, data, c, reg, folds) => {
    const n = data.x.length,
      F = Math.min(folds, n),
      each = [];
    for (let f = 0; f < F; f++) {
      const model = fit(
          family,
          without(data, i => i % F !== f),
          c,
          reg,
        ),
        part = without(data, i => i % F === f);
      each.push(loss(family, model, part) * part.x.length);
    }
    return IDEAS.maths.sum(each) / n;
  };
  // Bias and variance over data sets drawn anew, added one after another.
  const study = (family, n, noise, reg, seed) => {
    const at = xs(family),
      { values } = FAMILIES[family],
      t = Array.from(at, x => truth(family, x));
    const sums = values.map(() => new Float64Array(at.length)),
      squares = values.map(() => new Float64Array(at.length));
    const counts = values.map(() => 0);
    let data = null,
      next = 0;
    return {
      // How many data sets every complexity has seen.
      get count() {
        return counts.at(-1);
      },
      // One complexity more; after the last the next data set is drawn.
      unit() {
        const k = next % values.length;
        if (k === 0) data = draw(family, n, noise, seed * 10007 + next / values.length);
        const model = fit(family, data, values[k], reg);
        at.forEach((x, i) => {
          const v = model(x);
          sums[k][i] += v;
          squares[k][i] += v * v;
        });
        counts[k]++;
        next++;
      },
      add() {
        for (let k = 0; k < values.length; k++) this.unit();
      },
      // Per complexity, averaged over x: squared bias, variance, and their sum.
      result() {
        return values.map((_, k) => {
          let bias = 0,
            spread = 0;
          for (let i = 0; i < at.length; i++) {
            const m = sums[k][i] / counts[k];
            bias += (m - t[i]) ** 2;
            spread += counts[k] ? Math.max(0, squares[k][i] / counts[k] - m * m) : NaN;
          }
          return {
            bias: bias / at.length,
            variance: spread / at.length,
            sum: (bias + spread) / at.length,
          };
        });
      },
      average: k => Array.from(sums[k], s => s / counts[k]),
    };
  };
  return {
    FAMILIES,
    LOW,
    HIGH,
    truth,
    xs,
    draw,
    legendre,
    leastSquares,
    fit,
    mixture,
    loss,
    leaveOneOut,
    crossValidated,
    study,
  };
})();
