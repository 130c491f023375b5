{
  const R = IDEAS.reparametrisation,
    M = IDEAS.maths,
    { KINDS, FUNCTIONS } = IDEAS.views.reparametrisation;
  const landscape = (s, place) => {
    const plot = s.plot(
      { title: 'f(x) and the samples', x: [-4, 5], y: [-12, 2], tall: 220, names: ['x', ''] },
      place,
    );
    const range = { hill: [-14, 2], high: [-4, 12], waves: [-4, 2], step: [-0.2, 1.4] };
    return {
      plot,
      draw(extra) {
        const xs = M.grid(-4, 5, 361),
          { f } = R.FUNCTIONS[s.state.f],
          y = range[s.state.f];
        plot.y = y;
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            const bell = Array.from(
              xs,
              x =>
                y[0] +
                (0.5 * (y[1] - y[0]) * M.normalPdf(x, s.state.m, s.state.s)) /
                  M.normalPdf(0, 0, s.state.s),
            );
            pen.area(xs, bell, 'q', { floor: y[0] });
            pen.line(xs, bell, 'q');
            pen.line(xs, Array.from(xs, f), 'ink', { width: 2.2 });
            extra?.(pen, y);
          });
        });
      },
    };
  };

  IDEAS.views.reparametrisation.scenes.push({
    key: 'gradient',
    title: 'One gradient',
    words:
      'The slope of E f(x) in the mean m of a normal, estimated in three ways. All three ' +
      'have the same mean. How much do they scatter?',
    build(s) {
      s.choice('f', { label: 'f is', options: FUNCTIONS });
      s.slider('m', { label: 'Mean m', step: 0.05 });
      s.slider('s', { label: 'Width', step: 0.02 });
      s.slider('T', { label: 'Samples in an estimate, T', log: true, whole: true });
      s.buttons(['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'The score function needs only values of f, so it works for steps, words and games. ' +
          'Reparametrisation uses the slope of f: where f has none, it is blind.',
      );
      const numbers = s.numbers([
          ['truth', 'Gradient, exact', 'dE f/dm'],
          ['score', 'σ, score function', 'of one estimate', 'r'],
          ['baseline', 'σ, with baseline', '', 'q'],
          ['reparametrised', 'σ, reparametrised', '', 'p'],
          ['ratio', 'Samples saved', 'variance ratio, first to last'],
        ]),
        status = s.status();
      const view = landscape(s, s.stage),
        row = s.row(230);
      view.plot.handle({
        name: 'Mean and width of x',
        tone: 'q',
        step: [0.05, 0],
        at: () => [s.state.m, (view.plot.y[0] + view.plot.y[1]) / 2],
        axis: 'x',
        move: x => s.set({ m: +x.toFixed(3) }),
        say: () => `m = ${s.state.m.toFixed(2)}`,
        range: () => [s.state.m, -3, 4],
      });
      const plots = R.ESTIMATORS.map(kind => [
        kind,
        s.plot(
          { title: KINDS[kind][0], x: [-5, 5], y: [0, 0.3], tall: 170, names: ['estimate', ''] },
          row,
        ),
      ]);
      const formula = s.formula(
        '∂_m E *f* = E [ *f*(*x*) [[*x* − *m*|*s*^2]] ] = E [ (*f*(*x*) − *b*) [[*x* − ' +
          '*m*|*s*^2]] ] = E *f*′(*m* + *s* ε) = {truth},   *b* = {b}',
      );
      return () => {
        const { f, m, s: w, seed } = s.state,
          T = Math.round(s.state.T),
          truth = R.gradient(f, m, w),
          all = R.ESTIMATORS.map(kind => R.moments(kind, f, m, w));
        const spread = Math.max(0.05, (3.5 * Math.max(...all.map(v => v.sd))) / Math.sqrt(T)),
          low = truth - spread,
          high = truth + spread,
          bins = 48;
        view.draw();
        let top = 0;
        const counts = R.ESTIMATORS.map(kind => {
          const c = M.histogram(
              R.estimates(kind, f, m, w, T, T > 20 ? 800 : 3000, seed),
              low,
              high,
              bins,
            ),
            n = T > 20 ? 800 : 3000;
          return c.map(v => v / n);
        });
        plots.forEach(([kind, plot], k) => {
          top = Math.min(0.6, 1.15 * Math.max(...counts[k], 0.02));
          plot.x = [low, high];
          plot.y = [0, top];
          plot.draw(pen => {
            pen.axes();
            pen.clip(() =>
              pen.bars(low, (high - low) / bins, counts[k], KINDS[kind][1], { alpha: 0.65 }),
            );
            pen.rule(truth, 'ink');
          });
          plot.note(`σ ${s.words(all[k].sd / Math.sqrt(T))}`);
        });
        numbers({
          truth,
          score: all[0].sd / Math.sqrt(T),
          baseline: all[1].sd / Math.sqrt(T),
          reparametrised: all[2].sd / Math.sqrt(T),
          ratio:
            f === 'step'
              ? '–'
              : all[2].sd > 0
                ? `${s.words((all[0].sd / all[2].sd) ** 2, 1)} ×`
                : '∞',
        });
        formula({ truth, b: R.bestBaseline(f, m, w) });
        status(
          f === 'step'
            ? `f is flat on both sides, so every reparametrised estimate is 0, while the ` +
                `gradient is ${s.words(truth)}: it is biased here.`
            : all[2].sd > all[0].sd
              ? 'Here f is so steep between samples that the score function scatters less.'
              : 'Reparametrisation scatters least: it knows the slope of f at each sample.',
        );
      };
    },
  });
}
