{
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { SCHEDULES, level, time } = IDEAS.views.diffusion;

  IDEAS.views.diffusion.scenes.push({
    key: 'views',
    title: 'ε, x₀ and v',
    words:
      'A network may be asked for the noise ε, the clean x₀, or v. Given xₜ each gives the ' +
      'others. Move the guess of x₀ along the line that xₜ allows.',
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
        'xₜ and v are x₀ and ε, turned by an angle that grows with t. At small t an error in ' +
          'ε hardly moves x₀; at large t a tiny one throws it far.',
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
        '*x*_t = √ᾱ *x*_0 + √(1 − ᾱ) ε = {m} · {x0} + {sd} · {eps} = {xt},   *v* = {m} · ' +
          '{eps} − {sd} · {x0} = {v}',
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
  });
}
