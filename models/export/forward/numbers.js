// Arithmetic of the forward passes: plain functions over typed arrays, no page and no model here.
// Matrices lie row by row. Sums are in double precision, what is stored is as its array has it.

const sigmoid = x => 1 / (1 + Math.exp(-x));
const softplus = x => (x > 30 ? x : Math.log1p(Math.exp(x)));
const logSigmoid = x => -softplus(-x);
const relu = x => (x > 0 ? x : 0);
const silu = x => x * sigmoid(x);
const leakyRelu = x => (x > 0 ? x : 0.2 * x);
const gelu = x => 0.5 * x * (1 + erf(x * Math.SQRT1_2));

// The error function, to 1e-12: its series near 0, a continued fraction (Lentz) further out.
const erf = x => {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x,
      sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = a;
  for (let n = 60; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
};

// Applies f to every number of x, in place.
const each = (x, f) => {
  for (let i = 0; i < x.length; i++) x[i] = f(x[i]);
  return x;
};
const add = (x, y) => {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
  return x;
};

// log softmax of the n numbers of x from `start` on, in place.
const logSoftmax = (x, start = 0, n = x.length) => {
  let most = -Infinity,
    sum = 0;
  for (let i = start; i < start + n; i++) if (x[i] > most) most = x[i];
  for (let i = start; i < start + n; i++) sum += Math.exp(x[i] - most);
  const shift = most + Math.log(sum);
  for (let i = start; i < start + n; i++) x[i] -= shift;
  return x;
};

// a (m, k) and b (n, k) -> a b^T + bias, (m, n). Four rows of b at a time for two of a: each number
// that is read from memory takes part in several products, which is what makes this quick.
const product = (a, b, m, n, k, bias = null, out = new Float32Array(m * n)) => {
  for (let i = 0; i < m; i += 2) {
    const two = i + 1 < m,
      a0 = i * k,
      a1 = two ? a0 + k : a0;
    let j = 0;
    for (; j + 3 < n; j += 4) {
      let p0 = 0,
        p1 = 0,
        p2 = 0,
        p3 = 0,
        q0 = 0,
        q1 = 0,
        q2 = 0,
        q3 = 0;
      const b0 = j * k,
        b1 = b0 + k,
        b2 = b1 + k,
        b3 = b2 + k;
      for (let t = 0; t < k; t++) {
        const x = a[a0 + t],
          y = a[a1 + t];
        const w0 = b[b0 + t],
          w1 = b[b1 + t],
          w2 = b[b2 + t],
          w3 = b[b3 + t];
        p0 += x * w0;
        p1 += x * w1;
        p2 += x * w2;
        p3 += x * w3;
        q0 += y * w0;
        q1 += y * w1;
        q2 += y * w2;
        q3 += y * w3;
      }
      const o = i * n + j;
      out[o] = p0;
      out[o + 1] = p1;
      out[o + 2] = p2;
      out[o + 3] = p3;
      if (!two) continue;
      out[o + n] = q0;
      out[o + n + 1] = q1;
      out[o + n + 2] = q2;
      out[o + n + 3] = q3;
    }
    for (; j < n; j++) {
      let p = 0,
        q = 0;
      for (let t = 0; t < k; t++) {
        p += a[a0 + t] * b[j * k + t];
        q += a[a1 + t] * b[j * k + t];
      }
      out[i * n + j] = p;
      if (two) out[i * n + n + j] = q;
    }
  }
  if (bias) for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[i * n + j] += bias[j];
  return out;
};

// A linear layer on m rows. layer: {weight: {shape: [n, k], data}, bias: {data} or undefined}.
const linear = (layer, x, m = 1) => {
  const [n, k] = layer.weight.shape;
  return product(x, layer.weight.data, m, n, k, layer.bias?.data);
};
