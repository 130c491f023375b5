{
  const O = IDEAS.overfitting,
    { index, penalty, common, plural, against, frame } = IDEAS.views.overfitting;

  IDEAS.views.overfitting.scenes.push({
    key: 'spread',
    title: 'Bias and variance',
    words:
      'The same fit on data drawn anew, again and again. How far is the average fit from the ' +
      'truth, and how far is each from the average?',
    build(s) {
      const [play] = s.buttons(['Draw data sets', () => 0, 'main']);
      common(s);
      s.text(
        'Simple models are wrong in the same way each time: bias. Complex ones are wrong in ' +
          'another way each time: variance. More points shrink the variance only.',
      );
      const numbers = s.numbers([
        ['count', 'Data sets', ''],
        ['bias', 'Bias²', 'at this complexity', 'q'],
        ['variance', 'Variance', 'at this complexity', 'r'],
        ['sum', 'Their sum', 'expected squared error', 'p'],
        ['best', 'Least sum at', ''],
      ]);
      const plot = s.plot({
        title: 'Thirty fits and their average',
        x: [-1, 1],
        y: [-2.6, 2.6],
        tall: 260,
        names: ['x', ''],
      });
      const curves = against(
        s,
        {
          title: 'Squared error by complexity',
          note: 'blue: bias², purple: variance, orange: sum',
          y: [0, 0.5],
          tall: 200,
        },
        s.stage,
      );
      const formula = s.formula(
        'E[(*f̂*(*x*) − *f*(*x*))^2] = (E *f̂* − *f*)^2 + Var *f̂* = {bias} + {variance} = {sum}',
      );
      let key = '',
        study = null,
        fits = {};
      const loop = s.loop(
        () => {
          const end = performance.now() + 7;
          do study.unit();
          while (performance.now() < end && study.count < 400);
          return study.count < 400;
        },
        play,
        ['Draw data sets', 'Pause'],
      );
      return () => {
        const { family, noise, seed } = s.state,
          n = Math.round(s.state.n),
          reg = penalty(s.state),
          k = index(s.state),
          { values } = O.FAMILIES[family];
        const now = `${family},${n},${noise},${seed},${reg}`;
        if (now !== key) {
          key = now;
          fits = {};
          study = O.study(family, n, noise, reg, seed);
          loop.start();
        }
        const at = O.xs(family),
          result = study.result();
        frame(s, plot);
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            const some = (fits[k] ??= Array(30).fill(null));
            s.fill(
              some,
              0,
              r =>
                Array.from(
                  at,
                  O.fit(family, O.draw(family, n, noise, seed * 10007 + r), values[k], reg),
                ),
              4,
            );
            for (const one of some) if (one) pen.line(at, one, 'r', { width: 1, alpha: 0.3 });
            pen.line(
              at,
              Array.from(at, x => O.truth(family, x)),
              's',
              { width: 2.2, dash: [6, 4] },
            );
            pen.line(at, study.average(k), 'q', { width: 2.4 });
          });
        });
        const xs = values.map((_, i) => i),
          sums = result.map(r => r.sum).filter(Number.isFinite),
          least = Math.min(1, ...sums);
        curves.x = [-0.4, values.length - 0.6];
        curves.y = [0, Math.max(0.02, Math.min(6 * least, 1.1 * Math.max(0.02, ...sums)))];
        curves.draw(pen => {
          pen.axes();
          pen.clip(() => {
            for (const [which, tone] of [
              ['bias', 'q'],
              ['variance', 'r'],
              ['sum', 'p'],
            ]) {
              const ys = result.map(r => r[which]);
              pen.line(xs, ys, tone, { width: which === 'sum' ? 3 : 2 });
              pen.dots(xs, ys, tone);
            }
          });
          pen.rule(k, 'soft');
        });
        const best = result.reduce((b, r, i) => (r.sum < (result[b]?.sum ?? Infinity) ? i : b), -1);
        numbers(
          { count: String(study.count), ...result[k], best: best < 0 ? '–' : String(values[best]) },
          { best: plural[family] },
        );
        formula(result[k]);
      };
    },
  });
}
