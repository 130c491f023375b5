// Masked dense networks (models/families/autoregressive/made.py): FVSBN, MADE, and what writes the
// values of a transformer's patch. Units are sorted by degree, how many values they may see; so
// those of the next degree are all that is new when a value has been written, and each weight is
// used once for a picture.

// Whether a value in [-1, 1] is black, and whether it is white (models/families/.../made.py, Ends).
const NEAR = 3.5 / 255;
const isBlack = v => (v < -1 + 2 * NEAR ? 1 : 0);
const isWhite = v => (v > 1 - 2 * NEAR ? 1 : 0);

// net: the weights; values, perValue: S and P; ends: whether each value is read as three numbers.
const maskedMLP = (net, { values: S, perValue: P, ends }) => {
  const layers = listOf(net.read),
    H = layers.length ? layers[0].weight.shape[0] : 0,
    wide = ends ? 3 * S : S;
  const startOf = i => Math.ceil((i * H) / S); // the first unit that sees more than i - 1 values
  return {
    // One picture. order: the places of the values as they are written; context (E) or null; or
    // the class alone, a column of what the context is read by.
    writer(order, context, label = null) {
      const told = layers.map((layer, k) => {
        const a = Float64Array.from(layer.bias.data);
        const by = net.told?.[k];
        if (by && context) add(a, linear(by, context));
        if (by && label !== null) addColumn(a, by.weight, label);
        return a;
      });
      const last = Float64Array.from(net.direct.bias.data);
      if (net.told_last && context) add(last, linear(net.told_last, context));
      if (net.told_last && label !== null) addColumn(last, net.told_last.weight, label);
      const h = layers.map(() => new Float64Array(H)),
        columns = new Int32Array(wide), // where what was read stands among a row's weights
        read = new Float64Array(wide),
        out = new Float64Array(P);
      let i = 0,
        known = 0;
      const dot = (weight, row) => {
        let sum = 0;
        for (let t = 0; t < known; t++) sum += weight[row * wide + columns[t]] * read[t];
        return sum;
      };
      const see = (column, value) => {
        columns[known] = column;
        read[known++] = value;
      };
      return {
        numbers() {
          const seen = startOf(i + 1);
          layers.forEach((layer, k) => {
            const { data } = layer.weight;
            for (let j = startOf(i); j < seen; j++) {
              let a = told[k][j];
              if (k === 0) a += dot(data, j);
              else for (let t = 0; t < seen; t++) a += data[j * H + t] * h[k - 1][t];
              h[k][j] = relu(a) + (k ? h[k - 1][j] : 0);
            }
          });
          for (let p = 0; p < P; p++) {
            const row = order[i] * P + p;
            out[p] = last[row] + dot(net.direct.weight.data, row);
            if (!net.write) continue;
            const top = h[h.length - 1];
            for (let t = 0; t < seen; t++) out[p] += net.write.weight.data[row * H + t] * top[t];
          }
          return out;
        },
        put(v) {
          see(order[i], v);
          if (ends) {
            see(S + order[i], isBlack(v));
            see(2 * S + order[i], isWhite(v));
          }
          i++;
        },
      };
    },
  };
};
