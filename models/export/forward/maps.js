// Feature maps {h, w, c, data}, one picture's, with channels innermost; the layers of
// models/families/nets.py on them. Pictures themselves are (C, H, W), as everywhere in models/.

const emptyMap = (h, w, c) => ({ h, w, c, data: new Float32Array(h * w * c) });

const fromPicture = (x, [C, H, W], scale = 1) => {
  const map = emptyMap(H, W, C);
  for (let c = 0; c < C; c++)
    for (let i = 0; i < H * W; i++) map.data[i * C + c] = scale * x[c * H * W + i];
  return map;
};
const toPicture = ({ h, w, c, data }) => {
  const x = new Float32Array(h * w * c);
  for (let k = 0; k < c; k++) for (let i = 0; i < h * w; i++) x[k * h * w + i] = data[i * c + k];
  return x;
};
// (c, h, w) numbers in a row, as a linear layer gives them, as a map.
const unflatten = (x, c, h, w) => fromPicture(x, [c, h, w]);

// Kernels (out, in, kh, kw) as rows (out, kh kw in): what `conv` multiplies patches with. Arranged
// when a layer is first used, and kept with it.
const kernelRows = layer => {
  if (layer.rows) return layer.rows;
  const { shape, data } = layer.weight,
    [out, c, kh, kw] = shape,
    area = kh * kw;
  layer.rows = new Float32Array(data.length);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < c; i++)
      for (let k = 0; k < area; k++)
        layer.rows[(o * area + k) * c + i] = data[(o * c + i) * area + k];
  return layer.rows;
};

// A convolution, as one product of all patches with all kernels.
const conv = (layer, map, stride = 1, padding = 1) => {
  const [out, c, kh, kw] = layer.weight.shape;
  const h = Math.floor((map.h + 2 * padding - kh) / stride) + 1,
    w = Math.floor((map.w + 2 * padding - kw) / stride) + 1,
    size = kh * kw * c;
  const patches = new Float32Array(h * w * size);
  let at = 0;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let ky = 0; ky < kh; ky++) {
        const row = y * stride + ky - padding;
        for (let kx = 0; kx < kw; kx++, at += c) {
          const column = x * stride + kx - padding;
          if (row < 0 || row >= map.h || column < 0 || column >= map.w) continue;
          const from = (row * map.w + column) * c;
          for (let i = 0; i < c; i++) patches[at + i] = map.data[from + i];
        }
      }
  const data = product(patches, kernelRows(layer), h * w, out, size, layer.bias?.data);
  return { h, w, c: out, data };
};

// A transposed convolution: what each place gives to its neighbours, added up. Kernels are
// (in, out, kh, kw).
const convTransposed = (layer, map, stride, padding) => {
  const [c, out, kh, kw] = layer.weight.shape,
    size = kh * kw * out;
  if (!layer.rows) {
    layer.rows = new Float32Array(size * c);
    for (let i = 0; i < c; i++)
      for (let o = 0; o < out; o++)
        for (let k = 0; k < kh * kw; k++)
          layer.rows[(k * out + o) * c + i] = layer.weight.data[(i * out + o) * kh * kw + k];
  }
  const given = product(map.data, layer.rows, map.h * map.w, size, c);
  const made = emptyMap(
    (map.h - 1) * stride - 2 * padding + kh,
    (map.w - 1) * stride - 2 * padding + kw,
    out,
  );
  for (let i = 0; i < made.data.length; i++) made.data[i] = layer.bias.data[i % out];
  for (let y = 0; y < map.h; y++)
    for (let x = 0; x < map.w; x++)
      for (let k = 0; k < kh * kw; k++) {
        const row = y * stride - padding + Math.floor(k / kw),
          column = x * stride - padding + (k % kw);
        if (row < 0 || row >= made.h || column < 0 || column >= made.w) continue;
        const from = (y * map.w + x) * size + k * out,
          to = (row * made.w + column) * out;
        for (let o = 0; o < out; o++) made.data[to + o] += given[from + o];
      }
  return made;
};

// Group normalisation (Wu and He 2018), groups of at least eight channels as `group_norm` has them.
const groupNorm = (layer, map) => {
  const { h, w, c, data } = map,
    out = emptyMap(h, w, c);
  let groups = Math.max(1, Math.floor(c / 8));
  while (c % groups) groups--;
  const size = c / groups,
    n = h * w * size;
  for (let g = 0; g < groups; g++) {
    let sum = 0,
      squares = 0;
    for (let i = 0; i < h * w; i++)
      for (let k = g * size; k < (g + 1) * size; k++) sum += data[i * c + k];
    const mean = sum / n;
    for (let i = 0; i < h * w; i++)
      for (let k = g * size; k < (g + 1) * size; k++) squares += (data[i * c + k] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / n + 1e-5);
    for (let i = 0; i < h * w; i++)
      for (let k = g * size; k < (g + 1) * size; k++)
        out.data[i * c + k] =
          (data[i * c + k] - mean) * scale * layer.weight.data[k] + layer.bias.data[k];
  }
  return out;
};

// Layer normalisation of each row of n numbers (Ba et al. 2016).
const layerNorm = (layer, x, n = layer.weight.shape[0]) => {
  const out = new Float32Array(x.length),
    { data: weight } = layer.weight,
    { data: bias } = layer.bias;
  for (let start = 0; start < x.length; start += n) {
    let mean = 0,
      squares = 0;
    for (let i = start; i < start + n; i++) mean += x[i] / n;
    for (let i = start; i < start + n; i++) squares += (x[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / n + 1e-5);
    for (let i = 0; i < n; i++)
      out[start + i] = (x[start + i] - mean) * scale * weight[i] + bias[i];
  }
  return out;
};
// The channels of each place.
const channelNorm = (layer, map) => ({ ...map, data: layerNorm(layer, map.data) });

const siluOf = map => {
  each(map.data, silu);
  return map;
};
const sum = (map, other) => {
  add(map.data, other.data);
  return map;
};

// x + conv(silu(norm(conv(silu(norm(x)))))).
const resBlock = (block, map) => {
  const h = conv(block.conv1, siluOf(groupNorm(block.norm1, map)));
  return sum(conv(block.conv2, siluOf(groupNorm(block.norm2, h))), map);
};

// A residual block that the embedding e scales and shifts.
const levelBlock = (block, map, e) => {
  const h = channelNorm(block.norm2, conv(block.conv1, siluOf(channelNorm(block.norm1, map)))),
    { c, data } = h,
    told = linear(block.modulate, e);
  for (let i = 0; i < data.length; i++)
    data[i] = silu(told[c + (i % c)] + data[i] * (1 + told[i % c]));
  const skip = block.skip ? conv(block.skip, map, 1, 0) : map;
  return sum(conv(block.conv2, h), skip);
};

// Channels become pixels, r by r, and pixels channels (Shi et al. 2016).
const shuffled = (map, r, back) => {
  const small = back ? { h: map.h / r, w: map.w / r, c: map.c * r * r } : map,
    c = small.c / (r * r),
    out = back ? emptyMap(small.h, small.w, small.c) : emptyMap(map.h * r, map.w * r, c);
  for (let y = 0; y < small.h; y++)
    for (let x = 0; x < small.w; x++)
      for (let k = 0; k < small.c; k++) {
        const row = y * r + (Math.floor(k / r) % r),
          column = x * r + (k % r),
          channel = Math.floor(k / (r * r)),
          few = (row * small.w * r + column) * c + channel,
          many = (y * small.w + x) * small.c + k;
        if (back) out.data[many] = map.data[few];
        else out.data[few] = map.data[many];
      }
  return out;
};
const pixelShuffle = (map, r) => shuffled(map, r, false);
const pixelUnshuffle = (map, r) => shuffled(map, r, true);

// Two maps of one size, the channels of the first before those of the second.
const beside = (a, b) => {
  const out = emptyMap(a.h, a.w, a.c + b.c);
  for (let i = 0; i < a.h * a.w; i++) {
    for (let k = 0; k < a.c; k++) out.data[i * out.c + k] = a.data[i * a.c + k];
    for (let k = 0; k < b.c; k++) out.data[i * out.c + a.c + k] = b.data[i * b.c + k];
  }
  return out;
};
