// An autoregressive model (models/families/autoregressive/): a picture is written value by value,
// each drawn given those before it.

// What a network says one value at a time: writer(label, order) of one picture has numbers(), of
// the value about to be written, and put(v), which writes it, v in [-1, 1]. net.orders: the places
// of a flattened picture in the order of writing, for each order.
const NETWORKS = {
  nade: (config, net) => {
    const { writer } = nade(net);
    return label => writer(label);
  },
  made: (config, net) => {
    const [rows, S] = net.direct.weight.shape;
    const { writer } = maskedMLP(net, { values: S, perValue: rows / S, ends: false });
    return (label, order) => writer(order, null, label);
  },
  pixelcnn: (config, net) => pixelCNN(config, net, plainStack),
  gated: (config, net) => pixelCNN(config, net, gatedStack),
  transformer: (config, net) => patchTransformer(config, net),
};
NETWORKS.fvsbn = NETWORKS.made;

FORWARD.autoregressive = (config, weights) => {
  const { net } = weights,
    [count, D] = net.orders.shape,
    top = config.levels - 1,
    logsOf = VALUES[config.pixels](config.levels),
    writerOf = NETWORKS[config.network](config, net);
  const orders = Array.from({ length: count }, (_, k) =>
    net.orders.data.subarray(k * D, (k + 1) * D),
  );

  return {
    levels: config.levels,
    orders,

    // Writes pictures from uniforms, an array of D for each, by their place in the flattened
    // picture. labels: a class for each, or null. forced: levels by place that are not drawn.
    // Yields after every `every` values: pictures (levels over the highest), nats: what each value
    // cost so far, logs: of the value written last, log chances of all its levels.
    *write(
      uniforms,
      { labels = null, order = 0, temperature = 1, guidance = 1, every = 1, forced },
    ) {
      const n = uniforms.length,
        places = orders[order],
        label = k => (labels ? labels[k] : null),
        guided = guidance !== 1 && labels !== null,
        writers = uniforms.map((_, k) => writerOf(label(k), places, order)),
        free = guided ? uniforms.map(() => writerOf(null, places, order)) : null;
      const pictures = uniforms.map(() => new Float32Array(D)),
        nats = uniforms.map(() => new Float32Array(D)),
        logs = new Array(n);
      for (let i = 0; i < D; i++) {
        const place = places[i];
        for (let k = 0; k < n; k++) {
          const numbers = writers[k].numbers();
          logs[k] = logsOf(numbers);
          let says = logs[k];
          if (guided) {
            const none = free[k].numbers();
            says = logsOf(Float64Array.from(none, (v, p) => v + guidance * (numbers[p] - v)));
          }
          const v = forced?.[place] ?? drawLevel(says, uniforms[k][place], temperature);
          nats[k][place] = logs[k][v];
          pictures[k][place] = v / top;
          writers[k].put((2 * v) / top - 1);
          free?.[k].put((2 * v) / top - 1);
        }
        if ((i + 1) % every === 0 || i + 1 === D)
          yield { step: i + 1, total: D, pictures, nats, logs };
      }
    },

    *sample(streams, knobs) {
      const [C, , W] = config.image,
        labels = labelsOf(streams, knobs.label, config.classes),
        uniforms = streams.map(rng => rng.uniforms(D));
      yield* this.write(uniforms, { ...knobs, labels, every: C * W });
    },
  };
};
