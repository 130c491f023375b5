IDEAS.views.reparametrisation = (() => {
  const R = IDEAS.reparametrisation,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    f: one('hill', 'waves', 'step', 'high'),
    m: number(0.5, -3, 4),
    s: number(0.7, 0.1, 2),
    T: number(1, 1, 200),
    seed: number(1, 1, 9999),
    rate: number(0.05, 0.002, 0.5),
    start: number(-1.5, -3, 4),
  };
  const KINDS = {
    score: ['Score function', 'r'],
    baseline: ['With baseline', 'q'],
    reparametrised: ['Reparametrised', 'p'],
  };
  const FUNCTIONS = [
    ['hill', 'a hill'],
    ['high', 'the hill, 10 higher'],
    ['waves', 'waves'],
    ['step', 'a step'],
  ];
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
  const gradient = {
    key: 'gradient',
    title: 'One gradient',
    words:
      'The slope of E f(x) in the mean m of a normal, estimated in three ways. All three have the same mean. How much do they scatter?',
    build(s) {
      s.choice('f', { label: 'f is', options: FUNCTIONS });
      s.slider('m', { label: 'Mean m', step: 0.05 });
      s.slider('s', { label: 'Width', step: 0.02 });
      s.slider('T', { label: 'Samples in an estimate, T', log: true, whole: true });
      s.buttons(['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'The score function needs only values of f, so it works for steps, words and games. Reparametrisation uses the slope of f: where f has none, it is blind.',
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
        '∂_m E *f* = E [ *f*(*x*) [[*x* − *m*|*s*^2]] ] = E [ (*f*(*x*) − *b*) [[*x* − *m*|*s*^2]] ] = E *f*′(*m* + *s* ε) = {truth},   *b* = {b}',
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
            ? `f is flat on both sides, so every reparametrised estimate is 0, while the gradient is ${s.words(truth)}: it is biased here.`
            : all[2].sd > all[0].sd
              ? 'Here f is so steep between samples that the score function scatters less.'
              : 'Reparametrisation scatters least: it knows the slope of f at each sample.',
        );
      };
    },
  };
  const ascent = {
    key: 'ascent',
    title: 'An ascent',
    words:
      'Twenty runs climb E f from the same start by each estimator, with the same step size. The scatter of the gradient becomes the scatter of the runs.',
    build(s) {
      const [play] = s.buttons(
        ['Climb', () => 0, 'main'],
        [
          'Back to the start',
          () => {
            runs = null;
            loop.stop();
            s.changed();
          },
        ],
      );
      s.choice('f', { label: 'f is', options: FUNCTIONS });
      s.slider('start', { label: 'Start', step: 0.1 });
      s.slider('s', { label: 'Width', step: 0.02 });
      s.slider('T', { label: 'Samples in a step, T', log: true, whole: true });
      s.slider('rate', { label: 'Step size', log: true });
      s.text(
        'Adding 10 to f changes no gradient. It makes the score function useless, and the other two do not notice.',
      );
      const numbers = s.numbers([
        ['steps', 'Steps', ''],
        ['score', 'Spread, score function', 'of the 20 runs', 'r'],
        ['baseline', 'Spread, baseline', '', 'q'],
        ['reparametrised', 'Spread, reparametrised', '', 'p'],
        ['exact', 'With the exact gradient', 'm now'],
      ]);
      const row = s.row(230);
      const plots = R.ESTIMATORS.map(kind => [
        kind,
        s.plot(
          { title: KINDS[kind][0], x: [0, 200], y: [-4, 5], tall: 250, names: ['steps', 'm'] },
          row,
        ),
      ]);
      const formula = s.formula(
        '*m* ← *m* + {rate} · (estimate of ∂_m E *f*), E *f* at the exact *m*: {value}',
      );
      let runs = null,
        key = '',
        rng = M.random(1);
      const loop = s.loop(
        () => {
          const { f, s: w, rate } = s.state,
            T = Math.round(s.state.T);
          for (const kind of R.ESTIMATORS)
            runs[kind].push(R.ascend(kind, f, runs[kind].at(-1), w, T, rate, rng));
          runs.exact.push([
            Math.max(
              -8,
              Math.min(8, runs.exact.at(-1)[0] + rate * R.gradient(f, runs.exact.at(-1)[0], w)),
            ),
          ]);
          return runs.exact.length <= 200;
        },
        play,
        ['Climb', 'Pause'],
      );
      s.reset = () => {
        runs = null;
      };
      return () => {
        const { f, s: w, rate, start, seed } = s.state,
          now = [f, w, rate, start, seed, s.state.T].join();
        if (!runs || now !== key) {
          key = now;
          rng = M.random(seed);
          runs = Object.fromEntries([
            ...R.ESTIMATORS.map(k => [k, [Array(20).fill(start)]]),
            ['exact', [[start]]],
          ]);
        }
        const steps = runs.exact.map((_, k) => k),
          exact = runs.exact.map(v => v[0]);
        for (const [kind, plot] of plots) {
          plot.draw(pen => {
            pen.axes();
            pen.clip(() => {
              for (let r = 0; r < 20; r++)
                pen.line(
                  steps,
                  runs[kind].map(v => v[r]),
                  KINDS[kind][1],
                  { width: 1, alpha: 0.5 },
                );
              pen.line(steps, exact, 'ink', { width: 2, dash: [5, 4] });
            });
          });
        }
        const spread = kind => Math.sqrt(M.variance(runs[kind].at(-1)));
        numbers({
          steps: String(steps.length - 1),
          score: spread('score'),
          baseline: spread('baseline'),
          reparametrised: spread('reparametrised'),
          exact: exact.at(-1),
        });
        formula({ rate: String(rate), value: R.value(f, exact.at(-1), w) });
      };
    },
  };
  return { state, scenes: [gradient, ascent] };
})();
