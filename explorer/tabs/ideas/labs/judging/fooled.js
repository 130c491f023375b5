{
  const J = IDEAS.judging,
    M = IDEAS.maths;
  const NAMES = {
    truth: 'the true distribution',
    copies: 'copies of 20 training points',
    sure: 'one sure example a class',
    one: 'one class only',
    moments: 'a normal of equal moments',
    ring: 'a ring of equal moments',
    wide: 'noise everywhere',
  };

  IDEAS.views.judging.scenes.push({
    key: 'fooled',
    title: 'How each is fooled',
    words:
      'Four classes of real points, and seven models. No single number finds every fault. ' +
      'Choose a model, and see which judges it deceives.',
    build(s) {
      s.choice('model', { label: 'Model', options: Object.entries(NAMES) });
      s.slider('k', { label: 'Neighbours of precision and recall', step: 1, whole: true });
      s.tick('balls', { label: "Show the real points' balls" });
      s.buttons(['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'The classifier scores confidence and balance of classes. The Fréchet distance sees ' +
          'two moments. Precision asks whether samples look real, recall whether the real is ' +
          'covered.',
      );
      const numbers = s.numbers([
          ['is', 'Classifier score', '1 to 4, higher is better', 'p'],
          ['fd', 'Fréchet distance', '0 is best', 'q'],
          ['precision', 'Precision', 'samples in real balls', 'r'],
          ['recall', 'Recall', 'real in sample balls', 's'],
          ['held', 'Held-out', 'log-density, nats'],
          ['copied', 'Copies', 'share of samples'],
        ]),
        status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        {
          title: 'Real (orange) and samples (blue)',
          x: [-4, 4],
          y: [-4, 4],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const wide = s.el('div', {
          class: 'wide',
          tabindex: '0',
          role: 'region',
          'aria-label': 'Every model under every judge',
        }),
        table = s.el('table');
      wide.append(s.el('h3', {}, 'Every model under every judge'), table);
      row.append(wide);
      const formula = s.formula(
        'score = exp E KL( *p*(*y*|*x*) ‖ *p*(*y*) ) = {is},   precision = {precision},   ' +
          'recall = {recall}',
      );
      let key = '',
        born = '',
        rows = {},
        near,
        real,
        training,
        held;
      const why = {
        truth: 'The true distribution, as its samples score: what to compare the others with.',
        copies:
          'Precision is content: copies look real. Recall, held-out density and the search ' +
          'for copies find it out.',
        sure:
          'The classifier score is at its highest, and precision perfect, for four points that ' +
          'never vary. Recall finds it out.',
        one: 'Mode collapse: precision is perfect, recall and the classifier score find it out.',
        moments:
          'Mean and covariance are right, so the Fréchet distance is content. Precision is not.',
        ring: 'A ring of the right moments: Fréchet again sees nothing.',
        wide: 'Recall is high for noise that covers everything, precision is low.',
      };
      return () => {
        const { model, seed, balls } = s.state,
          k = Math.round(s.state.k),
          now = `${seed},${k}`;
        if (`${seed}` !== born) {
          born = `${seed}`;
          const rng = M.random(seed);
          real = J.data(160, rng);
          training = J.data(20, M.random(seed + 40));
          held = J.data(120, M.random(seed + 80));
          near = J.neighbours(real);
          rows = {};
          for (const name of Object.keys(NAMES)) {
            const made = J.MODELS[name](160, M.random(seed + 7), training);
            rows[name] = {
              made,
              near: J.neighbours(made),
              is: J.inception(made.map(J.classes)),
              fd: J.frechetOf(real, made),
              held: J.smoothed(held, made, 0.15),
              copied: M.mean(
                made.map(([x, y]) => (training.some(([a, b]) => a === x && b === y) ? 1 : 0)),
              ),
            };
          }
        }
        if (now !== key) {
          key = now;
          for (const r of Object.values(rows))
            Object.assign(r, J.precisionRecall(real, r.made, k, near, r.near));
          table.replaceChildren(
            s.el(
              'thead',
              {},
              s.el(
                'tr',
                {},
                ...['Model', 'score', 'Fréchet', 'prec.', 'recall', 'held-out'].map((t, i) =>
                  s.el('th', { class: i ? 'n' : '' }, t),
                ),
              ),
            ),
            s.el(
              'tbody',
              {},
              ...Object.keys(NAMES).map(name => {
                const r = rows[name];
                return s.el(
                  'tr',
                  { 'data-model': name },
                  s.el('td', {}, NAMES[name]),
                  ...[
                    s.words(r.is, 2),
                    s.words(r.fd, 2),
                    s.words(r.precision, 2),
                    s.words(r.recall, 2),
                    s.words(r.held, 1),
                  ].map(t => s.el('td', { class: 'n' }, t)),
                );
              }),
            ),
          );
        }
        for (const tr of table.querySelectorAll('[data-model]'))
          tr.style.fontWeight = tr.dataset.model === model ? '600' : '';
        const r = rows[model];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            if (balls === 'yes') {
              const radii = J.radii(near, k);
              real.forEach(([x, y], i) => {
                const q = Math.sqrt(radii[i]);
                pen.ellipse(x, y, q, q, 0, 'p', { width: 0.6, fill: 0.05 });
              });
            }
            pen.dots(
              real.map(p => p[0]),
              real.map(p => p[1]),
              'p',
              { radius: 2.6, alpha: 0.75 },
            );
            pen.dots(
              r.made.map(p => p[0]),
              r.made.map(p => p[1]),
              'q',
              { radius: 2.6, alpha: 0.75 },
            );
          });
        });
        numbers({
          is: r.is,
          fd: r.fd,
          precision: r.precision,
          recall: r.recall,
          held: r.held,
          copied: r.copied,
        });
        formula({ is: r.is, precision: r.precision, recall: r.recall });
        status(why[model]);
      };
    },
  });
}
