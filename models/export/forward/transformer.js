// A causal transformer over patches (models/families/autoregressive/transformer.py), a patch at a
// time, with the keys and values of those before it kept; a masked network writes its values.

const patchTransformer = ({ patch, heads, ends, image }, net) => {
  const [T, E] = net.place.shape,
    S = patch * patch * image[0],
    d = E / heads,
    blocks = listOf(net.blocks),
    head = maskedMLP(net.head, { values: S, perValue: net.head.direct.weight.shape[0] / S, ends }),
    inOrder = Array.from({ length: S }, (_, k) => k);

  // One token t through a block, given what is kept of those before it.
  const step = (block, h, kept, t) => {
    const qkv = linear(block.to_qkv, layerNorm(block.norm_a, h)),
      mixed = new Float32Array(E);
    kept.push(qkv);
    for (let part = 0; part < heads; part++) {
      const weights = new Float64Array(t + 1);
      for (let u = 0; u <= t; u++) {
        let dot = 0;
        for (let i = part * d; i < (part + 1) * d; i++) dot += qkv[i] * kept[u][E + i];
        weights[u] = dot / Math.sqrt(d);
      }
      each(logSoftmax(weights), Math.exp);
      for (let u = 0; u <= t; u++)
        for (let i = part * d; i < (part + 1) * d; i++) mixed[i] += weights[u] * kept[u][2 * E + i];
    }
    h = add(linear(block.to_out, mixed), h);
    const inner = each(linear(block.mlp[0], layerNorm(block.norm_b, h)), gelu);
    return add(linear(block.mlp[2], inner), h);
  };

  return (label, places, order) => {
    const kept = blocks.map(() => []);
    let t = -1,
      values = null,
      written = [];
    const next = () => {
      let h;
      if (t < 0) h = Float32Array.from(net.start.data);
      else {
        const read = ends
          ? [...written, ...written.map(isBlack), ...written.map(isWhite)]
          : written;
        h = linear(net.read[2], each(linear(net.read[0], Float32Array.from(read)), gelu));
      }
      t++;
      if (t === T) return;
      add(h, net.place.data.subarray(t * E, (t + 1) * E));
      if (net.held) {
        const at = (order * T + t) * E;
        add(h, net.held.data.subarray(at, at + E));
      }
      if (label !== null && net.told) addColumn(h, net.told.weight, label);
      blocks.forEach((block, k) => {
        h = step(block, h, kept[k], t);
      });
      values = head.writer(inOrder, layerNorm(net.norm, h));
      written = [];
    };
    next();
    return {
      numbers: () => values.numbers(),
      put(v) {
        written.push(v);
        values.put(v);
        if (written.length === S) next();
      },
    };
  };
};
