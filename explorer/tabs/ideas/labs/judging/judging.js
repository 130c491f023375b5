// How generative models are judged, and how each judge is fooled: likelihood on tiny pictures, and
// Frechet distance, an Inception-like score, precision and recall on points of the plane.
IDEAS.judging = (() => {
  const { random, logsumexp, mean } = IDEAS.maths;

  // -- pictures of 7 x 7, black and white: ten shapes, each pixel flipped now and then -----------
  const SIDE = 7,
    PIXELS = SIDE * SIDE,
    FLIP = 0.02;
  const SHAPES = [
    '.#####.#.....##.....##.....##.....##.....#.#####.',
    '...#.....##......#......#......#......#....#####.',
    '.#####.#.....#.....#....##...##....#.....########',
    '######.......#......#.#####.......#......#######.',
    '....##....#.#...#..#..#...#.#######....#......#..',
    '########......######.......#......##.....#.#####.',
    '.#####.#......######.#.....##.....##.....#.#####.',
    '#######.....#.....#.....#.....#.....#......#.....',
    '.#####.#.....##.....#.#####.#.....##.....#.#####.',
    '.#####.#.....##.....#.######......#......#.#####.',
  ].map(t => Uint8Array.from(t, c => (c === '#' ? 1 : 0)));
  const flips = (x, y) => {
    let n = 0;
    for (let i = 0; i < PIXELS; i++) n += x[i] !== y[i];
    return n;
  };
  const times = (n, log) => (n === 0 ? 0 : n * log);
  // log p of a picture that is `n` flips from a template, each pixel flipped with probability e.
  const flipped = (n, e) => times(n, Math.log(e)) + times(PIXELS - n, Math.log1p(-e));
  const ofTemplates = (x, templates, e) =>
    logsumexp(templates.map(t => flipped(flips(x, t), e))) - Math.log(templates.length);
  const dataLog = x => ofTemplates(x, SHAPES, FLIP);
  const NOISE = -PIXELS * Math.LN2; // every pixel a coin
  // A share `part` of the true model, the rest noise: never more than -log(part) below the truth.
  const withNoise = (log, part) =>
    logsumexp([
      part > 0 ? Math.log(part) + log : -Infinity,
      part < 1 ? Math.log1p(-part) + NOISE : -Infinity,
    ]);
  const mixedLog = (x, part) => withNoise(dataLog(x), part);
  const draw = (templates, e, n, rng) =>
    Array.from({ length: n }, () => {
      const t = templates[rng.below(templates.length)];
      return Uint8Array.from(t, v => (rng.uniform() < e ? 1 - v : v));
    });
  const mixed = (part, n, rng) =>
    Array.from({ length: n }, () =>
      rng.uniform() < part
        ? draw(SHAPES, FLIP, 1, rng)[0]
        : Uint8Array.from({ length: PIXELS }, () => (rng.uniform() < 0.5 ? 1 : 0)),
    );
  const nearest = (x, all) => Math.min(...all.map(t => flips(x, t)));
  const looksGood = x => nearest(x, SHAPES) <= 4;

  // -- normals of the plane: { m: [x, y], a, b: standard deviations, turn } -----------------------
  const covariance = ({ a, b, turn }) => {
    const c = Math.cos(turn),
      s = Math.sin(turn),
      A = a * a,
      B = b * b;
    return [A * c * c + B * s * s, (A - B) * c * s, A * s * s + B * c * c]; // xx, xy, yy
  };
  // tr (S T)^1/2 of two covariances: of a 2 x 2 matrix M the trace of the root is
  // sqrt(tr M + 2 sqrt(det M)).
  const frechet = (m, S, n, T) => {
    const trace = S[0] * T[0] + 2 * S[1] * T[1] + S[2] * T[2];
    const det = Math.max(0, (S[0] * S[2] - S[1] * S[1]) * (T[0] * T[2] - T[1] * T[1]));
    const d =
      (m[0] - n[0]) ** 2 +
      (m[1] - n[1]) ** 2 +
      S[0] +
      S[2] +
      T[0] +
      T[2] -
      2 * Math.sqrt(Math.max(0, trace + 2 * Math.sqrt(det)));
    return Math.max(0, d);
  };
  const moments = points => {
    const mx = mean(points.map(p => p[0])),
      my = mean(points.map(p => p[1])),
      n = points.length;
    let xx = 0,
      xy = 0,
      yy = 0;
    for (const [x, y] of points) {
      xx += (x - mx) ** 2;
      xy += (x - mx) * (y - my);
      yy += (y - my) ** 2;
    }
    const k = Math.max(1, n - 1);
    return { m: [mx, my], S: [xx / k, xy / k, yy / k] };
  };
  const frechetOf = (p, q) => {
    const a = moments(p),
      b = moments(q);
    return frechet(a.m, a.S, b.m, b.S);
  };
  const gaussian = (n, g, rng) =>
    Array.from({ length: n }, () => {
      const u = g.a * rng.normal(),
        v = g.b * rng.normal(),
        c = Math.cos(g.turn),
        s = Math.sin(g.turn);
      return [g.m[0] + c * u - s * v, g.m[1] + s * u + c * v];
    });

  // The distance between n samples of each of two normals, without keeping the samples.
  const sampledFrechet = (n, g, h, rng) => {
    const sums = ({ m, a, b, turn }) => {
      const c = Math.cos(turn),
        s = Math.sin(turn);
      let sx = 0,
        sy = 0,
        xx = 0,
        xy = 0,
        yy = 0;
      for (let i = 0; i < n; i++) {
        const u = a * rng.normal(),
          v = b * rng.normal(),
          x = c * u - s * v,
          y = s * u + c * v;
        sx += x;
        sy += y;
        xx += x * x;
        xy += x * y;
        yy += y * y;
      }
      const k = Math.max(1, n - 1);
      return {
        m: [m[0] + sx / n, m[1] + sy / n],
        S: [(xx - (sx * sx) / n) / k, (xy - (sx * sy) / n) / k, (yy - (sy * sy) / n) / k],
      };
    };
    const p = sums(g),
      q = sums(h);
    return frechet(p.m, p.S, q.m, q.S);
  };

  // -- a classifier of four classes, and scores of samples ---------------------------------------
  const CENTRES = [
      [1.6, 1.6],
      [-1.6, 1.6],
      [-1.6, -1.6],
      [1.6, -1.6],
    ],
    SPREAD = 0.35;
  const classes = ([x, y]) => {
    const logs = CENTRES.map(([a, b]) => -((x - a) ** 2 + (y - b) ** 2) / (2 * SPREAD * SPREAD)),
      total = logsumexp(logs);
    return logs.map(l => Math.exp(l - total));
  };
  // exp E KL(p(y | x) || p(y)), Salimans et al. 2016: at least 1, at most the number of classes.
  const inception = rows => {
    const k = rows[0].length,
      p = Array.from({ length: k }, (_, c) => mean(rows.map(r => r[c])));
    return Math.exp(
      mean(rows.map(r => r.reduce((s, v, c) => s + (v > 0 ? v * Math.log(v / p[c]) : 0), 0))),
    );
  };
  // Precision and recall by balls that reach each point's k-th neighbour (Kynkaanniemi et al.
  // 2019). Squared distances of each point to the others, sorted: kept, so that k can change at
  // once.
  const neighbours = points =>
    points.map((p, i) => {
      const d = Float64Array.from(points, q => (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2);
      d[i] = Infinity;
      return d.sort();
    });
  const radii = (sorted, k) => sorted.map(d => d[Math.min(k, d.length - 1) - 1] ?? 0); // squared
  const covered = (points, balls, r) => {
    let n = 0;
    for (const [x, y] of points) {
      for (let i = 0; i < balls.length; i++)
        if ((x - balls[i][0]) ** 2 + (y - balls[i][1]) ** 2 <= r[i]) {
          n++;
          break;
        }
    }
    return n / points.length;
  };
  const precisionRecall = (
    real,
    made,
    k,
    ofReal = neighbours(real),
    ofMade = neighbours(made),
  ) => ({
    precision: covered(made, real, radii(ofReal, k)),
    recall: covered(real, made, radii(ofMade, k)),
  });

  const data = (n, rng) =>
    Array.from({ length: n }, () => {
      const c = CENTRES[rng.below(4)];
      return [c[0] + SPREAD * rng.normal(), c[1] + SPREAD * rng.normal()];
    });
  // Models to judge, by what is wrong with them.
  const MODELS = {
    truth: data,
    copies: (n, rng, training) =>
      Array.from({ length: n }, () => training[rng.below(training.length)].slice()),
    sure: n => Array.from({ length: n }, (_, i) => CENTRES[i % 4].map(v => 1.1 * v)),
    one: (n, rng) =>
      Array.from({ length: n }, () => [
        CENTRES[0][0] + SPREAD * rng.normal(),
        CENTRES[0][1] + SPREAD * rng.normal(),
      ]),
    moments: (n, rng) =>
      Array.from({ length: n }, () => {
        const s = Math.sqrt(1.6 * 1.6 + SPREAD * SPREAD);
        return [s * rng.normal(), s * rng.normal()];
      }),
    ring: (n, rng) =>
      Array.from({ length: n }, () => {
        const t = 2 * Math.PI * rng.uniform(),
          r = Math.sqrt(2 * (1.6 * 1.6 + SPREAD * SPREAD));
        return [r * Math.cos(t), r * Math.sin(t)];
      }),
    wide: (n, rng) =>
      Array.from({ length: n }, () => [8 * rng.uniform() - 4, 8 * rng.uniform() - 4]),
  };
  // log p of held-out points for a model known by its samples: a density of small round normals.
  const smoothed = (points, made, width) =>
    mean(
      points.map(
        ([x, y]) =>
          logsumexp(made.map(([a, b]) => -((x - a) ** 2 + (y - b) ** 2) / (2 * width * width))) -
          Math.log(made.length * 2 * Math.PI * width * width),
      ),
    );
  return {
    SIDE,
    PIXELS,
    FLIP,
    SHAPES,
    NOISE,
    flips,
    flipped,
    ofTemplates,
    dataLog,
    withNoise,
    mixedLog,
    draw,
    mixed,
    nearest,
    looksGood,
    covariance,
    frechet,
    moments,
    frechetOf,
    sampledFrechet,
    gaussian,
    CENTRES,
    classes,
    inception,
    neighbours,
    radii,
    covered,
    precisionRecall,
    data,
    MODELS,
    smoothed,
    random,
  };
})();
