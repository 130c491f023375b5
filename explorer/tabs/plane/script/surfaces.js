// What colour shows in a view, one at a time: densities, their difference, energies, critics.
PLANE.surfaces = (() => {
  const M = PLANE.maths,
    G = 64;

  // The largest density of a set, which all views of it are coloured by; kept with the grid.
  const most = new WeakMap();
  const largest = grid => {
    if (!most.has(grid)) {
      const sorted = Float32Array.from(grid).sort();
      most.set(grid, Math.max(1e-6, sorted[Math.floor(0.995 * sorted.length)]));
    }
    return most.get(grid);
  };
  const scratch = new Float32Array(G * G);
  const scaled = (grid, fn) => {
    for (let k = 0; k < grid.length; k++) scratch[k] = fn(grid[k], k);
    return scratch;
  };
  const ends = new WeakMap(); // least and greatest value of a grid that is not mixed
  const range = (film, name, at) => {
    const grid =
      film.parts[name].moments[Math.round(M.clamp(at, 0, film.count - 1))] ?? film.at(name, at);
    if (!ends.has(grid)) {
      const sorted = Float32Array.from(grid).sort();
      ends.set(grid, [
        sorted[Math.floor(0.01 * sorted.length)],
        sorted[Math.floor(0.98 * sorted.length)],
      ]);
    }
    return ends.get(grid);
  };
  const reference = view => {
    const { film, truth, at } = view;
    if (truth?.density) return largest(truth.density);
    const last = film?.parts.log_density?.moments.findLast(Boolean);
    if (!last) return 0.2;
    view.film.lastDensity ??= new WeakMap();
    const kept = view.film.lastDensity;
    if (!kept.has(last)) kept.set(last, largest(last.map(Math.exp)));
    return Math.max(kept.get(last), 0.02 + 0 * at);
  };
  const soft = v => Math.pow(v, 0.62); // thin tails are to be seen too

  const density = (name, ramp) => ({
    there: view => (name === 'truth' ? !!view.truth?.density : !!view.film?.has(name)),
    draw(pen, view) {
      const grid = name === 'truth' ? view.truth.density : view.film.density(name, view.at);
      const top = reference(view);
      pen.heat(
        scaled(grid, v => soft(Math.min(1, v / top))),
        G,
        pen.tones.ramps[ramp],
      );
    },
  });
  const JUDGE =
      'Blue where it takes a point for data, orange where for a sample; torn on the line.',
    BEST =
      'p / (p + q) of the true density and the samples’: no discriminator can do better (' +
      'Goodfellow et al. 2014, proposition 1).';
  const surfaces = {
    none: { title: 'nothing', there: () => true, draw() {} },
    density: { title: 'model density', ...density('log_density', 'model') },
    bound: { title: 'lower bound (exp ELBO)', ...density('bound', 'model') },
    truth: { title: 'true density', ...density('truth', 'truth') },
    difference: {
      title: 'difference, model − truth',
      words: 'Orange where the model has too much density, blue where it has too little.',
      there: view => !!view.truth?.density && !!view.film?.has('log_density'),
      draw(pen, view) {
        const grid = view.film.density('log_density', view.at),
          true_ = view.truth.density,
          top = reference(view);
        const mapped = scaled(grid, (v, k) => {
          const d = M.clamp((true_[k] - v) / top, -1, 1);
          return Math.sign(d) * soft(Math.abs(d));
        });
        pen.heat(mapped, G, pen.tones.both, { two: true });
      },
    },
    energy: {
      title: 'energy',
      words: 'Strong where the energy is low. The density is exp(−energy), scaled to one.',
      there: view => !!view.film?.has('energy'),
      draw(pen, view) {
        const grid = view.film.at('energy', view.at),
          [low, high] = range(view.film, 'energy', view.at),
          gap = high - low || 1;
        pen.heat(
          scaled(grid, v => 1 - M.clamp((v - low) / gap, 0, 1)),
          G,
          pen.tones.ramps.energy,
        );
        const levels = Array.from({ length: 9 }, (_, k) => low + (gap * (k + 0.5)) / 9);
        pen.contours(grid, G, levels, pen.tones.other, { width: 0.8, alpha: 0.6 });
      },
    },
    critic: { title: 'discriminator', words: JUDGE, ...judge('critic') },
    best_critic: { title: 'best discriminator d*', words: BEST, ...judge('best_critic') },
  };
  // Blue where it takes a point for real, orange where for a sample; the line is where it is torn.
  function judge(name) {
    return {
      there: view => !!view.film?.has(name),
      draw(pen, view) {
        const grid = view.film.at(name, view.at);
        const [low, high] = range(view.film, name, view.at);
        const odds = name === 'best_critic' || (low >= -0.02 && high <= 1.02);
        const middle = odds ? 0.5 : (low + high) / 2,
          reach = odds ? 0.5 : (high - low) / 2 || 1;
        pen.heat(
          scaled(grid, v => M.clamp((v - middle) / reach, -1, 1)),
          G,
          pen.tones.both,
          { two: true },
        );
        pen.contours(grid, G, [middle], pen.tones.ink, { width: 1.4, alpha: 0.8 });
        pen.contours(
          grid,
          G,
          [-0.6, -0.3, 0.3, 0.6].map(v => middle + v * reach),
          pen.tones.ink,
          {
            width: 0.7,
            alpha: 0.35,
          },
        );
      },
    };
  }
  return { all: surfaces, reference };
})();
