{
  const D = IDEAS.diffusion,
    M = IDEAS.maths,
    { SCHEDULES, curve, level, field, time } = IDEAS.views.diffusion;

  IDEAS.views.diffusion.scenes.push({
    key: 'forward',
    title: 'Forward',
    words:
      'Data are two points, −1 and +1. Noise is mixed in, more at every step, until nothing ' +
      'of them is left. Slide the time.',
    build(s) {
      s.slider('t', { label: 'Time t, as a part of all steps', step: 0.005 });
      s.choice('schedule', { label: 'Schedule', options: SCHEDULES });
      s.slider('w', { label: 'Weight of the point −1' });
      s.buttons(['New paths', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'One jump from x₀ to any t has the same distribution as all the small steps: that is ' +
          'why training can pick its noise level at random.',
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
  });
}
