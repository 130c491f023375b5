// Mathematics of the plane: pure functions over typed arrays, which tests compare with numpy.
// Grids are n x n numbers at the cell centres of the box, row by row, the lowest row first.
window.PLANE = {};
PLANE.maths = (() => {
  const LOW = -4,
    HIGH = 4,
    SIDE = HIGH - LOW;

  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  const centre = (k, n) => LOW + ((k + 0.5) * SIDE) / n;

  // The value of a grid at a point, linear between cell centres, constant beyond the outer ones.
  // size: numbers a cell; which: which of them.
  const bilinear = (grid, n, x, y, size = 1, which = 0) => {
    const a = clamp(((x - LOW) / SIDE) * n - 0.5, 0, n - 1),
      b = clamp(((y - LOW) / SIDE) * n - 0.5, 0, n - 1);
    const i = Math.min(n - 2, Math.floor(a)),
      j = Math.min(n - 2, Math.floor(b));
    const u = a - i,
      v = b - j;
    const at = (column, row) => grid[(row * n + column) * size + which];
    return (
      (1 - v) * ((1 - u) * at(i, j) + u * at(i + 1, j)) +
      v * ((1 - u) * at(i, j + 1) + u * at(i + 1, j + 1))
    );
  };

  // Marching squares: pieces x0, y0, x1, y1 of the line on which a grid has this value. In a cell
  // with two opposite high corners its mean decides which of them hang together.
  const contour = (grid, n, level, found = []) => {
    const step = SIDE / n,
      first = LOW + step / 2;
    for (let j = 0; j < n - 1; j++) {
      for (let i = 0; i < n - 1; i++) {
        const k = j * n + i;
        const a = grid[k] - level,
          b = grid[k + 1] - level,
          c = grid[k + n + 1] - level,
          d = grid[k + n] - level;
        const kind = (a > 0 ? 1 : 0) | (b > 0 ? 2 : 0) | (c > 0 ? 4 : 0) | (d > 0 ? 8 : 0);
        if (kind === 0 || kind === 15) continue;
        const x = first + i * step,
          y = first + j * step;
        const bottom = () => [x + (a / (a - b)) * step, y],
          top = () => [x + (d / (d - c)) * step, y + step],
          left = () => [x, y + (a / (a - d)) * step],
          right = () => [x + step, y + (b / (b - c)) * step];
        const piece = (p, q) => found.push(p[0], p[1], q[0], q[1]);
        const joined = a + b + c + d > 0;
        switch (kind) {
          case 1:
          case 14:
            piece(bottom(), left());
            break;
          case 2:
          case 13:
            piece(bottom(), right());
            break;
          case 4:
          case 11:
            piece(top(), right());
            break;
          case 8:
          case 7:
            piece(top(), left());
            break;
          case 3:
          case 12:
            piece(left(), right());
            break;
          case 6:
          case 9:
            piece(bottom(), top());
            break;
          case 5:
            if (joined) (piece(bottom(), right()), piece(top(), left()));
            else (piece(bottom(), left()), piece(top(), right()));
            break;
          case 10:
            if (joined) (piece(bottom(), left()), piece(top(), right()));
            else (piece(bottom(), right()), piece(top(), left()));
            break;
        }
      }
    }
    return found;
  };

  // (1 - f) a + f b, into `out`.
  const mix = (a, b, f, out) => {
    for (let i = 0; i < out.length; i++) out[i] = a[i] + f * (b[i] - a[i]);
    return out;
  };

  // The weights by which Catmull and Rom's cubic makes `times` numbers of each of n.
  const tapsOf = new Map();
  const taps = (n, times) => {
    const key = n * 100 + times;
    if (tapsOf.has(key)) return tapsOf.get(key);
    const index = new Uint16Array(n * times * 4),
      weight = new Float32Array(n * times * 4);
    for (let k = 0; k < n * times; k++) {
      const at = (k + 0.5) / times - 0.5,
        i = Math.floor(at),
        f = at - i;
      const w = [
        ((2 - f) * f - 1) * f * 0.5,
        ((3 * f - 5) * f * f + 2) * 0.5,
        ((4 - 3 * f) * f + 1) * f * 0.5,
        (f - 1) * f * f * 0.5,
      ];
      for (let m = 0; m < 4; m++) {
        index[k * 4 + m] = clamp(i - 1 + m, 0, n - 1);
        weight[k * 4 + m] = w[m];
      }
    }
    tapsOf.set(key, { index, weight });
    return tapsOf.get(key);
  };
  // A grid of n x n as one of (n times) x (n times), smooth where linear would show its cells.
  const finer = (grid, n, times, scratch = {}) => {
    const N = n * times,
      { index, weight } = taps(n, times);
    scratch.rows ??= new Float32Array(n * N);
    scratch.out ??= new Float32Array(N * N);
    const { rows, out } = scratch;
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < N; k++) {
        let sum = 0;
        for (let m = 0; m < 4; m++) sum += weight[k * 4 + m] * grid[j * n + index[k * 4 + m]];
        rows[j * N + k] = sum;
      }
    }
    for (let j = 0; j < N; j++) {
      const [a, b, c, d] = [0, 1, 2, 3].map(m => index[j * 4 + m] * N);
      const [p, q, r, s] = [0, 1, 2, 3].map(m => weight[j * 4 + m]);
      for (let k = 0; k < N; k++)
        out[j * N + k] = p * rows[a + k] + q * rows[b + k] + r * rows[c + k] + s * rows[d + k];
    }
    return out;
  };

  // The density along a line, as a density of its own: p(x2 | x1 = at), n numbers at cell centres.
  const slice = (density, n, at, out = new Float32Array(n)) => {
    const a = clamp(((at - LOW) / SIDE) * n - 0.5, 0, n - 1),
      i = Math.min(n - 2, Math.floor(a)),
      u = a - i;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      out[j] = (1 - u) * density[j * n + i] + u * density[j * n + i + 1];
      sum += out[j];
    }
    const scale = sum > 0 ? n / (SIDE * sum) : 0;
    for (let j = 0; j < n; j++) out[j] *= scale;
    return out;
  };

  // Half axes and turn of the ellipse in which a Gaussian of this covariance is one deviation away.
  const ellipse = (xx, xy, yy) => {
    const mean = (xx + yy) / 2,
      gap = Math.hypot((xx - yy) / 2, xy);
    return {
      a: Math.sqrt(Math.max(0, mean + gap)),
      b: Math.sqrt(Math.max(0, mean - gap)),
      turn: 0.5 * Math.atan2(2 * xy, xx - yy),
    };
  };

  // log N(x; mean, covariance) in the plane; six numbers a component: weight, mean, covariance.
  const gaussian = (c, at, x, y) => {
    const xx = c[at + 3],
      xy = c[at + 4],
      yy = c[at + 5],
      det = xx * yy - xy * xy,
      dx = x - c[at + 1],
      dy = y - c[at + 2];
    return (
      -Math.log(2 * Math.PI) -
      0.5 * Math.log(det) -
      (0.5 * (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy)) / det
    );
  };
  // p(component | point) for each component, into `out`.
  const responsibilities = (components, x, y, out = []) => {
    const count = components.length / 6;
    let most = -Infinity;
    for (let k = 0; k < count; k++) {
      out[k] = Math.log(Math.max(components[k * 6], 1e-30)) + gaussian(components, k * 6, x, y);
      most = Math.max(most, out[k]);
    }
    let sum = 0;
    for (let k = 0; k < count; k++) sum += out[k] = Math.exp(out[k] - most);
    for (let k = 0; k < count; k++) out[k] /= sum;
    return out;
  };

  // Runs along a field from a point, `steps` steps of the length `by` both ways: x, y, x, y, ...
  const streamline = (field, n, x, y, steps, by) => {
    const way = sign => {
      const found = [];
      let px = x,
        py = y;
      for (let k = 0; k < steps; k++) {
        const dx = bilinear(field, n, px, py, 2, 0),
          dy = bilinear(field, n, px, py, 2, 1),
          size = Math.hypot(dx, dy);
        if (size < 1e-6) break;
        // Half a step first (the midpoint rule), so that circles close.
        const mx = px + (sign * by * dx) / size / 2,
          my = py + (sign * by * dy) / size / 2;
        const ex = bilinear(field, n, mx, my, 2, 0),
          ey = bilinear(field, n, mx, my, 2, 1),
          long = Math.hypot(ex, ey);
        if (long < 1e-6) break;
        px += (sign * by * ex) / long;
        py += (sign * by * ey) / long;
        if (Math.abs(px) > HIGH || Math.abs(py) > HIGH) break;
        found.push(px, py);
      }
      return found;
    };
    const back = way(-1),
      all = [];
    for (let k = back.length - 2; k >= 0; k -= 2) all.push(back[k], back[k + 1]);
    all.push(x, y, ...way(1));
    return all;
  };

  // Random numbers of a seed (mulberry32), and normal ones of them (Box and Muller).
  const random = seed => {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () =>
      Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return { uniform, normal };
  };

  // The point of [0, 1] at which a rising list has a value, as a fractional index.
  const place = (list, value) => {
    if (!list.length || value <= list[0]) return 0;
    for (let k = 1; k < list.length; k++) {
      if (value <= list[k])
        return list[k] > list[k - 1] ? k - 1 + (value - list[k - 1]) / (list[k] - list[k - 1]) : k;
    }
    return list.length - 1;
  };

  return {
    LOW,
    HIGH,
    SIDE,
    clamp,
    centre,
    bilinear,
    contour,
    mix,
    finer,
    slice,
    ellipse,
    gaussian,
    responsibilities,
    streamline,
    random,
    place,
  };
})();
