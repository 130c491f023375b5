// What an autoregressive model says of one value, as a distribution over its levels
// (models/families/distributions.py): numbers of a network -> log chances, (levels).

const VALUES = {
  bernoulli: () => numbers => [logSigmoid(-numbers[0]), logSigmoid(numbers[0])],

  categorical: () => numbers => logSoftmax(Float64Array.from(numbers)),

  // A mixture of discretised logistics on a scale from -1 to 1; the outermost levels take the
  // whole tails (Salimans et al. 2017, eq. 2).
  logistic: levels => numbers => {
    const K = numbers.length / 3,
      half = 1 / (levels - 1),
      weights = logSoftmax(Float64Array.from(numbers.subarray(0, K))),
      chances = new Float64Array(levels);
    for (let k = 0; k < K; k++) {
      const mean = numbers[K + k],
        inverse = Math.exp(-Math.max(numbers[2 * K + k] - 2, -7)),
        gap = Math.log(-Math.expm1(-2 * half * inverse));
      for (let v = 0; v < levels; v++) {
        const x = 2 * v * half - 1,
          upper = logSigmoid((x - mean + half) * inverse),
          lower = logSigmoid(-(x - mean - half) * inverse);
        const log = v === 0 ? upper : v === levels - 1 ? lower : upper + lower + gap;
        chances[v] += Math.exp(weights[k] + log);
      }
    }
    return each(chances, p => Math.log(Math.max(p, 1e-300)));
  },
};

// The level at which the distribution function passes u in [0, 1), at a temperature.
const drawLevel = (logs, u, temperature) => {
  if (logs.length === 2) return u >= sigmoid((logs[0] - logs[1]) / temperature) ? 1 : 0;
  const p = logSoftmax(Float64Array.from(logs, v => v / temperature));
  let below = 0;
  for (let v = 0; v < p.length - 1; v++) {
    below += Math.exp(p[v]);
    if (u < below) return v;
  }
  return p.length - 1;
};
