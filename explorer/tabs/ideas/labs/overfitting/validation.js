{
  const O = IDEAS.overfitting,
    { index, penalty, density, common, plural, against, frame } = IDEAS.views.overfitting;

  IDEAS.views.overfitting.scenes.push({
    key: 'validation',
    title: 'Cross-validation',
    words:
      'Without the truth and without 2,000 more points: set a part of the points aside, fit ' +
      'the rest, and go round.',
    build(s) {
      common(s);
      s.slider('folds', { label: 'Parts', step: 1, whole: true });
      s.buttons(['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main']);
      s.text(
        'With as many parts as points each point is left out once. The choice is itself a ' +
          'fit: with few points it, too, varies from data set to data set.',
      );
      const numbers = s.numbers([
        ['train', 'Training says', 'the most complex', 'q'],
        ['cv', 'Cross-validation says', '', 'r'],
        ['held', 'New points say', 'out of reach in practice', 'p'],
        ['cost', 'Price of the choice', 'held-out loss above the best'],
      ]);
      const curves = against(
        s,
        {
          title: 'Loss by complexity',
          note: 'blue: training, purple: cross-validation, orange: new points',
          y: [0, 1],
          tall: 250,
        },
        s.stage,
      );
      const parts = s.plot({
        title: 'The parts',
        note: 'colour: the part in which a point is held out',
        x: [-1, 1],
        y: [-2.6, 2.6],
        tall: 180,
        names: ['x', ''],
      });
      const formula = s.formula(
        'CV = [[1|*n*]] Σ_i loss(*x*_i; fitted without its part) = {cv}, on new points {held}',
      );
      let key = '',
        data,
        held,
        found;
      return () => {
        const { family, noise, seed } = s.state,
          n = Math.round(s.state.n),
          reg = penalty(s.state),
          k = index(s.state),
          folds = Math.round(s.state.folds),
          { values } = O.FAMILIES[family];
        const now = `${family},${n},${noise},${seed},${reg},${folds}`;
        if (now !== key) {
          key = now;
          data = O.draw(family, n, noise, seed);
          held = O.draw(family, 400, noise, 100000 + seed);
          found = values.map(() => null);
        }
        s.fill(found, k, i => {
          const m = O.fit(family, data, values[i], reg);
          return [
            O.loss(family, m, data),
            O.crossValidated(family, data, values[i], reg, folds),
            O.loss(family, m, held),
          ];
        });
        const rows = found.map(one => one ?? [NaN, NaN, NaN]);
        const least = column => rows.reduce((b, r, i) => (r[column] < rows[b][column] ? i : b), k),
          [a, b, c] = [0, 1, 2].map(least);
        const finite = rows.flat().filter(Number.isFinite),
          low = Math.min(...finite),
          xs = values.map((_, i) => i);
        curves.x = [-0.4, values.length - 0.6];
        curves.y = density(s.state)
          ? [low - 0.1, Math.max(low + 1.2, rows[c][2] + 0.6)]
          : [0, Math.max(0.1, 3.5 * Math.max(rows[c][2], rows[b][1]))];
        curves.draw(pen => {
          pen.axes();
          pen.clip(() =>
            ['q', 'r', 'p'].forEach((tone, column) => {
              const ys = rows.map(r => (Number.isFinite(r[column]) ? r[column] : NaN));
              pen.line(xs, ys, tone, { width: column === 1 ? 3 : 2 });
              pen.dots(
                xs.filter(i => !Number.isNaN(ys[i])),
                ys.filter(v => !Number.isNaN(v)),
                tone,
              );
            }),
          );
          pen.rule(k, 'soft');
        });
        frame(s, parts);
        parts.draw(pen => {
          pen.axes();
          const tones = ['p', 'q', 'r', 's', 't'];
          for (let f = 0; f < Math.min(folds, n); f++) {
            const x = data.x.filter((_, i) => i % folds === f),
              y = density(s.state)
                ? x.map(() => 0.3 + (3.4 * f) / folds)
                : data.y.filter((_, i) => i % folds === f);
            pen.dots(x, y, tones[f % 5], { radius: 3.5, alpha: 0.85 });
          }
        });
        const names = i => `${values[i]}`;
        numbers(
          { train: names(a), cv: names(b), held: names(c), cost: rows[b][2] - rows[c][2] },
          { cv: plural[family] },
        );
        formula({ cv: rows[k][1], held: rows[k][2] });
      };
    },
  });
}
