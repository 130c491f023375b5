{
  const D = IDEAS.divergences,
    { ROWS, MEASURES, barPlot, barIntegrand } = IDEAS.views.divergences;
  const why = (p, q) => {
    const only = (a, b) =>
      Array.from(a, (v, i) => (v > 0 && b[i] <= 0 ? i : -1)).filter(i => i >= 0);
    const first = only(p, q),
      second = only(q, p),
      parts = [];
    if (first.length)
      parts.push(
        `KL(p‖q) is infinite: at x = ${first.join(', ')} p has probability and q has none, ` +
          `and log(p/0) is infinite.`,
      );
    if (second.length)
      parts.push(
        `KL(q‖p) is infinite: at x = ${second.join(', ')} q has probability and p has none.`,
      );
    if (!parts.length)
      parts.push('Both KL are finite: wherever one has probability, so has the other.');
    return parts.join(' ');
  };

  IDEAS.views.divergences.scenes.push({
    key: 'bars',
    title: 'Bars',
    words: 'Drag a bar. The others give way, so that all eight sum to one.',
    build(s) {
      s.choice('show', { label: 'Show the terms of', options: MEASURES });
      const presets = {
        'Make them equal': () => s.set({ q: [...s.state.p] }),
        'Swap p and q': () => s.set({ p: [...s.state.q], q: [...s.state.p] }),
        'Take support away from q': () =>
          s.set({ q: D.normalised(s.state.q.map((v, k) => (k === 3 ? 0 : v || 0.01))) }),
        'Disjoint supports': () =>
          s.set({ p: [0.2, 0.3, 0.3, 0.2, 0, 0, 0, 0], q: [0, 0, 0, 0, 0.2, 0.3, 0.3, 0.2] }),
      };
      s.buttons(...Object.entries(presets));
      s.text(
        'The term p log(p/q) is negative where q is larger. The sum never is: KL is zero for ' +
          'equal distributions and positive for all others.',
      );
      const numbers = s.numbers(ROWS),
        status = s.status();
      const row = s.row(300);
      const draws = [
        barPlot(s, row, 'p', 'q', 'p', 'p, the data'),
        barPlot(s, row, 'q', 'p', 'q', 'q, the model'),
        barIntegrand(s, s.stage),
      ];
      const formula = s.formula(
        'KL(*p*‖*q*) = Σ_x *p*(*x*) log [[*p*(*x*)|*q*(*x*)]] = {kl} nats = {bits} extra ' +
          'bits a symbol for using the code of *q*',
      );
      return () => {
        const { p, q } = s.state,
          v = D.ofBars(p, q);
        draws.forEach(draw => draw());
        numbers(v);
        formula({ kl: v.kl, bits: v.kl / Math.LN2 });
        status(why(p, q));
      };
    },
  });
}
