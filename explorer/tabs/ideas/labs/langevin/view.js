IDEAS.views.langevin = (() => {
  const L = IDEAS.langevin,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    gap: number(4, 0, 8),
    weight: number(0.7, 0.1, 0.9),
    width: number(0.6, 0.2, 1.5),
    sigma: number(0, 0, 4),
    at: number(0.8, -6, 6),
    step: number(0.05, 0.0005, 2),
    temperature: number(1, 0, 3),
    start: one('left', 'wide', 'middle'),
    corrected: one('no', 'yes'),
    seed: number(1, 1, 9999),
    place: one('two', 'ring', 'five'),
    rate: number(0.1, 0.01, 0.9),
    each: number(20, 1, 60),
    many: number(12, 1, 30),
  };
  const target = s =>
    L.mixture([-s.gap / 2, s.gap / 2], [s.width, s.width], [s.weight, 1 - s.weight]);

  const field = {
    key: 'score',
    title: 'The score',
    words:
      'The score is the slope of log p: at each place the way uphill. It needs no normalising constant. Add noise, and it reaches further.',
    build(s) {
      s.slider('sigma', { label: 'Noise level σ', step: 0.05 });
      s.slider('at', { label: 'Look at x', step: 0.1 });
      s.slider('gap', { label: 'Distance of the modes', step: 0.1 });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('width', { label: 'Width of each mode', step: 0.05 });
      s.text(
        'Between far modes the score does not know their weights: near the left mode it is nearly the same whether the right one holds one half or one tenth.',
      );
      const numbers = s.numbers([
        ['p', 'Density at x', '', 'p'],
        ['s', 'Score at x', 'd log p / dx', 'q'],
        ['other', 'Score, weights swapped', 'at the same x', 's'],
        ['denoised', 'x + σ² score', 'mean of what was there before the noise'],
      ]);
      const plot = s.plot({
        title: 'Density',
        note: 'with noise; dashed: without',
        x: [-6, 6],
        y: [0, 0.6],
        tall: 210,
        names: ['x', ''],
      });
      const slope = s.plot({
        title: 'Score',
        note: 'arrows: the way a chain is pushed',
        x: [-6, 6],
        y: [-10, 10],
        tall: 230,
        names: ['x', ''],
      });
      slope.handle({
        name: 'Look at x',
        tone: 'q',
        axis: 'x',
        step: [0.1, 0],
        at: () => [
          s.state.at,
          M.clamp(L.score(L.noisy(target(s.state), s.state.sigma), s.state.at), ...slope.y),
        ],
        move: x => s.set({ at: +x.toFixed(3) }),
        say: () => `x = ${s.state.at.toFixed(2)}`,
        range: () => [s.state.at, -6, 6],
      });
      const formula = s.formula(
        '∇_x log *p*_σ(*x*) = Σ_k *r*_k(*x*) [[*m*_k − *x*|*w*^2 + σ^2]] = {s}',
      );
      const xs = M.grid(-6, 6, 241),
        few = M.grid(-5.6, 5.6, 29);
      return () => {
        const d = target(s.state),
          { sigma, at, weight } = s.state,
          noised = L.noisy(d, sigma),
          ys = Array.from(xs, x => L.density(noised, x)),
          plain = Array.from(xs, x => L.density(d, x));
        plot.y = [0, Math.min(2, 1.12 * Math.max(0.3, ...ys))];
        plot.draw(pen => {
          pen.axes();
          pen.area(xs, ys, 'p');
          pen.clip(() => {
            pen.line(xs, plain, 's', { dash: [6, 4], width: 1.4 });
            pen.line(xs, ys, 'p');
          });
          pen.rule(at, 'soft');
        });
        const gs = Array.from(xs, x => L.score(noised, x)),
          most = Math.max(1, Math.min(20, ...[Math.max(...gs.map(Math.abs))]));
        slope.y = [-1.1 * most, 1.1 * most];
        slope.draw(pen => {
          pen.axes();
          pen.rule(0, 'soft', { level: true, dash: [] });
          pen.clip(() => pen.line(xs, gs, 'q', { width: 2.4 }));
          for (const x of few) {
            const g = L.score(noised, x);
            pen.arrow(x, 0, M.clamp((0.5 * g) / most, -0.45, 0.45), 0, 'p', { width: 1.8 });
          }
        });
        const v = L.score(noised, at),
          swapped = L.score(L.noisy({ ...d, weights: [1 - weight, weight] }, sigma), at);
        numbers({
          p: L.density(noised, at),
          s: v,
          other: swapped,
          denoised: at + sigma * sigma * v,
        });
        formula({ s: v });
      };
    },
  };

  const chains = {
    key: 'chains',
    title: 'Chains',
    words:
      'Six hundred chains follow the score and are shaken at every step. Turn step size and temperature: too small crawls, too large is wrong, and far modes are never crossed.',
    build(s) {
      const [play] = s.buttons(
        ['Run', () => 0, 'main'],
        [
          'From the start',
          () => {
            xs = null;
            s.changed();
          },
        ],
      );
      s.slider('step', { label: 'Step size ε', log: true });
      s.slider('temperature', { label: 'Temperature', step: 0.05 });
      s.choice('start', {
        label: 'All chains start',
        options: [
          ['left', 'left'],
          ['middle', 'in the middle'],
          ['wide', 'spread out'],
        ],
      });
      s.tick('corrected', { label: 'Accept or refuse each step (Metropolis)' });
      s.slider('gap', { label: 'Distance of the modes', step: 0.1 });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('width', { label: 'Width of each mode', step: 0.05 });
      const numbers = s.numbers([
          ['steps', 'Steps', ''],
          ['left', 'Chains on the left', '', 'p'],
          ['truth', 'It should be', ''],
          ['wrong', 'Error now', 'total variation', 'r'],
          ['end', 'Error in the end', 'of this step size', 'q'],
          ['taken', 'Steps accepted', ''],
        ]),
        status = s.status();
      const plot = s.plot({
        title: 'Where the chains are',
        note: 'orange: density, blue: chains, dashed: where they end',
        x: [-7, 7],
        y: [0, 0.6],
        tall: 240,
        names: ['x', ''],
      });
      const trace = s.plot({
        title: 'Eight of them, by step',
        x: [0, 300],
        y: [-7, 7],
        tall: 210,
        names: ['steps', 'x'],
      });
      const formula = s.formula(
        '*x* ← *x* + ε ∇ log *p*(*x*) + √(2 ε τ) · noise = *x* + {step} · score + {spread} · noise',
      );
      let xs = null,
        key = '',
        rng = M.random(1),
        count = 0,
        kept = [],
        taken = 1,
        end = null;
      const N = 600;
      const loop = s.loop(
        () => {
          const d = target(s.state);
          for (let k = 0; k < 2; k++) {
            taken = L.move(
              d,
              xs,
              s.state.step,
              s.state.temperature,
              rng,
              s.state.corrected === 'yes',
            );
            count++;
            kept.push(xs.slice(0, 8));
          }
          if (kept.length > 300) kept = kept.slice(-300);
        },
        play,
        ['Run', 'Pause'],
      );
      s.reset = () => {
        xs = null;
      };
      const places = M.grid(-7, 7, 211);
      return () => {
        const { gap, weight, width, step, temperature, start, seed, corrected } = s.state,
          d = target(s.state),
          from = `${start},${seed}`,
          now = [gap, weight, width, step, temperature, corrected].join();
        if (!xs || from !== key) {
          key = from;
          rng = M.random(seed);
          count = 0;
          kept = [];
          xs = Float64Array.from({ length: N }, () =>
            start === 'left'
              ? -gap / 2 + 0.1 * rng.normal()
              : start === 'middle'
                ? 0.05 * rng.normal()
                : 12 * rng.uniform() - 6,
          );
        }
        if (!end || end.now !== now) {
          end = { now };
          if (corrected === 'yes' || temperature <= 0) end.p = null;
          else {
            const r = L.endDensity(d, step, temperature, -7, 7, 113, 80),
              h = r.xs[1] - r.xs[0];
            end.xs = r.xs;
            end.p = r.p;
            end.error = L.variation(
              Array.from(r.p, v => v * h),
              Array.from(r.xs, x => L.density(d, x) * h),
            );
          }
        }
        const bins = 56,
          counts = M.histogram(xs, -7, 7, bins).map(c => c / N),
          wide = 14 / bins,
          ys = Array.from(places, x => L.density(d, x));
        const masses = Array.from({ length: bins }, (_, k) => {
          const x = -7 + (k + 0.5) * wide;
          return (
            ((L.density(d, x - wide / 3) + L.density(d, x) + L.density(d, x + wide / 3)) / 3) * wide
          );
        });
        plot.y = [0, 1.25 * Math.max(0.2, ...ys)];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.bars(
              -7,
              wide,
              counts.map(c => c / wide),
              'q',
              { alpha: 0.5, part: 0.96 },
            );
            pen.line(places, ys, 'p', { width: 2.4 });
            if (end.p) pen.line(end.xs, end.p, 'ink', { width: 1.6, dash: [5, 4] });
          });
        });
        const first = count - kept.length,
          ticks = kept.map((_, k) => first + k);
        trace.x = [first, first + 300];
        trace.draw(pen => {
          pen.axes();
          pen.clip(() => {
            for (let r = 0; r < 8; r++)
              pen.line(
                ticks,
                kept.map(k => k[r]),
                ['q', 'r', 's', 'p'][r % 4],
                { width: 1, alpha: 0.7 },
              );
          });
        });
        const left = xs.reduce((t, x) => t + (x < 0), 0) / N,
          runaway = xs.some(x => Math.abs(x) > 50);
        numbers({
          steps: String(count),
          left,
          truth:
            1 -
            (weight * (1 - M.normalCdf(0, -gap / 2, width)) +
              (1 - weight) * (1 - M.normalCdf(0, gap / 2, width))),
          wrong: Math.min(1, L.variation(counts, masses) + 0.5 * (1 - M.sum(counts))),
          end: end.p ? end.error : corrected === 'yes' ? 0 : NaN,
          taken: corrected === 'yes' ? taken : '–',
        });
        formula({ step: String(step), spread: Math.sqrt(2 * step * temperature) });
        status(
          runaway
            ? 'The step is so large that chains run away.'
            : temperature === 0
              ? 'Without noise this is gradient ascent: every chain ends on top of a mode.'
              : temperature !== 1
                ? 'At another temperature than 1 the chains follow p to the power 1 / temperature.'
                : corrected === 'yes'
                  ? 'With acceptance the density is right at every step size, but large steps are nearly always refused.'
                  : end.error > 0.08
                    ? 'This step size is too large: the chains end in another density (dashed).'
                    : step < 0.004
                      ? 'This step size crawls: it takes thousands of steps to cross one mode.'
                      : gap / width > 5.5 && start === 'left'
                        ? 'Each mode is sampled well, but the chains do not cross: the error stays.'
                        : 'The chains follow p.',
        );
        plot.say(`Histogram of the chains; ${s.words(left, 2)} of them are on the left`);
      };
    },
  };

  const annealed = {
    key: 'annealed',
    title: 'Annealing',
    words:
      'The same points, left without and right with noise levels: first follow the score of a very noisy density, then of less and less noisy ones.',
    build(s) {
      const [play] = s.buttons(
        ['Run', () => 0, 'main'],
        [
          'From the start',
          () => {
            points = null;
            s.changed();
          },
        ],
      );
      s.choice('place', {
        label: 'Density',
        options: [
          ['two', 'two modes, 4 to 1'],
          ['ring', 'a ring of eight'],
          ['five', 'five, one is larger'],
        ],
      });
      s.slider('many', { label: 'Noise levels', step: 1, whole: true });
      s.slider('each', { label: 'Steps at each level', step: 1, whole: true });
      s.slider('rate', { label: 'Step size, as a part of the variance' });
      s.text(
        'At a high noise level the modes melt into one hill that any chain crosses. As the level falls each point is already in the right valley. Diffusion models are made of this idea.',
      );
      const numbers = s.numbers([
          ['level', 'Noise level now', '', 'q'],
          ['steps', 'Steps', 'the same for both'],
          ['without', 'Error without', 'of the shares of the modes', 'r'],
          ['with', 'Error with', 'of the shares of the modes', 'q'],
        ]),
        status = s.status(),
        row = s.row(300);
      const plain = s.plot(
        {
          title: 'Without noise levels',
          x: [-6, 6],
          y: [-6, 6],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const noisy = s.plot(
        {
          title: 'With noise levels',
          note: 'arrows: the score at this level',
          x: [-6, 6],
          y: [-6, 6],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const formula = s.formula(
        'σ_1 > … > σ_n: *x* ← *x* + ε_i ∇ log *p*_{σ_i}(*x*) + √(2 ε_i) · noise,   now σ = {sigma}, ε = {step}',
      );
      let points = null,
        key = '',
        step = 0,
        rng = M.random(5);
      const N = 400,
        total = () => Math.round(s.state.many) * Math.round(s.state.each);
      const plan = () => L.levels(6, 0.05, Math.round(s.state.many));
      const now = () =>
        plan()[Math.min(Math.round(s.state.many) - 1, Math.floor(step / Math.round(s.state.each)))];
      const loop = s.loop(
        () => {
          if (step >= total()) {
            points = null;
            return true;
          }
          const scene = L.SCENES[s.state.place],
            sigma = now();
          L.planeMove(scene, points.ax, points.ay, 0, L.stepFor(scene, 0, s.state.rate), 1, rng);
          L.planeMove(
            scene,
            points.bx,
            points.by,
            sigma,
            L.stepFor(scene, sigma, s.state.rate),
            1,
            rng,
          );
          step++;
          return step < total();
        },
        play,
        ['Run', 'Pause'],
      );
      s.reset = () => {
        points = null;
      };
      return () => {
        const { place, seed, many, each, rate } = s.state,
          from = [place, seed, many, each, rate].join(),
          scene = L.SCENES[place];
        if (!points || from !== key) {
          key = from;
          step = 0;
          rng = M.random(seed + 4);
          // All start in one small cloud, off centre.
          const ax = Float64Array.from({ length: N }, () => -2.2 + 0.4 * rng.normal()),
            ay = Float64Array.from({ length: N }, () => 1.2 + 0.4 * rng.normal());
          points = { ax, ay, bx: ax.slice(), by: ay.slice() };
        }
        const sigma = now(),
          n = 48;
        const shade = level => {
          const values = new Float64Array(n * n);
          let most = 0;
          for (let j = 0; j < n; j++)
            for (let i = 0; i < n; i++) {
              const v = L.planeDensity(
                scene,
                -6 + (12 * (i + 0.5)) / n,
                -6 + (12 * (j + 0.5)) / n,
                level,
              );
              values[j * n + i] = v;
              most = Math.max(most, v);
            }
          return values.map(v => 0.55 * Math.sqrt(v / most));
        };
        const still =
          plain.shadeOf === place
            ? plain.values
            : ((plain.shadeOf = place), (plain.values = shade(0)));
        plain.draw(pen => {
          pen.shade(still, n, n, 'p');
          pen.axes();
          pen.clip(() => pen.dots(points.ax, points.ay, 'r', { radius: 1.8, alpha: 0.8 }));
        });
        noisy.draw(pen => {
          pen.shade(shade(sigma), n, n, 'p');
          pen.axes();
          for (let j = -5; j <= 5; j += 2)
            for (let i = -5; i <= 5; i += 2) {
              const [gx, gy] = L.planeScore(scene, i, j, sigma),
                size = Math.hypot(gx, gy) || 1;
              pen.arrow(i, j, (0.75 * gx) / size, (0.75 * gy) / size, 's', { alpha: 0.7 });
            }
          pen.clip(() => pen.dots(points.bx, points.by, 'q', { radius: 1.8, alpha: 0.8 }));
        });
        const error = (x, y) => L.variation(L.shares(scene, x, y), scene.weights);
        const v = { without: error(points.ax, points.ay), with: error(points.bx, points.by) };
        numbers({ level: sigma, steps: `${step} of ${total()}`, ...v });
        formula({ sigma, step: L.stepFor(scene, sigma, rate) });
        status(
          step === 0
            ? 'Press Run. All points start in the same small cloud.'
            : step >= total()
              ? `Done: without levels ${s.words(100 * v.without, 0)} % of the points are in the wrong mode, with levels ${s.words(100 * v.with, 0)} %.`
              : '',
        );
      };
    },
  };
  return { state, scenes: [field, chains, annealed] };
})();
