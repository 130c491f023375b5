// A denoiser of every noise level and the ways through its levels (models/families/diffusion/).
// Inside, pictures are centred and twice as wide; config.steps has the noise levels of each number
// of steps that is offered, falling to 0, and what x is scaled by at each.

// (c_skip, c_out) of D(x; sigma) = c_skip x + c_out F (Karras et al. 2022, eq. 7).
const PREDICTIONS = {
  eps: s => [1, -s],
  x0: () => [0, 1],
  v: s => [1 / (1 + s * s), -s / Math.sqrt(1 + s * s)],
  velocity: s => [1 / (1 + s), -s / (1 + s)],
  edm: (s, data) => [data ** 2 / (s * s + data ** 2), (s * data) / Math.sqrt(s * s + data ** 2)],
};

// Steps from level t to the next, s > 0: x there of x, the guess and the guess before.
const SAMPLERS = {
  // x_s = D + s n with the noise n that there is (Song et al. 2021a, eq. 12, eta = 0).
  ddim: ({ x, guess, t, s }) => x.map((v, i) => guess[i] + (s / t) * (v - guess[i])),
  // DPM-Solver++(2M), second order (Lu et al. 2022b, algorithm 2).
  dpm: ({ x, guess, t, s, before, above }) => {
    const h = Math.log(t / s),
      ahead = before ? h / (2 * Math.log(above / t)) : 0;
    return x.map((v, i) => {
      const aim = before ? (1 + ahead) * guess[i] - ahead * before[i] : guess[i];
      return (s / t) * v - Math.expm1(-h) * aim;
    });
  },
};

FORWARD.diffusion = (config, weights) => {
  const { image, centre, sigmaData, classes, prediction } = config,
    net = unet(weights.net, config),
    D = image.reduce((a, b) => a * b);

  const network = (x, level, label) => {
    const scale = 1 / Math.sqrt(level * level + sigmaData * sigmaData);
    return toPicture(net(fromPicture(x, image, scale), Math.log(level) / 4, label));
  };
  // D(x; level), the guess of the clean picture, inside. label: a class or null.
  const denoised = (x, level, label, guidance = 1) => {
    const none = classes,
      asked = label === null || guidance === 0 ? none : label,
      out = network(x, level, asked);
    if (asked !== none && guidance !== 1) {
      const free = network(x, level, none);
      for (let i = 0; i < D; i++) out[i] = free[i] + guidance * (out[i] - free[i]);
    }
    const [skip, scale] = PREDICTIONS[prediction](level, sigmaData);
    for (let i = 0; i < D; i++) out[i] = skip * x[i] + scale * out[i];
    return out;
  };
  const outside = (x, alpha = 1) =>
    each(
      x.map(v => (alpha * v) / 2 + centre),
      unit,
    );
  const unit = v => Math.min(1, Math.max(0, v));

  return {
    denoised,
    *sample(streams, { label = null, steps = 20, sampler = 'dpm', guidance = 1, temperature = 1 }) {
      const { levels, alphas } = config.steps[steps],
        total = levels.length - 1;
      let xs = streams.map(rng => rng.normals(D).map(v => temperature * levels[0] * v)),
        before = null;
      const labels = labelsOf(streams, label, classes);
      for (let k = 0; k < total; k++) {
        const [t, s] = [levels[k], levels[k + 1]],
          guesses = [];
        for (const [n, x] of xs.entries()) {
          guesses.push(denoised(x, t, labels?.[n] ?? null, guidance));
          yield null; // a moment at which it may be stopped
        }
        yield {
          step: k,
          total,
          level: t,
          pictures: xs.map(x => outside(x, alphas[k])),
          guesses: guesses.map(x => outside(x)),
        };
        xs = xs.map((x, n) => {
          if (s === 0) return guesses[n];
          const above = levels[k - 1];
          return SAMPLERS[sampler]({ x, guess: guesses[n], t, s, before: before?.[n], above });
        });
        before = guesses;
      }
      const pictures = xs.map(x => outside(x));
      yield { step: total, total, level: 0, pictures, guesses: pictures };
    },
  };
};
