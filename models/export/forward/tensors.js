// Weights as they lie in the file: a table of names, shapes and kinds, and one run of bytes.

const halfToFloat = (() => {
  const powers = new Float32Array(32);
  for (let e = 0; e < 32; e++) powers[e] = 2 ** (Math.max(e, 1) - 25);
  return bits => {
    const exponent = (bits >> 10) & 31,
      fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : bits >> 15 ? -Infinity : Infinity;
    const value = (exponent ? 1024 + fraction : fraction) * powers[exponent];
    return bits >> 15 ? -value : value;
  };
})();

// One array of numbers. kind: "float32", "float16", or "int8" with a scale for each row.
const decoded = ({ shape, kind, at, scale }, buffer) => {
  const size = shape.reduce((a, b) => a * b, 1);
  if (kind === 'float32') return new Float32Array(buffer.slice(at, at + 4 * size));
  const data = new Float32Array(size);
  if (kind === 'float16') {
    const halves = new Uint16Array(buffer.slice(at, at + 2 * size));
    for (let i = 0; i < size; i++) data[i] = halfToFloat(halves[i]);
    return data;
  }
  const whole = new Int8Array(buffer, at, size),
    scales = new Float32Array(buffer.slice(scale, scale + 4 * shape[0])),
    row = size / shape[0];
  for (let i = 0; i < size; i++) data[i] = whole[i] * scales[Math.floor(i / row)];
  return data;
};

// The modules of a model as nested objects, by the names of its weights: "body.0.conv1.weight" is
// weights.body[0].conv1.weight, {shape, data}.
const unpackWeights = (table, buffer) => {
  const weights = {};
  for (const [name, entry] of Object.entries(table)) {
    const parts = name.split('.'),
      last = parts.pop();
    let place = weights;
    for (const part of parts) place = place[part] ??= {};
    place[last] = { shape: entry.shape, data: decoded(entry, buffer) };
  }
  return weights;
};

// The modules of a list, in their order.
const listOf = modules => Object.keys(modules ?? {}).map(key => modules[key]);

const fromBase64 = text => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
  const raw = atob(text),
    bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
};
