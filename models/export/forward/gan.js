// The generator of a GAN (models/families/gan/nets.py).

FORWARD.gan = (config, weights) => {
  const { generator } = weights,
    [, H, W] = config.image,
    { halvings, width, noise } = config,
    side = 2 ** halvings;

  const decode = (z, label) => {
    const code = withClass(
        z.map((v, i) => v * generator.scale.data[i]),
        label,
        config.classes,
      ),
      e = generator.embed ? each(linear(generator.embed[0], code), silu) : null;
    let map = unflatten(linear(generator.spread, code), width, H / side, W / side);
    for (let k = 0; k < halvings; k++)
      for (const layer of listOf(generator.stages[k]))
        map = layer.conv1 ? levelBlock(layer, map, e) : convTransposed(layer, map, 2, 0);
    map = conv(generator.write[2], siluOf(channelNorm(generator.write[0], map)));
    return each(toPicture(pixelShuffle(map, 2)), sigmoid);
  };

  return {
    ...decoding(config, decode),
    // Noise; then, of an InfoGAN, a category and the continuous codes.
    draw(rng) {
      const { categories, continuous } = config,
        code = new Float32Array(config.latent);
      code.set(rng.normals(noise));
      if (categories) code[noise + Math.floor(Math.fround(rng.uniform() * categories))] = 1;
      for (let k = 0; k < continuous; k++) code[noise + categories + k] = 2 * rng.uniform() - 1;
      return code;
    },
  };
};

// A standard normal number as one of the normal within +-t, in the same order: F_t^-1(F(z)).
const truncated = (z, t) => {
  if (!(t < Infinity)) return z;
  const low = 0.5 * (1 - erf(t * Math.SQRT1_2)),
    p = low + (1 - 2 * low) * 0.5 * (1 + erf(z * Math.SQRT1_2));
  // By halving: F rises, and the answer lies within +-t.
  let from = -t,
    to = t;
  for (let k = 0; k < 50; k++) {
    const middle = (from + to) / 2;
    if (0.5 * (1 + erf(middle * Math.SQRT1_2)) < p) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
};
