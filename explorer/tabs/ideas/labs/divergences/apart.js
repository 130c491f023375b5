{
  const D = IDEAS.divergences,
    M = IDEAS.maths,
    { ROWS } = IDEAS.views.divergences;
  const pair = (shape, d) =>
    shape === 'boxes'
      ? [
          D.curve([-d / 2], [30], [1], -d / 2 - 0.5, -d / 2 + 0.5),
          D.curve([d / 2], [30], [1], d / 2 - 0.5, d / 2 + 0.5),
        ]
      : [D.curve([-d / 2], [0.4]), D.curve([d / 2], [0.4])];

  IDEAS.views.divergences.scenes.push({
    key: 'apart',
    title: 'Slide apart',
    words: 'Slide the two apart, and watch what each measure still notices.',
    build(s) {
      s.choice('shape', {
        label: 'Shape',
        options: [
          ['boxes', 'Boxes of width 1'],
          ['normals', 'Normals, width 0.4'],
        ],
      });
      s.slider('apart', { label: 'Distance between them' });
      s.text(
        'A slope of zero is a gradient of zero: a model that is trained by such a measure ' +
          'learns nothing about the way to go.',
      );
      const plot = s.plot({
        title: 'p and q',
        x: [-4, 4],
        y: [0, 1.3],
        tall: 150,
        names: ['x', ''],
      });
      plot.handle({
        name: 'Distance between p and q',
        tone: 'q',
        axis: 'x',
        step: [0.05, 0],
        at: () => [s.state.apart / 2, s.state.shape === 'boxes' ? 1 : 0.997],
        move: x => s.set({ apart: +(2 * x).toFixed(3) }),
        say: () => `distance ${s.state.apart.toFixed(2)}`,
        range: () => [s.state.apart, 0, 6],
      });
      const numbers = s.numbers(ROWS);
      const row = s.row(250),
        tops = { kl: 40, reverse: 40, js: 0.8, tv: 1.15, w1: 6.2, mmd: 1.5 };
      const small = ROWS.map(([k, title]) => [
        k,
        s.plot({ title, x: [0, 6], y: [0, tops[k]], tall: 130, names: ['distance', ''] }, row),
      ]);
      const formula = s.formula(
        'slope at this distance: JS {js}, total variation {tv}, MMD {mmd}, Wasserstein-1 {w1}',
      );
      const ds = M.grid(0, 6, 121),
        kept = {};
      const along = shape =>
        (kept[shape] ??= Object.fromEntries(
          D.NAMES.map(k => [k, Array.from(ds, d => D.measure[k](...pair(shape, d)))]),
        ));
      const xs = M.grid(-4, 4, 321);
      return () => {
        const { shape, apart: d } = s.state,
          [p, q] = pair(shape, d),
          v = D.ofCurves(p, q),
          lines = along(shape);
        plot.draw(pen => {
          pen.axes();
          for (const [one, tone] of [
            [p, 'p'],
            [q, 'q'],
          ]) {
            const ys = Array.from(xs, x => D.density(one, x));
            pen.area(xs, ys, tone, { alpha: 0.25 });
            pen.line(xs, ys, tone);
          }
        });
        for (const [k, one] of small) {
          one.draw(pen => {
            pen.axes();
            pen.clip(() =>
              pen.line(
                ds,
                lines[k].map(y => (y === Infinity ? NaN : y)),
                'ink',
              ),
            );
            pen.rule(d, 'q');
            if (v[k] === Infinity) pen.text('∞', d + 0.1, tops[k] * 0.5, 'ink');
            else pen.dots([d], [v[k]], 'q', { radius: 5 });
          });
          one.note(v[k] === Infinity ? 'infinite' : '');
        }
        const slope = k => {
          const a = Math.max(0, d - 1e-3),
            b = Math.min(6, d + 1e-3);
          return (D.measure[k](...pair(shape, b)) - D.measure[k](...pair(shape, a))) / (b - a);
        };
        numbers(v);
        formula({ js: slope('js'), tv: slope('tv'), mmd: slope('mmd'), w1: slope('w1') });
      };
    },
  });
}
