// NADE (models/families/autoregressive/nade.py): hidden units that every value adds to.

const nade = net => {
  const [, P, H] = net.V.shape;
  return {
    // One picture: numbers() of the value about to be written, put(v) writes it.
    writer(label) {
      const a = Float64Array.from(net.c.data);
      if (label !== null && net.told) addColumn(a, net.told.weight, label);
      const out = new Float64Array(P);
      let i = 0;
      return {
        numbers() {
          for (let p = 0; p < P; p++) {
            out[p] = net.b.data[i * P + p];
            for (let j = 0, at = (i * P + p) * H; j < H; j++)
              out[p] += net.V.data[at + j] * relu(a[j]);
          }
          return out;
        },
        put(v) {
          for (let j = 0, at = i * H; j < H; j++) a[j] += net.W.data[at + j] * v;
          i++;
        },
      };
    },
  };
};

// Adds column k of a weight (n, K) to n numbers: a linear layer on a one-hot class.
const addColumn = (a, weight, k) => {
  const K = weight.shape[1];
  for (let j = 0; j < a.length; j++) a[j] += weight.data[j * K + k];
  return a;
};
