// A restricted Boltzmann machine (models/families/rbm.py): its chains go on by Gibbs steps.

FORWARD.rbm = (config, weights) => {
  const { W, b, c, chains } = weights,
    [D, H] = W.shape;
  // The chains of the training, 0 or 1 each: where those of a sample begin.
  const began = k => Float64Array.from(chains.data.subarray(k * D, (k + 1) * D));

  // One Gibbs step of the pixels v in place; their chances given the hidden units. draws: D + H
  // uniforms, the hidden units' first.
  const step = (v, cold, draws) => {
    const drive = Float64Array.from(c.data);
    for (let i = 0; i < D; i++)
      if (v[i]) for (let j = 0; j < H; j++) drive[j] += W.data[i * H + j] * v[i];
    const on = [];
    for (let j = 0; j < H; j++) if (draws[j] < sigmoid(drive[j] / cold)) on.push(j);
    const chances = new Float64Array(D);
    for (let i = 0; i < D; i++) {
      let a = b.data[i];
      for (const j of on) a += W.data[i * H + j];
      chances[i] = sigmoid(a / cold);
      v[i] = draws[H + i] < chances[i] ? 1 : 0;
    }
    return chances;
  };

  return {
    // begins: which chain each picture goes on from; draws(k): the uniforms of a step of picture k.
    *walk(begins, draws, { steps, temperature }) {
      const cold = Math.max(temperature, 1e-3),
        v = begins.map(began),
        every = Math.max(1, Math.floor(steps / 80));
      for (let k = 1; k <= steps; k++) {
        const chances = v.map((pixels, picture) => step(pixels, cold, draws(picture)));
        if (k % every === 0 || k === steps)
          yield { step: k, total: steps, pictures: chances, written: v };
      }
    },
    *sample(streams, { steps = 200, temperature = 1 }) {
      const count = chains.shape[0],
        begins = streams.map(rng => Math.floor(Math.fround(rng.uniform() * count)));
      // Hidden units and pixels of a step are drawn one batch after the other, as in Python.
      yield* this.walk(begins, k => streams[k].uniforms(H + D), { steps, temperature });
    },
  };
};
