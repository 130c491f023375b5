{
  const G = IDEAS.game,
    M = IDEAS.maths;
  const KNOTS = [-6, -4.5, -3, -1.5, 0, 1.5, 3, 4.5, 6];
  const real = s =>
    s.two === 'yes'
      ? { means: [s.pm - 1.8, s.pm + 1.8], widths: [0.6, 0.6], weights: [0.5, 0.5] }
      : { means: [s.pm], widths: [1], weights: [1] };
  const made = s => ({ means: [s.qm], widths: [s.qs], weights: [1] });

  IDEAS.views.game.scenes.push({
    key: 'value',
    title: 'The value',
    words:
      'Real pictures have density p, generated ones q. Move q, and see the best ' +
      'discriminator and what the game is worth. Or try to beat it with your own.',
    build(s) {
      s.slider('qm', { label: 'Mean of q', step: 0.05 });
      s.slider('qs', { label: 'Width of q', step: 0.05 });
      s.tick('two', { label: 'p has two modes' });
      s.tick('own', { label: 'Draw a discriminator of my own' });
      s.buttons(
        ['q = p', () => s.set({ two: 'no', qm: s.state.pm, qs: 1 })],
        [
          'Mine = the best',
          () => {
            const p = real(s.state),
              q = made(s.state);
            s.set({ own: 'yes', t: KNOTS.map(x => M.clamp(G.logit(p, q, x), -6, 6)) });
          },
        ],
      );
      s.text(
        'At the best discriminator the game is worth 2 JS − log 4. The generator lowers it ' +
          'down to −log 4, where p = q and d* = ½ everywhere.',
      );
      const numbers = s.numbers([
        ['v', 'V(d*)', 'nats, best discriminator', 'p'],
        ['mine', 'V of mine', 'nats, at most V(d*)', 'r'],
        ['js', 'JS(p, q)', 'nats'],
        ['low', '−log 4', 'the least V(d*)'],
      ]);
      const plot = s.plot({
        title: 'p (orange) and q (blue)',
        x: [-6, 6],
        y: [0, 0.5],
        tall: 200,
        names: ['x', ''],
      });
      const disc = s.plot({
        title: 'Discriminator',
        note: 'probability that x is real',
        x: [-6, 6],
        y: [0, 1],
        tall: 220,
        names: ['x', 'd'],
      });
      s.bell(plot, { mean: 'qm', width: 'qs', least: 0.12, step: [0.1, 0.02], reach: 5 });
      KNOTS.forEach((x, k) =>
        disc.handle({
          name: `My discriminator at x = ${x}`,
          tone: 'r',
          axis: 'y',
          step: [0, 0.02],
          at: () => (s.state.own === 'yes' ? [x, M.sigmoid(s.state.t[k])] : null),
          move: (_, y) => {
            const d = M.clamp(y, 0.0025, 0.9975),
              t = [...s.state.t];
            t[k] = +Math.log(d / (1 - d)).toFixed(4);
            s.set({ t });
          },
          say: () => `d = ${M.sigmoid(s.state.t[k]).toFixed(3)}`,
          range: () => [M.sigmoid(s.state.t[k]), 0, 1],
        }),
      );
      const formula = s.formula(
        '*d*⋆ = [[*p*|*p* + *q*]],   V(*d*⋆) = E_p log *d*⋆ + E_q log(1 − *d*⋆) = 2 · JS − ' +
          'log 4 = 2 · {js} − 1.386 = {v}',
      );
      const xs = M.grid(-6, 6, 241);
      return () => {
        const p = real(s.state),
          q = made(s.state),
          v = G.value(p, q),
          own = s.state.own === 'yes',
          mine = own ? G.worth(p, q, G.pieces(KNOTS, s.state.t), KNOTS) : NaN,
          js = G.js(p, q);
        const a = Array.from(xs, x => G.density(p, x)),
          b = Array.from(xs, x => G.density(q, x));
        plot.y = [0, Math.max(0.45, 1.1 * Math.max(...b))];
        plot.draw(pen => {
          pen.axes();
          pen.area(xs, a, 'p');
          pen.area(xs, b, 'q');
          pen.line(xs, a, 'p');
          pen.line(xs, b, 'q');
        });
        disc.draw(pen => {
          pen.axes();
          pen.rule(0.5, 'soft', { level: true });
          pen.line(
            xs,
            Array.from(xs, x => G.best(p, q, x)),
            'ink',
            { width: 2.4 },
          );
          if (own) {
            const t = G.pieces(KNOTS, s.state.t);
            pen.line(
              xs,
              Array.from(xs, x => M.sigmoid(t(x))),
              'r',
              { width: 2.4 },
            );
          }
        });
        numbers({ v, mine, js, low: -Math.log(4) });
        formula({ js, v });
        plot.say(`p and q; the game is worth ${s.words(v)} nats`);
      };
    },
  });
}
