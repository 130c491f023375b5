// The decoder of a variational autoencoder (models/families/vae/nets.py).

// The map from the code z to what the decoder reads: coupling layers, backwards.
const coupled = (layers, z) => {
  for (const layer of [...layers].reverse()) {
    const D = z.length,
      split = D - Math.floor(D / 2);
    let a = linear(layer.net[0], z.subarray(0, split));
    a = linear(layer.net[2], each(a, silu));
    a = linear(layer.net[4], each(a, silu));
    const h = new Float32Array(D),
      { data: order } = layer.order;
    for (let i = 0; i < D; i++) {
      const k = i - split,
        scale = k < 0 ? 0 : 2 * Math.tanh(a[k] / 2),
        shift = k < 0 ? 0 : a[D - split + k];
      h[order[i]] = k < 0 ? z[i] : (z[i] - shift) * Math.exp(-scale);
    }
    z = h;
  }
  return z;
};

FORWARD.vae = (config, weights) => {
  const { decoder } = weights,
    [C, H, W] = config.image,
    side = 2 ** config.halvings,
    body = listOf(decoder.body),
    [norm, ...layers] = listOf(body.pop()), // of the way up to the picture
    prior = listOf(weights.prior?.layers);

  const decode = (z, label) => {
    const code = withClass(coupled(prior, z), label, config.classes),
      hidden = each(linear(decoder.hidden, code), silu);
    let map = unflatten(linear(decoder.spread, hidden), config.width, H / side, W / side);
    for (const block of body) map = resBlock(block, map);
    map = siluOf(groupNorm(norm, map));
    layers.forEach((layer, k) => {
      map = convTransposed(layer, map, 2, 1);
      if (k + 1 < layers.length) siluOf(map);
    });
    const numbers = toPicture(map).subarray(0, C * H * W);
    // Black or white: the chance of white. Levels: the mean, cut off at black and white.
    return config.likelihood === 'bernoulli'
      ? each(numbers, sigmoid)
      : each(numbers, v => Math.min(1, Math.max(0, v + 0.5)));
  };

  return { ...decoding(config, decode), draw: rng => rng.normals(config.latent) };
};

// What every model that decodes codes of a fixed length has.
const decoding = (config, decode) => ({
  latent: config.latent,
  decode,
  // The code of one picture of a stream.
  *sample(streams, { label = null, temperature = 1, truncation = Infinity }) {
    const codes = streams.map(rng => this.draw(rng)),
      labels = labelsOf(streams, label, config.classes),
      pictures = [];
    for (const [k, code] of codes.entries()) {
      for (let i = 0; i < code.length; i++) {
        if (i < (config.noise ?? config.latent))
          code[i] = truncated(code[i] * temperature, truncation);
      }
      pictures.push(decode(code, labels?.[k]));
      yield { step: k + 1, total: codes.length, pictures, codes };
    }
  },
});
