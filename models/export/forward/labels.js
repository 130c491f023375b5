// Classes of a conditional model, as the others of models/contract/model.py have them.

const FORWARD = {}; // the forward passes by name: (config, weights) => what the model can do

// A class for each picture: the one asked for, or drawn; null where the model knows none.
const labelsOf = (streams, label, classes) => {
  if (!classes) return null;
  if (label !== null && label !== undefined) return streams.map(() => label);
  return streams.map(rng => Math.floor(Math.fround(rng.uniform() * classes)));
};

// A code with its class beside it as a one-hot vector.
const withClass = (code, label, classes) => {
  const out = new Float32Array(code.length + (classes || 0));
  out.set(code);
  if (classes && label !== null && label !== undefined) out[code.length + label] = 1;
  return out;
};
