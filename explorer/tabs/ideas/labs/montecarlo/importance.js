{
  const C = IDEAS.montecarlo,
    M = IDEAS.maths,
    { WORDS } = IDEAS.views.montecarlo;

  IDEAS.views.montecarlo.scenes.push({
    key: 'importance',
    title: 'Importance sampling',
    words:
      'The same expectation with samples of another distribution q. Each sample is weighed ' +
      'by p/q. Move and squeeze q.',
    build(s) {
      s.choice('f', { label: 'Average of', options: WORDS });
      s.slider('m', { label: 'Mean of q', step: 0.05 });
      s.slider('s', { label: 'Width of q', step: 0.05 });
      s.slider('T', { label: 'Samples, T', log: true, whole: true });
      s.buttons(
        ['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })],
        ['q = p', () => s.set({ m: 0, s: 1 })],
        ['A good q for the tail', () => s.set({ f: 'tail', m: 2.4, s: 0.8 })],
      );
      s.text(
        'Below a width of 0.71 the variance of the weights is infinite, though few samples ' +
          'may look well. A single heavy weight then decides everything.',
      );
      const numbers = s.numbers([
        ['estimate', 'Estimate', '', 'q'],
        ['truth', 'Truth', ''],
        ['error', 'Standard error', 'as the samples say'],
        ['law', 'Standard error', 'in truth'],
        ['ess', 'Effective samples', '', 'r'],
        ['part', 'Effective part', 'of T, in theory'],
      ]);
      const status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        {
          title: 'p, q and the weighted samples',
          x: [-6, 6],
          y: [0, 0.6],
          tall: 270,
          names: ['x', ''],
        },
        row,
      );
      const many = s.plot(
        {
          title: 'Two hundred such estimates',
          x: [0, 2],
          y: [0, 40],
          tall: 270,
          names: ['estimate', ''],
        },
        row,
      );
      s.bell(plot, { mean: 'm', width: 's', least: 0.05, step: [0.1, 0.02], reach: 4 });
      const formula = s.formula(
        'E_p[*f*] ≈ [[1|*T*]] Σ_t *w*_t *f*(*x*_t) = {estimate},   *w* = ' +
          '[[*p*(*x*)|*q*(*x*)]],   ESS = [[(Σ *w*)^2|Σ *w*^2]] = {ess} of {T}',
      );
      const xs = M.grid(-6, 6, 301);
      return () => {
        const { f, m, s: w, T, seed } = s.state,
          n = Math.round(T),
          target = C.TARGETS[f],
          r = C.importance(f, m, w, n, seed);
        const again = M.random(seed * 1000),
          repeats = Array.from({ length: 200 }, () => C.weighted(f, m, w, Math.min(n, 60), again));
        plot.y = [0, Math.max(0.55, 1.1 * M.normalPdf(0, 0, w))];
        plot.draw(pen => {
          pen.axes();
          const a = Array.from(xs, x => M.normalPdf(x)),
            b = Array.from(xs, x => M.normalPdf(x, m, w));
          pen.area(xs, a, 'p');
          pen.line(xs, a, 'p');
          pen.clip(() => pen.line(xs, b, 'q'));
          const top = Math.max(...r.logs),
            { g } = pen;
          g.strokeStyle = pen.tones().r;
          pen.clip(() => {
            const shown = Math.min(n, 400);
            for (let i = 0; i < shown; i++) {
              g.globalAlpha = 0.6;
              g.beginPath();
              g.moveTo(plot.X(r.xs[i]), plot.Y(0));
              g.lineTo(plot.X(r.xs[i]), plot.Y(0.45 * plot.y[1] * Math.exp(r.logs[i] - top)));
              g.stroke();
            }
            g.globalAlpha = 1;
          });
        });
        plot.note('lines: weights, the largest is tallest');
        const each = C.termVariance(f, m, w),
          law = Math.sqrt(each / n),
          shown = Math.min(n, 60),
          spread = Math.min(3, Math.max(0.05 * target.truth, 4 * Math.sqrt(each / shown)));
        const low = Math.max(-1, target.truth - spread),
          high = target.truth + spread,
          counts = M.histogram(repeats, low, high, 36);
        many.x = [low, high];
        many.y = [0, Math.max(...counts) * 1.2 + 1];
        many.draw(pen => {
          pen.axes();
          pen.bars(low, (high - low) / 36, counts, 'q');
          pen.rule(target.truth, 'ink', { text: 'truth' });
          pen.rule(M.mean(repeats), 'q', { dash: [] });
        });
        const out = repeats.filter(v => v < low || v > high).length;
        many.note(`of ${shown} samples each${out ? `; ${out} lie outside` : ''}`);
        numbers({
          estimate: r.estimate,
          truth: target.truth,
          error: r.error,
          law,
          ess: s.words(r.ess, 1),
          part: 1 / C.secondMoment(m, w),
        });
        formula({ estimate: r.estimate, ess: s.words(r.ess, 1), T: String(n) });
        status(
          law === Infinity
            ? 'The tails of q are thinner than those of p: the variance is infinite, and the ' +
                'standard error that the samples show means nothing.'
            : r.ess < 0.05 * n
              ? 'Fewer than one sample in twenty counts.'
              : law < target.sd / Math.sqrt(n)
                ? 'Better than samples of p itself: q goes where f counts.'
                : 'q reaches everywhere p does, at some cost.',
        );
      };
    },
  });
}
