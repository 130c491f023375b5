// A U-Net that is told a noise level and a class (models/families/nets.py, UNet).

const unet = (net, { patch, heads }) => {
  const down = listOf(net.down).map(listOf),
    up = listOf(net.up).map(listOf).reverse(),
    grow = listOf(net.grow).reverse(),
    shrink = listOf(net.shrink),
    middle = listOf(net.middle),
    attentions = net.attention;

  // The level as sines and cosines, and the class as a vector: (E).
  const embed = (level, label) => {
    const { data: scales } = net.embed.scales,
      waves = new Float32Array(2 * scales.length);
    for (let i = 0; i < scales.length; i++) {
      waves[i] = Math.sin(level * scales[i]);
      waves[scales.length + i] = Math.cos(level * scales[i]);
    }
    const e = linear(net.embed.body[2], each(linear(net.embed.body[0], waves), silu)),
      { classes } = net.embed;
    if (classes) add(e, classes.weight.data.subarray(label * e.length, (label + 1) * e.length));
    return each(e, silu);
  };

  // x: a map of the picture, scaled. label: a class; the one after the last is none.
  return (x, level, label) => {
    const e = embed(level, label),
      across = [];
    let h = conv(net.read, pixelUnshuffle(x, patch));
    down.forEach((blocks, k) => {
      for (const block of blocks) h = levelBlock(block, h, e);
      across.push(h);
      h = conv(shrink[k], h, 2, 0);
    });
    middle.forEach((block, k) => {
      h = levelBlock(block, h, e);
      if (heads) h = attention(attentions[k], h, heads);
    });
    up.forEach((blocks, k) => {
      h = beside(convTransposed(grow[k], h, 2, 0), across.pop());
      for (const block of blocks) h = levelBlock(block, h, e);
    });
    h = conv(net.write[2], siluOf(channelNorm(net.write[0], h)));
    return pixelShuffle(h, patch);
  };
};

// x + attention among all places of a small map (Vaswani et al. 2017, eq. 1).
const attention = (layer, map, heads) => {
  const T = map.h * map.w,
    D = map.c,
    d = D / heads,
    qkv = linear(layer.qkv, channelNorm(layer.norm, map).data, T), // (T, 3 D)
    mixed = new Float32Array(T * D);
  for (let head = 0; head < heads; head++)
    for (let t = 0; t < T; t++) {
      const weights = new Float64Array(T);
      for (let u = 0; u < T; u++) {
        let dot = 0;
        for (let i = 0; i < d; i++)
          dot += qkv[t * 3 * D + head * d + i] * qkv[u * 3 * D + D + head * d + i];
        weights[u] = dot / Math.sqrt(d);
      }
      each(logSoftmax(weights), Math.exp);
      for (let u = 0; u < T; u++)
        for (let i = 0; i < d; i++)
          mixed[t * D + head * d + i] += weights[u] * qkv[u * 3 * D + 2 * D + head * d + i];
    }
  return sum({ ...map, data: linear(layer.out, mixed, T) }, map);
};
