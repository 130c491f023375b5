{
  const R = IDEAS.reparametrisation,
    M = IDEAS.maths,
    { KINDS, FUNCTIONS } = IDEAS.views.reparametrisation;

  IDEAS.views.reparametrisation.scenes.push({
    key: 'ascent',
    title: 'An ascent',
    words:
      'Twenty runs climb E f from the same start by each estimator, with the same step size. ' +
      'The scatter of the gradient becomes the scatter of the runs.',
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
        'Adding 10 to f changes no gradient. It makes the score function useless, and the ' +
          'other two do not notice.',
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
  });
}
