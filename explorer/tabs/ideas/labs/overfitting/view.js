IDEAS.views.overfitting = (() => {
  const O = IDEAS.overfitting,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    family: one('degree', 'bins', 'bandwidth', 'components'),
    c: number(3, 0, 14),
    n: number(20, 5, 500),
    noise: number(0.3, 0, 1),
    reg: number(0, 0, 1),
    seed: number(1, 1, 9999),
    folds: number(5, 2, 20),
  };
  const FAMILIES = [
    ['degree', 'Polynomial degree'],
    ['bins', 'Bins'],
    ['bandwidth', 'Bandwidth'],
    ['components', 'Components'],
  ];
  const REG = {
    degree: 'Penalty on the weights',
    bins: 'Count added to each bin',
    components: 'Variance added',
  };
  const value = state => {
    const { values } = O.FAMILIES[state.family];
    return values[Math.min(values.length - 1, Math.round(state.c))];
  };
  const index = state => Math.min(O.FAMILIES[state.family].values.length - 1, Math.round(state.c));
  const penalty = state =>
    ({
      degree: 20 * state.reg ** 3,
      bins: 2 * state.reg,
      components: 0.02 * state.reg,
      bandwidth: 0,
    })[state.family];
  const density = state => state.family !== 'degree';
  const common = s => {
    s.choice('family', { label: 'Complexity is', options: FAMILIES });
    s.slider('c', { label: 'Complexity, from simple to complex', step: 1, whole: true });
    s.slider('n', { label: 'Points', log: true, whole: true });
    s.slider('noise', { label: 'Noise of y', when: () => !density(s.state) });
    const wrap = s.slider('reg', {
      label: 'Regularisation',
      when: () => s.state.family !== 'bandwidth',
    });
    return wrap;
  };
  const named = state => `${O.FAMILIES[state.family].name} ${value(state)}`;
  const plural = {
    degree: 'degree',
    bins: 'bins',
    bandwidth: 'bandwidth',
    components: 'components',
  };
  // A plot whose x is the place in the list of complexities.
  const against = (s, options, place) => {
    const plot = s.plot({ ...options, x: [-0.4, 14.4], names: ['simple → complex', ''] }, place);
    plot.handle({
      name: 'Complexity',
      tone: 'p',
      axis: 'x',
      step: [1, 0],
      at: () => [index(s.state), plot.y[0] + 0.03 * (plot.y[1] - plot.y[0])],
      move: x =>
        s.set({ c: M.clamp(Math.round(x), 0, O.FAMILIES[s.state.family].values.length - 1) }),
      say: () => named(s.state),
      range: () => [index(s.state), 0, 14],
    });
    return plot;
  };
  const fitted = (s, pen, data, model, plot) => {
    const at = O.xs(s.state.family),
      f = x => O.truth(s.state.family, x);
    pen.line(at, Array.from(at, f), 's', { width: 2, dash: [6, 4] });
    pen.line(at, Array.from(at, model), 'p', { width: 2.4 });
    if (density(s.state))
      pen.dots(
        data.x,
        data.x.map((_, i) => plot.y[1] * (0.015 + 0.02 * (i % 3))),
        'q',
        { radius: 2.5, alpha: 0.6 },
      );
    else pen.dots(data.x, data.y, 'q', { radius: 3.5, alpha: 0.8 });
  };
  const frame = (s, plot) => {
    if (density(s.state)) {
      plot.x = [O.LOW, O.HIGH];
      plot.y = [0, 5];
    } else {
      plot.x = [-1, 1];
      plot.y = [-2.6, 2.6];
    }
  };

  const oneSet = {
    key: 'fit',
    title: 'One data set',
    words:
      'Raise the complexity. The fit gets ever better on the points it has seen; watch what it does on those it has not.',
    build(s) {
      common(s);
      s.buttons(['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main']);
      s.text(
        'Held-out points come from the same distribution and were not used for the fit: 2,000 of them.',
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
            ? 'A held-out point fell where the model has no probability: its loss is infinite. Regularisation gives every bin a little.'
            : k < best
              ? 'Underfitting: a more complex model is better on held-out points.'
              : k > best + 1
                ? 'Overfitting: training loss falls, held-out loss rises.'
                : 'Near the best complexity for this many points.',
        );
        curves.say(
          `Training and held-out loss by complexity; best held-out at ${named({ ...s.state, c: best })}`,
        );
      };
    },
  };

  const spread = {
    key: 'spread',
    title: 'Bias and variance',
    words:
      'The same fit on data drawn anew, again and again. How far is the average fit from the truth, and how far is each from the average?',
    build(s) {
      const [play] = s.buttons(['Draw data sets', () => 0, 'main']);
      common(s);
      s.text(
        'Simple models are wrong in the same way each time: bias. Complex ones are wrong in another way each time: variance. More points shrink the variance only.',
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
  };

  const validation = {
    key: 'validation',
    title: 'Cross-validation',
    words:
      'Without the truth and without 2,000 more points: set a part of the points aside, fit the rest, and go round.',
    build(s) {
      common(s);
      s.slider('folds', { label: 'Parts', step: 1, whole: true });
      s.buttons(['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main']);
      s.text(
        'With as many parts as points each point is left out once. The choice is itself a fit: with few points it, too, varies from data set to data set.',
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
  };
  return { state, scenes: [oneSet, spread, validation] };
})();
