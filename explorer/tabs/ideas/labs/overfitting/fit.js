{
  const O = IDEAS.overfitting,
    { index, penalty, density, common, named, plural, against, fitted, frame } =
      IDEAS.views.overfitting;

  IDEAS.views.overfitting.scenes.push({
    key: 'fit',
    title: 'One data set',
    words:
      'Raise the complexity. The fit gets ever better on the points it has seen; watch what ' +
      'it does on those it has not.',
    build(s) {
      common(s);
      s.buttons(['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main']);
      s.text(
        'Held-out points come from the same distribution and were not used for the fit: ' +
          '2,000 of them.',
      );
      const numbers = s.numbers([
          ['c', 'Complexity', ''],
          ['train', 'Training loss', '', 'q'],
          ['held', 'Held-out loss', '', 'p'],
          ['gap', 'Generalisation gap', ''],
          ['best', 'Best on held-out', ''],
        ]),
        status = s.status();
      const plot = s.plot({
        title: 'Truth (dashed), points and fit',
        x: [-1, 1],
        y: [-2.6, 2.6],
        tall: 270,
        names: ['x', ''],
      });
      const curves = against(
        s,
        {
          title: 'Loss by complexity',
          note: 'blue: training, orange: held-out',
          y: [0, 1],
          tall: 190,
        },
        s.stage,
      );
      const square = s.el('div'),
        nats = s.el('div');
      s.stage.append(square, nats);
      const f1 = s.formula(
          '[[1|*n*]] Σ_i (*y*_i − *f*(*x*_i))^2: training {train}, held-out {held}',
          square,
        ),
        f2 = s.formula(
          '−[[1|*n*]] Σ_i log *p*(*x*_i): training {train} nats, held-out {held} nats',
          nats,
        );
      let key = '',
        data,
        held,
        found;
      return () => {
        const { family, noise, seed } = s.state,
          n = Math.round(s.state.n),
          reg = penalty(s.state),
          k = index(s.state);
        const now = `${family},${n},${noise},${seed},${reg}`,
          { values } = O.FAMILIES[family];
        if (now !== key) {
          key = now;
          data = O.draw(family, n, noise, seed);
          held = O.draw(family, family === 'bandwidth' ? 400 : 2000, noise, 100000 + seed);
          found = values.map(() => null);
        }
        s.fill(found, k, i => {
          const m = O.fit(family, data, values[i], reg);
          return [O.loss(family, m, data), O.loss(family, m, held)];
        });
        const losses = found.map(one => one ?? [NaN, NaN]);
        const model = O.fit(family, data, values[k], reg);
        frame(s, plot);
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => fitted(s, pen, data, model, plot));
        });
        const at = values.map((_, i) => i),
          finite = losses.flat().filter(Number.isFinite),
          low = Math.min(...finite);
        const top = density(s.state)
          ? Math.max(low + 1.2, 0.4)
          : Math.max(
              0.3,
              3.2 * Math.max(0.02, Math.min(...losses.map(l => l[1]).filter(Number.isFinite))),
            );
        curves.x = [-0.4, values.length - 0.6];
        curves.y = [Math.min(0, low) - (density(s.state) ? 0.1 : 0), top];
        curves.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(
              at,
              losses.map(l => l[0]),
              'q',
            );
            pen.line(
              at,
              losses.map(l => (l[1] === Infinity ? NaN : l[1])),
              'p',
            );
            pen.dots(
              at,
              losses.map(l => l[0]),
              'q',
            );
            pen.dots(
              at.filter(i => Number.isFinite(losses[i][1])),
              losses.map(l => l[1]).filter(Number.isFinite),
              'p',
            );
          });
          pen.rule(k, 'soft');
        });
        const [train, out] = losses[k],
          best = losses.reduce((b, l, i) => (l[1] < losses[b][1] ? i : b), k);
        numbers(
          { c: String(values[k]), train, held: out, gap: out - train, best: String(values[best]) },
          { c: plural[family], best: plural[family] },
        );
        square.hidden = density(s.state);
        nats.hidden = !density(s.state);
        (density(s.state) ? f2 : f1)({ train, held: out });
        status(
          out === Infinity
            ? 'A held-out point fell where the model has no probability: its loss is infinite. ' +
                'Regularisation gives every bin a little.'
            : k < best
              ? 'Underfitting: a more complex model is better on held-out points.'
              : k > best + 1
                ? 'Overfitting: training loss falls, held-out loss rises.'
                : 'Near the best complexity for this many points.',
        );
        curves.say(
          `Training and held-out loss by complexity; best held-out at ` +
            `${named({ ...s.state, c: best })}`,
        );
      };
    },
  });
}
