{
  const B = IDEAS.bound,
    M = IDEAS.maths;

  IDEAS.views.bound.scenes.push({
    key: 'amortised',
    title: 'Amortised',
    words:
      'An encoder gives q for every x by one formula: here a straight line and one width. A ' +
      'bent decoder has posteriors that no such encoder can reach.',
    build(s) {
      const [play] = s.buttons(['Train the encoder', () => 0, 'main']);
      s.slider('slope', { label: "Encoder's slope" });
      s.slider('shift', { label: "Encoder's shift" });
      s.slider('width', { label: "Encoder's width" });
      s.slider('bend', { label: 'Bend of the decoder', step: 0.05 });
      s.slider('bnoise', { label: "Decoder's noise", step: 0.05 });
      s.text(
        'Purple is lost because q must be normal. Blue is lost because one encoder serves ' +
          'all x. With no bend both vanish: the line is the exact posterior.',
      );
      const numbers = s.numbers([
        ['ev', 'Mean log p(x)', 'nats', 'p'],
        ['best', 'ELBO, best normal q', 'nats'],
        ['elbo', 'ELBO, this encoder', 'nats', 'q'],
        ['gap', 'Approximation gap', 'nats', 'r'],
        ['am', 'Amortisation gap', 'nats', 'q'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        {
          title: 'Posterior of z by x',
          note: 'shade: true posterior; line: encoder',
          x: [-3, 3],
          y: [-3, 3],
          tall: 300,
          names: ['x', 'z'],
        },
        row,
      );
      const gaps = s.plot(
        {
          title: 'Gap by x',
          note: 'purple: to the best normal, blue: of the encoder',
          x: [-3, 3],
          y: [0, 3],
          tall: 300,
          names: ['x', 'nats'],
        },
        row,
      );
      for (const at of [-2, 2]) {
        plot.handle({
          name: `Encoder at x = ${at}`,
          tone: 'q',
          axis: 'y',
          step: [0, 0.05],
          at: () => [at, s.state.slope * at + s.state.shift],
          move: (x, y) => {
            const other = s.state.slope * -at + s.state.shift;
            s.set({
              slope: +((y - other) / (2 * at)).toFixed(4),
              shift: +((y + other) / 2).toFixed(4),
            });
          },
          say: () => `z = ${(s.state.slope * at + s.state.shift).toFixed(2)}`,
          range: () => [s.state.slope * at + s.state.shift, -3, 3],
        });
      }
      const formula = s.formula(
        'log *p*(*x*) − ELBO = KL(*q*_φ(*z*|*x*)‖*p*(*z*|*x*)) = approximation {gap} + ' +
          'amortisation {am} nats, on average',
      );
      const xs = M.grid(-3, 3, 49);
      let key = '',
        truth,
        best,
        field,
        points;
      s.loop(
        () => {
          const { bend, bnoise, slope, shift, width } = s.state;
          const one = B.climb(
            p => B.amortised(points, bend, bnoise, p),
            [slope, shift, Math.log(width)],
            1,
          );
          const [a, b, l] = one.at.map(
            (v, k) =>
              [slope, shift, Math.log(width)][k] + 0.25 * (v - [slope, shift, Math.log(width)][k]),
          );
          const fine = B.climb(p => B.amortised(points, bend, bnoise, p), [a, b, l], 3);
          const moved =
            Math.abs(fine.at[0] - slope) +
            Math.abs(fine.at[1] - shift) +
            Math.abs(fine.at[2] - Math.log(width));
          s.set({ slope: fine.at[0], shift: fine.at[1], width: Math.exp(fine.at[2]) });
          return moved > 1e-3;
        },
        play,
        ['Train the encoder', 'Pause'],
      );
      return () => {
        const { bend, bnoise, slope, shift, width } = s.state,
          now = `${bend},${bnoise}`;
        if (now !== key) {
          key = now;
          truth = Array.from(xs, x => B.bentEvidence(x, bend, bnoise));
          best = Array.from(xs, x => B.bestNormal(x, bend, bnoise));
          points = B.bentSample(120, bend, bnoise, 1);
          const columns = 60,
            rows = 60;
          field = new Float64Array(columns * rows);
          for (let i = 0; i < columns; i++) {
            const x = -3 + (6 * (i + 0.5)) / columns;
            let most = 0;
            for (let j = 0; j < rows; j++) {
              const z = -3 + (6 * (j + 0.5)) / rows,
                v = M.normalPdf(z) * M.normalPdf(x, B.decoder(z, bend), bnoise);
              field[j * columns + i] = v;
              most = Math.max(most, v);
            }
            for (let j = 0; j < rows; j++) field[j * columns + i] *= 0.9 / most;
          }
        }
        plot.draw(pen => {
          pen.shade(field, 60, 60, 'p');
          pen.axes();
          pen.clip(() => {
            const line = Array.from(xs, x => slope * x + shift);
            pen.area(
              xs,
              line.map(z => z + width),
              'q',
              { floor: line.map(z => z - width), alpha: 0.2 },
            );
            pen.line(xs, line, 'q', { width: 2.5 });
            pen.line(
              xs,
              best.map(b => b.m),
              'r',
              { dash: [4, 4] },
            );
          });
        });
        const each = Array.from(xs, x => B.bentElbo(x, bend, bnoise, slope * x + shift, width));
        gaps.draw(pen => {
          pen.axes();
          pen.clip(() => {
            const one = truth.map((v, i) => v - best[i].value),
              all = truth.map((v, i) => v - each[i]);
            pen.area(xs, all, 'q', { floor: one, alpha: 0.35 });
            pen.area(xs, one, 'r', { alpha: 0.5 });
            pen.line(xs, all, 'q');
            pen.line(xs, one, 'r');
          });
        });
        // Averages over the model's own x, by the evidence as weight.
        const weights = truth.map(Math.exp),
          total = M.sum(weights),
          over = values => M.sum(values.map((v, i) => v * weights[i])) / total;
        const v = { ev: over(truth), best: over(best.map(b => b.value)), elbo: over(each) };
        v.gap = Math.max(0, v.ev - v.best);
        v.am = Math.max(0, v.best - v.elbo);
        numbers(v);
        formula(v);
      };
    },
  });
}
