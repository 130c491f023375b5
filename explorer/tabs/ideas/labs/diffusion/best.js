{
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { SCHEDULES, level, field, time } = IDEAS.views.diffusion;

  IDEAS.views.diffusion.scenes.push({
    key: 'best',
    title: 'The best denoiser',
    words:
      'With two data points the best possible denoiser is known at every level. Draw with ' +
      'it: in one step, in eight, in sixty; with noise or without.',
    build(s) {
      s.slider('K', { label: 'Steps of the sampler', step: 1, whole: true });
      s.slider('noise', { label: 'Noise added back (0: DDIM, 1: ancestral)' });
      s.slider('t', { label: 'Level that is looked at, t', step: 0.005 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.buttons(['New noise', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'At high noise the best guess is the mean of all data, at low noise the nearest ' +
          'point. One step from pure noise therefore always gives the mean: a blur.',
      );
      const numbers = s.numbers([
        ['guess', 'E[x₀ | xₜ = 0.5]', 'at this level', 'q'],
        ['error', 'Least error of x₀', 'mean squared, at this level', 'r'],
        ['left', 'Samples at −1', 'of 300', 'p'],
        ['truth', 'It should be', ''],
        ['off', 'Off both points', 'by more than 0.2'],
      ]);
      const map = s.plot({
        title: 'Sampling',
        note: 'from noise (right) to data (left); shade: true density',
        x: [0, 1],
        y: [-3, 3],
        tall: 240,
        names: ['t', ''],
      });
      time(s, map, () => -2.9);
      const row = s.row(330),
        plot = s.plot(
          {
            title: 'Best guess of x₀ by xₜ',
            note: 'thin: other levels',
            x: [-3, 3],
            y: [-1.15, 1.15],
            tall: 190,
            names: ['xₜ', ''],
          },
          row,
        );
      const errors = s.plot(
        {
          title: 'Least error by level',
          note: 'of x₀, and of ε (blue)',
          x: [0, 1],
          y: [0, 1.05],
          tall: 190,
          names: ['t', ''],
        },
        row,
      );
      const formula = s.formula(
        'E[*x*_0 | *x*_t] = tanh( [[√ᾱ *x*_t|1 − ᾱ]] + ½ log [[1 − *w*|*w*]] ) = {guess} at ' +
          '*x*_t = 0.5,   score = [[√ᾱ E[*x*_0|*x*_t] − *x*_t//1 − ᾱ]] = {score}',
      );
      let key = '',
        kept;
      const xs = M.grid(-3, 3, 181),
        ts = M.grid(0.005, 1, 80);
      return () => {
        const { schedule, w, K, noise, seed, t } = s.state,
          now = [schedule, w, K, noise, seed].join();
        if (now !== key) {
          const same = kept && kept.of === `${schedule},${w}`;
          key = now;
          kept = {
            of: `${schedule},${w}`,
            field: same ? kept.field : field(schedule, w),
            errors: same ? kept.errors : Array.from(ts, u => D.leastError(level(schedule, u), w)),
            run: D.sample(schedule, Math.round(K), w, noise, 300, seed),
          };
        }
        const a = level(schedule, t),
          { path } = kept.run,
          steps = path.map((_, k) => 1 - k / (path.length - 1)),
          ends = path.at(-1);
        map.draw(pen => {
          pen.shade(...kept.field, 'p');
          pen.axes();
          pen.clip(() => {
            for (let k = 0; k < 40; k++)
              pen.line(
                steps,
                path.map(p => p[k]),
                'q',
                { width: 1, alpha: 0.5 },
              );
            pen.dots(
              Array.from(ends.slice(0, 40), () => 0),
              ends.slice(0, 40),
              'q',
              { radius: 3 },
            );
          });
          pen.rule(t, 'ink');
        });
        plot.draw(pen => {
          pen.axes();
          for (const u of [0.05, 0.2, 0.4, 0.6, 0.8, 1])
            pen.line(
              xs,
              Array.from(xs, x => D.denoised(x, level(schedule, u), w)),
              's',
              { width: 1, alpha: 0.6 },
            );
          pen.line(
            xs,
            Array.from(xs, x => D.denoised(x, a, w)),
            'q',
            { width: 2.6 },
          );
        });
        errors.draw(pen => {
          pen.axes();
          pen.line(ts, kept.errors, 'r', { width: 2.4 });
          pen.line(
            ts,
            kept.errors.map((e, i) => {
              const b = level(schedule, ts[i]);
              return (e * b) / (1 - b);
            }),
            'q',
            { width: 2 },
          );
          pen.rule(t, 'soft');
        });
        const guess = D.denoised(0.5, a, w),
          left = ends.filter(x => x < 0).length;
        numbers({
          guess,
          error: D.leastError(a, w),
          left: String(left),
          truth: String(Math.round(300 * w)),
          off: String(ends.filter(x => Math.abs(Math.abs(x) - 1) > 0.2).length),
        });
        formula({ guess, score: D.score(0.5, a, w) });
      };
    },
  });
}
