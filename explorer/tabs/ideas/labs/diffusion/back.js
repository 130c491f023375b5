{
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { SCHEDULES } = IDEAS.views.diffusion;

  IDEAS.views.diffusion.scenes.push({
    key: 'back',
    title: 'One step back',
    words:
      'Known: where xₜ is. With x₀ known too, the step back is a normal. Without it, it is a ' +
      'mixture: which point was it?',
    build(s) {
      s.slider('T', { label: 'Steps in all', log: true, whole: true });
      s.slider('t', { label: 'Time t, as a part of all steps', step: 0.005 });
      s.slider('xt', { label: 'xₜ', step: 0.02 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.text(
        'With many steps the true step back is nearly a normal, which is all a diffusion ' +
          'model can say. With few it has two humps, and a normal in the middle hits neither.',
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
        note:
          'orange: if x₀ = +1, purple: if −1, black: in truth, ' +
          'blue: normal with the best guess',
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
        'μ̃ = [[√ᾱ_{t−1} β_t|1 − ᾱ_t]] *x*_0 + [[√α_t (1 − ᾱ_{t−1})|1 − ᾱ_t]] *x*_t = {c0} · ' +
          '*x*_0 + {ct} · *x*_t,   β̃ = [[1 − ᾱ_{t−1}|1 − ᾱ_t]] β_t = {v}',
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
            : `step ${k} of ${n}; orange: if x₀ = +1, purple: if −1, black: in truth, blue: ` +
                `normal with the best guess`,
        );
      };
    },
  });
}
