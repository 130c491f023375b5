{
  const C = IDEAS.montecarlo,
    M = IDEAS.maths,
    { WORDS } = IDEAS.views.montecarlo;
  const NAMES = { square: '*x*^2', tail: '[*x* > 2]', exp: 'e^{*x*}' };

  IDEAS.views.montecarlo.scenes.push({
    key: 'mean',
    title: 'An expectation',
    words:
      'One hundred people each average T samples of a standard normal. Their answers scatter ' +
      'about the truth, ever closer.',
    build(s) {
      const [play] = s.buttons(
        ['Draw samples', () => 0, 'main'],
        [
          'With new samples',
          () => {
            run = null;
            s.set({ seed: (s.state.seed % 9999) + 1 });
            loop.start();
          },
        ],
      );
      s.choice('f', { label: 'Average of', options: WORDS });
      s.slider('k', { label: 'Look at T = 2 to the', step: 1, whole: true });
      s.text(
        'The estimator is unbiased at every T: the mean of the hundred answers stays near ' +
          'the truth. Four times the samples halve the error.',
      );
      const numbers = s.numbers([
        ['T', 'Samples, T', 'each of 100 runs'],
        ['mean', 'Mean of the runs', '', 'p'],
        ['truth', 'Truth', ''],
        ['error', 'Error', 'root mean square', 'r'],
        ['law', 'σ / √T', 'in theory', 'q'],
        ['slope', 'Slope', 'on the log axes'],
      ]);
      const row = s.row(330);
      const logs = s.plot(
        {
          title: 'Error against T',
          note: 'each dot is one run',
          x: [0, 6.1],
          y: [-5, 1],
          tall: 300,
          log: 'xy',
          names: ['T', ''],
        },
        row,
      );
      const hist = s.plot(
        { title: 'The hundred answers', x: [0, 2], y: [0, 40], tall: 300, names: ['estimate', ''] },
        row,
      );
      logs.handle({
        name: 'T',
        tone: 'p',
        axis: 'x',
        step: [0.30103, 0],
        at: () => [2 ** s.state.k, 10 ** -4.9],
        move: x => s.set({ k: Math.round(Math.log2(Math.max(1, x))) }),
        say: () => `T = ${2 ** s.state.k}`,
        range: () => [s.state.k, 0, 20],
      });
      const formulas = Object.fromEntries(
        Object.keys(NAMES).map(f => {
          const node = s.el('div');
          s.stage.append(node);
          return [
            f,
            {
              node,
              set: s.formula(
                `the first run: E[${NAMES[f]}] ≈ [[1|*T*]] Σ_t ${NAMES[f]} = {mean} ± {law}, ` +
                  `truth {truth}`,
                node,
              ),
            },
          ];
        }),
      );
      let run = null,
        key = '';
      const loop = s.loop(() => run.advance(250000), play, ['Draw samples', 'Pause']);
      s.reset = () => {
        run = null;
      };
      return () => {
        const { f, k, seed } = s.state,
          target = C.TARGETS[f],
          now = `${f},${seed}`;
        if (!run || now !== key) {
          key = now;
          run = C.runner(f, 100, seed);
          run.advance(6400 + 100);
        }
        // Looking at a larger T draws the samples that it takes, over some frames.
        if (run.records.length <= k && !loop.on) {
          run.advance(120000);
          if (run.records.length <= k) s.again();
        }
        const last = run.records.length - 1,
          at = Math.min(k, last),
          record = run.records[at];
        const es = run.records.map(r => C.rms(r.estimates, target.truth)),
          Ts = run.records.map(r => r.T);
        logs.draw(pen => {
          pen.axes();
          pen.clip(() => {
            run.records.forEach(r => {
              const errors = r.estimates.map(v => Math.abs(v - target.truth)).filter(v => v > 0);
              pen.dots(
                errors.map(() => r.T),
                errors,
                's',
                { radius: 1.2, alpha: 0.45 },
              );
            });
            pen.line([1, 2 ** 20], [target.sd, target.sd / 1024], 'q', { dash: [6, 4] });
            pen.line(Ts, es, 'r', { width: 2.5 });
            pen.dots(Ts, es, 'r', { radius: 3 });
          });
          pen.rule(record.T, 'p');
        });
        const spread = Math.max((4 * target.sd) / Math.sqrt(record.T), 1e-9),
          low = target.truth - spread,
          bins = 30;
        const counts = M.histogram(record.estimates, low, low + 2 * spread, bins);
        hist.x = [low, low + 2 * spread];
        hist.y = [0, Math.max(...counts) * 1.2 + 1];
        hist.draw(pen => {
          pen.axes();
          pen.bars(low, (2 * spread) / bins, counts, 'p');
          pen.rule(target.truth, 'ink', { text: 'truth' });
        });
        hist.note(`after T = ${record.T}`);
        const slope = last > 2 ? Math.log(es[last] / es[0]) / Math.log(Ts[last] / Ts[0]) : NaN;
        numbers(
          {
            T: String(record.T),
            mean: M.mean(record.estimates),
            truth: target.truth,
            error: es[at],
            law: target.sd / Math.sqrt(record.T),
            slope,
          },
          { slope: 'in theory −0.5' },
        );
        for (const [name, one] of Object.entries(formulas)) one.node.hidden = name !== f;
        formulas[f].set(
          { mean: record.estimates[0], law: target.sd / Math.sqrt(record.T), truth: target.truth },
          4,
        );
        logs.say(`Error against T on log axes; ${s.words(es[at])} at T = ${record.T}`);
      };
    },
  });
}
