IDEAS.views.diffusion = (() => {
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    schedule: one('linear', 'cosine', 'even'),
    t: number(0.3, 0.001, 1),
    w: number(0.3, 0.05, 0.95),
    T: number(10, 2, 1000),
    xt: number(0.6, -3, 3),
    x0: number(1, -1.5, 1.5),
    K: number(8, 1, 60),
    noise: number(0, 0, 1),
    seed: number(1, 1, 9999),
  };
  const SCHEDULES = [
    ['linear', 'linear β'],
    ['cosine', 'cosine'],
    ['even', 'equal angles'],
  ];
  const fine = {};
  const curve = schedule => (fine[schedule] ??= D.abar(schedule, 400));
  const level = (schedule, t) => {
    const c = curve(schedule),
      at = t * 400,
      k = Math.min(399, Math.floor(at));
    return M.clamp(c[k] + (at - k) * (c[k + 1] - c[k]), 1e-6, 1 - 1e-6);
  };
  // The marginal at every t as a picture, columns t, rows x.
  const field = (schedule, w) => {
    const n = 90,
      m = 70,
      values = new Float64Array(n * m);
    for (let i = 0; i < n; i++) {
      const a = level(schedule, (i + 0.5) / n);
      let most = 0;
      for (let j = 0; j < m; j++) {
        const v = D.marginal(-3 + (6 * (j + 0.5)) / m, a, w);
        values[j * n + i] = v;
        most = Math.max(most, v);
      }
      for (let j = 0; j < m; j++) values[j * n + i] = 0.75 * Math.sqrt(values[j * n + i] / most);
    }
    return [values, n, m];
  };
  const time = (s, plot, y) =>
    plot.handle({
      name: 'Time t',
      tone: 'p',
      axis: 'x',
      step: [0.01, 0],
      at: () => [s.state.t, y()],
      move: x => s.set({ t: +x.toFixed(3) }),
      say: () => `t = ${s.state.t.toFixed(2)}`,
      range: () => [s.state.t, 0, 1],
    });

  const forward = {
    key: 'forward',
    title: 'Forward',
    words:
      'Data are two points, −1 and +1. Noise is mixed in, more at every step, until nothing of them is left. Slide the time.',
    build(s) {
      s.slider('t', { label: 'Time t, as a part of all steps', step: 0.005 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.buttons(['New paths', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'One jump from x₀ to any t has the same distribution as all the small steps: that is why training can pick its noise level at random.',
      );
      const numbers = s.numbers([
        ['a', 'ᾱ, signal kept', '', 'p'],
        ['m', '√ᾱ, factor of x₀', ''],
        ['s', '√(1 − ᾱ), noise', '', 'q'],
        ['snr', 'Signal to noise', 'ᾱ / (1 − ᾱ)'],
      ]);
      const map = s.plot({
        title: 'xₜ against time',
        note: 'shade: density; lines: paths of single points',
        x: [0, 1],
        y: [-3, 3],
        tall: 230,
        names: ['t', ''],
      });
      time(s, map, () => -2.9);
      const row = s.row(330),
        plot = s.plot(
          {
            title: 'At this time',
            note: 'dashed: given each x₀',
            x: [-3, 3],
            y: [0, 1],
            tall: 190,
            names: ['xₜ', ''],
          },
          row,
        );
      const curves = s.plot(
        {
          title: 'Schedules',
          note: 'ᾱ; the chosen one is thick',
          x: [0, 1],
          y: [0, 1.02],
          tall: 190,
          names: ['t', ''],
        },
        row,
      );
      const formula = s.formula('*q*(*x*_t | *x*_0) = N(√ᾱ *x*_0, 1 − ᾱ) = N({m} *x*_0, {v})');
      let key = '',
        kept;
      const xs = M.grid(-3, 3, 241);
      return () => {
        const { t, schedule, w, seed } = s.state,
          a = level(schedule, t),
          now = `${schedule},${w},${seed}`;
        if (now !== key) {
          key = now;
          kept = {
            field: field(schedule, w),
            paths: D.forward(
              schedule,
              200,
              Array.from({ length: 8 }, (_, k) => ((k + 0.5) / 8 < w ? -1 : 1)),
              seed,
            ),
          };
        }
        map.draw(pen => {
          pen.shade(...kept.field, 'p');
          pen.axes();
          pen.clip(() => {
            for (let k = 0; k < 8; k++)
              pen.line(
                kept.paths.map((_, i) => i / 200),
                kept.paths.map(p => p[k]),
                'q',
                { width: 1, alpha: 0.65 },
              );
          });
          pen.rule(t, 'ink');
        });
        const m = Math.sqrt(a),
          sd = Math.sqrt(1 - a),
          ys = Array.from(xs, x => D.marginal(x, a, w));
        plot.y = [0, Math.min(4, 1.15 * Math.max(0.45, ...ys))];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.area(xs, ys, 'p');
            pen.line(xs, ys, 'p');
            pen.line(
              xs,
              Array.from(xs, x => w * M.normalPdf(x, -m, sd)),
              's',
              { dash: [5, 4], width: 1.4 },
            );
            pen.line(
              xs,
              Array.from(xs, x => (1 - w) * M.normalPdf(x, m, sd)),
              's',
              { dash: [5, 4], width: 1.4 },
            );
          });
        });
        const ts = M.grid(0, 1, 401);
        curves.draw(pen => {
          pen.axes();
          for (const name of D.SCHEDULES)
            pen.line(ts, curve(name), name === schedule ? 'p' : 's', {
              width: name === schedule ? 2.8 : 1.3,
              dash: name === schedule ? [] : [5, 4],
            });
          pen.dots([t], [a], 'p', { radius: 5 });
        });
        numbers({ a, m, s: sd, snr: a / (1 - a) });
        formula({ m, v: 1 - a });
        map.say(`Density of xₜ against time; at t ${t} the signal's part is ${s.words(a)}`);
      };
    },
  };

  const backward = {
    key: 'back',
    title: 'One step back',
    words:
      'Known: where xₜ is. With x₀ known too, the step back is a normal. Without it, it is a mixture: which point was it?',
    build(s) {
      s.slider('T', { label: 'Steps in all', log: true, whole: true });
      s.slider('t', { label: 'Time t, as a part of all steps', step: 0.005 });
      s.slider('xt', { label: 'xₜ', step: 0.02 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.text(
        'With many steps the true step back is nearly a normal, which is all a diffusion model can say. With few it has two humps, and a normal in the middle hits neither.',
      );
      const numbers = s.numbers([
        ['beta', 'β of this step', ''],
        ['p', 'x₀ was +1', 'probability', 'p'],
        ['x0', 'Best guess of x₀', 'E[x₀ | xₜ]', 'q'],
        ['mean', 'Mean of the step back', 'with that guess', 'q'],
        ['sd', 'Its width, √β̃', ''],
        ['true', 'Width in truth', 'of the mixture', 's'],
      ]);
      const plot = s.plot({
        title: 'Where x was a step before',
        note: 'orange: if x₀ = +1, purple: if −1, black: in truth, blue: normal with the best guess',
        x: [-3, 3],
        y: [0, 2],
        tall: 280,
        names: ['x one step before', ''],
      });
      plot.handle({
        name: 'xₜ',
        tone: 'ink',
        axis: 'x',
        step: [0.05, 0],
        at: () => [s.state.xt, 0],
        move: x => s.set({ xt: +x.toFixed(3) }),
        say: () => `xₜ = ${s.state.xt.toFixed(2)}`,
        range: () => [s.state.xt, -3, 3],
      });
      const formula = s.formula(
        'μ̃ = [[√ᾱ_{t−1} β_t|1 − ᾱ_t]] *x*_0 + [[√α_t (1 − ᾱ_{t−1})|1 − ᾱ_t]] *x*_t = {c0} · *x*_0 + {ct} · *x*_t,   β̃ = [[1 − ᾱ_{t−1}|1 − ᾱ_t]] β_t = {v}',
      );
      const xs = M.grid(-3, 3, 361);
      return () => {
        const { schedule, t, T, xt, w } = s.state,
          n = Math.round(T),
          levels = D.abar(schedule, n),
          k = M.clamp(Math.round(t * n), 1, n),
          a = levels[k],
          b = Math.min(levels[k - 1], 1);
        const p = D.plus(xt, a, w),
          guess = 2 * p - 1,
          last = k === 1;
        const [m1, sd] = D.back(1, xt, a, b),
          [m2] = D.back(-1, xt, a, b),
          [m] = D.back(guess, xt, a, b),
          width = Math.max(sd, 0.012);
        const truth = Array.from(
          xs,
          x => p * M.normalPdf(x, m1, width) + (1 - p) * M.normalPdf(x, m2, width),
        );
        plot.y = [0, 1.15 * Math.max(...truth, M.normalPdf(0, 0, width) * 0.6)];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            const parts = [
              [m1, p, 'p'],
              [m2, 1 - p, 'r'],
            ];
            for (const [c, q, tone] of parts) {
              const ys = Array.from(xs, x => q * M.normalPdf(x, c, width));
              pen.area(xs, ys, tone, { alpha: 0.3 });
              pen.line(xs, ys, tone, { width: 1.4 });
            }
            pen.line(xs, truth, 'ink', { width: 2 });
            pen.line(
              xs,
              Array.from(xs, x => M.normalPdf(x, m, width)),
              'q',
              { width: 2, dash: [6, 4] },
            );
          });
          pen.rule(xt, 'soft', { text: 'xₜ' });
        });
        numbers({
          beta: 1 - a / b,
          p,
          x0: guess,
          mean: m,
          sd,
          true: Math.sqrt(sd * sd + p * (1 - p) * (m1 - m2) ** 2),
        });
        formula({
          c0: (Math.sqrt(b) * (1 - a / b)) / (1 - a),
          ct: (Math.sqrt(a / b) * (1 - b)) / (1 - a),
          v: sd * sd,
        });
        plot.note(
          last
            ? 'the last step: x₀ itself'
            : `step ${k} of ${n}; orange: if x₀ = +1, purple: if −1, black: in truth, blue: normal with the best guess`,
        );
      };
    },
  };

  const views = {
    key: 'views',
    title: 'ε, x₀ and v',
    words:
      'A network may be asked for the noise ε, the clean x₀, or v. Given xₜ each gives the others. Move the guess of x₀ along the line that xₜ allows.',
    build(s) {
      s.slider('t', { label: 'Time t', step: 0.005 });
      s.slider('xt', { label: 'xₜ', step: 0.02 });
      s.slider('x0', { label: 'Guess of x₀', step: 0.02 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.buttons([
        'The best guess',
        () => s.set({ x0: D.denoised(s.state.xt, level(s.state.schedule, s.state.t), s.state.w) }),
      ]);
      s.text(
        'xₜ and v are x₀ and ε, turned by an angle that grows with t. At small t an error in ε hardly moves x₀; at large t a tiny one throws it far.',
      );
      const numbers = s.numbers([
        ['x0', 'x₀', 'clean', 'p'],
        ['eps', 'ε', 'noise', 'q'],
        ['v', 'v', '√ᾱ ε − √(1 − ᾱ) x₀', 'r'],
        ['angle', 'Angle', 'degrees'],
        ['ee', 'Error 0.1 in ε', 'is this in x₀', 'q'],
        ['ev', 'Error 0.1 in v', 'is this in x₀', 'r'],
      ]);
      const row = s.row(330);
      const plane = s.plot(
        {
          title: 'x₀ and ε',
          note: 'every point of the line gives the same xₜ',
          x: [-2.6, 2.6],
          y: [-2.6, 2.6],
          tall: 340,
          square: true,
          names: ['x₀', 'ε'],
        },
        row,
      );
      const curves = s.plot(
        {
          title: 'Error in x₀ from an error of 1',
          note: 'blue: in ε, purple: in v, orange: in x₀',
          x: [0, 1],
          y: [-2, 2],
          tall: 340,
          log: 'y',
          names: ['t', ''],
        },
        row,
      );
      plane.handle({
        name: 'Guess of x₀',
        tone: 'p',
        axis: 'x',
        step: [0.05, 0],
        at: () => {
          const a = level(s.state.schedule, s.state.t);
          return [s.state.x0, M.clamp(D.views(s.state.xt, s.state.x0, a).eps, -2.6, 2.6)];
        },
        move: x => s.set({ x0: +x.toFixed(3) }),
        say: () => `x₀ = ${s.state.x0.toFixed(2)}`,
        range: () => [s.state.x0, -1.5, 1.5],
      });
      time(s, curves, () => 10 ** -1.95);
      const formula = s.formula(
        '*x*_t = √ᾱ *x*_0 + √(1 − ᾱ) ε = {m} · {x0} + {sd} · {eps} = {xt},   *v* = {m} · {eps} − {sd} · {x0} = {v}',
      );
      const ts = M.grid(0.004, 0.996, 200);
      return () => {
        const { t, xt, x0, schedule } = s.state,
          a = level(schedule, t),
          m = Math.sqrt(a),
          sd = Math.sqrt(1 - a),
          v = D.views(xt, x0, a);
        plane.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line([-3, 3], [(xt + 3 * m) / sd, (xt - 3 * m) / sd], 'ink', {
              width: 1.6,
              dash: [6, 4],
            });
            pen.ellipse(0, 0, 1, 1, 0, 's', { width: 1 });
            // The turned axes: x_t along (m, sd), v along (-sd, m).
            pen.arrow(0, 0, 1.6 * m, 1.6 * sd, 'ink', { width: 2, head: 7 });
            pen.arrow(0, 0, -1.6 * sd, 1.6 * m, 'r', { width: 2, head: 7 });
            pen.text('xₜ', 1.75 * m, 1.75 * sd, 'ink');
            pen.text('v', -1.75 * sd, 1.75 * m, 'r');
            pen.line([x0, x0], [0, v.eps], 'q', { width: 1.2 });
            pen.line([0, x0], [v.eps, v.eps], 'p', { width: 1.2 });
          });
        });
        curves.draw(pen => {
          pen.axes();
          const rates = Array.from(ts, u => D.exchange(level(schedule, u)));
          pen.clip(() => {
            pen.line(
              ts,
              rates.map(() => 1),
              'p',
            );
            pen.line(
              ts,
              rates.map(r => 1 / r.eps),
              'q',
              { width: 2.4 },
            );
            pen.line(
              ts,
              rates.map(r => 1 / r.v),
              'r',
              { width: 2.4 },
            );
          });
          pen.rule(t, 'soft');
        });
        const r = D.exchange(a);
        numbers({
          ...v,
          angle: (Math.atan2(sd, m) * 180) / Math.PI,
          ee: 0.1 / r.eps,
          ev: 0.1 / r.v,
        });
        formula({ m, sd, xt, ...v });
      };
    },
  };

  const best = {
    key: 'best',
    title: 'The best denoiser',
    words:
      'With two data points the best possible denoiser is known at every level. Draw with it: in one step, in eight, in sixty; with noise or without.',
    build(s) {
      s.slider('K', { label: 'Steps of the sampler', step: 1, whole: true });
      s.slider('noise', { label: 'Noise added back (0: DDIM, 1: ancestral)' });
      s.slider('t', { label: 'Level that is looked at, t', step: 0.005 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.buttons(['New noise', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'At high noise the best guess is the mean of all data, at low noise the nearest point. One step from pure noise therefore always gives the mean: a blur.',
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
        'E[*x*_0 | *x*_t] = tanh( [[√ᾱ *x*_t|1 − ᾱ]] + ½ log [[1 − *w*|*w*]] ) = {guess} at *x*_t = 0.5,   score = [[√ᾱ E[*x*_0|*x*_t] − *x*_t//1 − ᾱ]] = {score}',
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
  };
  return { state, scenes: [forward, backward, views, best] };
})();
