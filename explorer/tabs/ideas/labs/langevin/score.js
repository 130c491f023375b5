{
  const L = IDEAS.langevin,
    M = IDEAS.maths,
    { target } = IDEAS.views.langevin;

  IDEAS.views.langevin.scenes.push({
    key: 'score',
    title: 'The score',
    words:
      'The score is the slope of log p: at each place the way uphill. It needs no ' +
      'normalising constant. Add noise, and it reaches further.',
    build(s) {
      s.slider('sigma', { label: 'Noise level σ', step: 0.05 });
      s.slider('at', { label: 'Look at x', step: 0.1 });
      s.slider('gap', { label: 'Distance of the modes', step: 0.1 });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('width', { label: 'Width of each mode', step: 0.05 });
      s.text(
        'Between far modes the score does not know their weights: near the left mode it is ' +
          'nearly the same whether the right one holds one half or one tenth.',
      );
      const numbers = s.numbers([
        ['p', 'Density at x', '', 'p'],
        ['s', 'Score at x', 'd log p / dx', 'q'],
        ['other', 'Score, weights swapped', 'at the same x', 's'],
        ['denoised', 'x + σ² score', 'mean of what was there before the noise'],
      ]);
      const plot = s.plot({
        title: 'Density',
        note: 'with noise; dashed: without',
        x: [-6, 6],
        y: [0, 0.6],
        tall: 210,
        names: ['x', ''],
      });
      const slope = s.plot({
        title: 'Score',
        note: 'arrows: the way a chain is pushed',
        x: [-6, 6],
        y: [-10, 10],
        tall: 230,
        names: ['x', ''],
      });
      slope.handle({
        name: 'Look at x',
        tone: 'q',
        axis: 'x',
        step: [0.1, 0],
        at: () => [
          s.state.at,
          M.clamp(L.score(L.noisy(target(s.state), s.state.sigma), s.state.at), ...slope.y),
        ],
        move: x => s.set({ at: +x.toFixed(3) }),
        say: () => `x = ${s.state.at.toFixed(2)}`,
        range: () => [s.state.at, -6, 6],
      });
      const formula = s.formula(
        '∇_x log *p*_σ(*x*) = Σ_k *r*_k(*x*) [[*m*_k − *x*|*w*^2 + σ^2]] = {s}',
      );
      const xs = M.grid(-6, 6, 241),
        few = M.grid(-5.6, 5.6, 29);
      return () => {
        const d = target(s.state),
          { sigma, at, weight } = s.state,
          noised = L.noisy(d, sigma),
          ys = Array.from(xs, x => L.density(noised, x)),
          plain = Array.from(xs, x => L.density(d, x));
        plot.y = [0, Math.min(2, 1.12 * Math.max(0.3, ...ys))];
        plot.draw(pen => {
          pen.axes();
          pen.area(xs, ys, 'p');
          pen.clip(() => {
            pen.line(xs, plain, 's', { dash: [6, 4], width: 1.4 });
            pen.line(xs, ys, 'p');
          });
          pen.rule(at, 'soft');
        });
        const gs = Array.from(xs, x => L.score(noised, x)),
          most = Math.max(1, Math.min(20, ...[Math.max(...gs.map(Math.abs))]));
        slope.y = [-1.1 * most, 1.1 * most];
        slope.draw(pen => {
          pen.axes();
          pen.rule(0, 'soft', { level: true, dash: [] });
          pen.clip(() => pen.line(xs, gs, 'q', { width: 2.4 }));
          for (const x of few) {
            const g = L.score(noised, x);
            pen.arrow(x, 0, M.clamp((0.5 * g) / most, -0.45, 0.45), 0, 'p', { width: 1.8 });
          }
        });
        const v = L.score(noised, at),
          swapped = L.score(L.noisy({ ...d, weights: [1 - weight, weight] }, sigma), at);
        numbers({
          p: L.density(noised, at),
          s: v,
          other: swapped,
          denoised: at + sigma * sigma * v,
        });
        formula({ s: v });
      };
    },
  });
}
