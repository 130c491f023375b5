// The score of a density, and chains that follow it: in one dimension and in the plane.
IDEAS.langevin = (() => {
  const { random, normalPdf, grid, LOG_2PI } = IDEAS.maths;

  // -- one dimension: mixtures { weights, means, widths } ---------------------------------------
  const mixture = (means, widths, weights) => ({ means, widths, weights });
  // The same after noise of standard deviation sigma was added: a convolution.
  const noisy = (d, sigma) => ({ ...d, widths: d.widths.map(w => Math.hypot(w, sigma)) });
  const density = (d, x) => {
    let s = 0;
    for (let k = 0; k < d.means.length; k++)
      s += d.weights[k] * normalPdf(x, d.means[k], d.widths[k]);
    return s;
  };
  const logDensity = (d, x) => {
    let top = -Infinity,
      s = 0;
    for (let k = 0; k < d.means.length; k++) {
      const v =
        Math.log(d.weights[k]) -
        0.5 * ((x - d.means[k]) / d.widths[k]) ** 2 -
        Math.log(d.widths[k]);
      if (v > top) {
        s = s * Math.exp(top - v) + 1;
        top = v;
      } else s += Math.exp(v - top);
    }
    return top + Math.log(s) - 0.5 * LOG_2PI;
  };
  // d log p / dx: the parts' own scores, weighed by how much of the density each is.
  const score = (d, x) => {
    let top = -Infinity,
      s = 0,
      t = 0;
    for (let k = 0; k < d.means.length; k++) {
      const w = d.widths[k],
        gap = d.means[k] - x,
        v = Math.log(d.weights[k] / w) - 0.5 * (gap / w) ** 2;
      if (v > top) {
        const fall = Math.exp(top - v);
        s = s * fall + 1;
        t = t * fall + gap / (w * w);
        top = v;
      } else {
        const r = Math.exp(v - top);
        s += r;
        t += (r * gap) / (w * w);
      }
    }
    return t / s;
  };
  // x' = x + step score(x) + sqrt(2 step temperature) noise, for all chains; corrected: accepted or
  // refused by Metropolis and Hastings, so that the density is exact whatever the step.
  const move = (d, chains, step, temperature, rng, corrected = false) => {
    const spread = Math.sqrt(2 * step * temperature);
    let taken = 0;
    for (let i = 0; i < chains.length; i++) {
      const x = chains[i],
        y = x + step * score(d, x) + spread * rng.normal();
      if (corrected && temperature > 0) {
        const back = x - y - step * score(d, y),
          forth = y - x - step * score(d, x);
        const log =
          (logDensity(d, y) - logDensity(d, x)) / temperature -
          (back * back - forth * forth) / (4 * step * temperature);
        if (Math.log(1 - rng.uniform()) >= log) continue;
      }
      taken++;
      chains[i] = Math.max(-1e6, Math.min(1e6, y));
    }
    return taken / chains.length;
  };
  // A normal of width s under uncorrected steps: the variance where the chains end; infinite where
  // they run away.
  const endVariance = (s, step, temperature = 1) => {
    const a = 1 - step / (s * s);
    return Math.abs(a) >= 1 ? Infinity : (2 * step * temperature) / (1 - a * a);
  };
  // Where uncorrected chains end, as a density on a grid: the fixed point of one step.
  const endDensity = (d, step, temperature, low, high, n = 160, rounds = 240) => {
    const xs = grid(low, high, n),
      h = xs[1] - xs[0],
      spread = Math.max(Math.sqrt(2 * step * temperature), 0.4 * h);
    const reach = Math.max(1, Math.ceil((4.5 * spread) / h)),
      from = new Int32Array(n),
      to = new Int32Array(n);
    const kernel = new Float64Array(n * n);
    for (let j = 0; j < n; j++) {
      const m = xs[j] + step * score(d, xs[j]),
        centre = Math.round((m - low) / h);
      from[j] = Math.max(0, Math.min(n - 1, centre - reach));
      to[j] = Math.max(0, Math.min(n - 1, centre + reach));
      let total = 0;
      for (let i = from[j]; i <= to[j]; i++)
        total += kernel[j * n + i] = Math.exp(-0.5 * ((xs[i] - m) / spread) ** 2);
      for (let i = from[j]; i <= to[j]; i++) kernel[j * n + i] /= total || 1;
    }
    let p = Float64Array.from(xs, x => density(d, x)),
      sum = 0;
    for (const v of p) sum += v;
    p = p.map(v => v / sum);
    for (let k = 0; k < rounds; k++) {
      const next = new Float64Array(n);
      for (let j = 0; j < n; j++) {
        const v = p[j],
          row = j * n;
        for (let i = from[j]; i <= to[j]; i++) next[i] += kernel[row + i] * v;
      }
      let moved = 0;
      for (let i = 0; i < n; i++) moved += Math.abs(next[i] - p[i]);
      p = next;
      if (moved < 1e-5) break;
    }
    return { xs, p: p.map(v => v / h) };
  };
  // Half the sum of the differences of two lists of parts.
  const variation = (a, b) => {
    let s = 0;
    for (let i = 0; i < a.length; i++) s += Math.abs(a[i] - b[i]);
    return s / 2;
  };

  // -- the plane: equal round normals at these centres, weights w ------------------------------
  const SCENES = {
    two: {
      centres: [
        [-3, 0],
        [3, 0],
      ],
      width: 0.5,
      weights: [0.8, 0.2],
    },
    ring: {
      centres: Array.from({ length: 8 }, (_, k) => [
        3.5 * Math.cos((k * Math.PI) / 4),
        3.5 * Math.sin((k * Math.PI) / 4),
      ]),
      width: 0.35,
      weights: Array(8).fill(1 / 8),
    },
    five: {
      centres: [
        [0, 0],
        [3.2, 3.2],
        [-3.2, 3.2],
        [3.2, -3.2],
        [-3.2, -3.2],
      ],
      width: 0.45,
      weights: [0.4, 0.15, 0.15, 0.15, 0.15],
    },
  };
  const planeScore = (scene, x, y, sigma) => {
    const v = scene.width ** 2 + sigma * sigma,
      { centres, weights } = scene;
    let top = -Infinity;
    const logs = centres.map(([a, b], k) => {
      const l = Math.log(weights[k]) - ((x - a) ** 2 + (y - b) ** 2) / (2 * v);
      if (l > top) top = l;
      return l;
    });
    let s = 0,
      gx = 0,
      gy = 0;
    logs.forEach((l, k) => {
      const r = Math.exp(l - top);
      s += r;
      gx += (r * (centres[k][0] - x)) / v;
      gy += (r * (centres[k][1] - y)) / v;
    });
    return [gx / s, gy / s];
  };
  const planeDensity = (scene, x, y, sigma) => {
    const v = scene.width ** 2 + sigma * sigma;
    return scene.centres.reduce(
      (s, [a, b], k) =>
        s +
        (scene.weights[k] * Math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * v))) / (2 * Math.PI * v),
      0,
    );
  };
  const planeMove = (scene, xs, ys, sigma, step, temperature, rng) => {
    const spread = Math.sqrt(2 * step * temperature);
    for (let i = 0; i < xs.length; i++) {
      const [gx, gy] = planeScore(scene, xs[i], ys[i], sigma);
      xs[i] = Math.max(-1e4, Math.min(1e4, xs[i] + step * gx + spread * rng.normal()));
      ys[i] = Math.max(-1e4, Math.min(1e4, ys[i] + step * gy + spread * rng.normal()));
    }
  };
  // Noise levels from high to low in equal ratios, and the step that suits each.
  const levels = (high, low, n) =>
    Array.from({ length: n }, (_, k) => (n === 1 ? high : high * (low / high) ** (k / (n - 1))));
  const stepFor = (scene, sigma, rate) => rate * (scene.width ** 2 + sigma * sigma);
  // Which part of the points is nearest to each centre.
  const shares = (scene, xs, ys) => {
    const counts = scene.centres.map(() => 0);
    for (let i = 0; i < xs.length; i++) {
      let best = 0,
        least = Infinity;
      scene.centres.forEach(([a, b], k) => {
        const d = (xs[i] - a) ** 2 + (ys[i] - b) ** 2;
        if (d < least) {
          least = d;
          best = k;
        }
      });
      counts[best]++;
    }
    return counts.map(c => c / xs.length);
  };
  return {
    mixture,
    noisy,
    density,
    logDensity,
    score,
    move,
    endVariance,
    endDensity,
    variation,
    SCENES,
    planeScore,
    planeDensity,
    planeMove,
    levels,
    stepFor,
    shares,
    random,
  };
})();
