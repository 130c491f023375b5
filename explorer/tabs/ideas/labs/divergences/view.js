IDEAS.views.divergences = (() => {
  const D = IDEAS.divergences,
    M = IDEAS.maths,
    { number, one, list } = IDEAS.state;
  const ROWS = [
    ['kl', 'KL(p‖q)', 'nats', 'p'],
    ['reverse', 'KL(q‖p)', 'nats', 'q'],
    ['js', 'Jensen-Shannon', 'nats, at most 0.693'],
    ['tv', 'Total variation', 'at most 1'],
    ['w1', 'Wasserstein-1', 'in units of x'],
    ['mmd', 'MMD', 'kernel of width 1'],
  ];
  const MEASURES = [
    ['kl', 'KL(p‖q)'],
    ['reverse', 'KL(q‖p)'],
    ['js', 'JS'],
    ['tv', 'TV'],
    ['w1', 'W₁'],
    ['mmd', 'MMD²'],
  ];
  const P = [0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0],
    Q = [0.02, 0.05, 0.08, 0.15, 0.25, 0.25, 0.15, 0.05];
  const state = {
    p: list(P, 0, 1),
    q: list(Q, 0, 1),
    show: one('kl', 'reverse', 'js', 'tv', 'w1', 'mmd'),
    pm: number(-1, -5, 5),
    pw: number(1, 0.2, 3),
    pd: number(3, 0, 6),
    pk: number(0, 0, 0.9),
    qm: number(1, -5, 5),
    qw: number(1.2, 0.2, 3),
    qd: number(3, 0, 6),
    qk: number(0, 0, 0.9),
    pcut: number(6, 0.2, 6),
    qcut: number(6, 0.2, 6),
    apart: number(0.6, 0, 6),
    shape: one('boxes', 'normals'),
    gap: number(4, 0, 6),
    width: number(0.7, 0.3, 1.5),
    weight: number(0.6, 0.1, 0.9),
    m: number(1, -5, 5),
    s: number(0.6, 0.1, 5),
    seed: number(1, 1, 9999),
  };
  // Two rows of bars that are pulled up and down.
  const barPlot = (s, place, which, other, tone, title, drop) => {
    const plot = s.plot({ title, x: [-0.5, 7.5], y: [0, 0.6], tall: 190, names: ['x', ''] }, place);
    plot.figure.classList.add('small');
    const pull = (k, y) =>
      s.set({ [which]: D.pulled(s.state[which], k, Math.round(M.clamp(y, 0, 1) * 1000) / 1000) });
    for (let k = 0; k < 8; k++) {
      plot.handle({
        name: `${which}(${k})`,
        tone,
        axis: 'y',
        step: [0, 0.01],
        at: () => [k, s.state[which][k]],
        move: (x, y) => pull(k, y),
        drop,
        range: () => [s.state[which][k], 0, 1],
        say: () => `${which}(${k}) = ${s.state[which][k].toFixed(3)}`,
      });
    }
    let held = 0;
    plot.press((x, y, phase) => {
      if (phase === 'start') held = M.clamp(Math.round(x), 0, 7);
      pull(held, y);
    }, drop);
    return () => {
      const top = Math.max(0.4, ...s.state.p, ...s.state.q) * 1.12;
      plot.y = [0, top];
      plot.draw(pen => {
        pen.axes();
        pen.bars(-0.5, 1, s.state[other], 'soft', { alpha: 0.16 });
        pen.bars(-0.5, 1, s.state[which], tone, { alpha: 0.55 });
      });
      plot.say(`${title}: ${s.state[which].map((v, k) => `${k}: ${v.toFixed(2)}`).join(', ')}`);
    };
  };
  const barIntegrand = (s, place) => {
    const plot = s.plot(
      {
        title: 'What each place adds',
        x: [-0.5, 7.5],
        y: [-0.3, 0.5],
        tall: 150,
        names: ['x', ''],
      },
      place,
    );
    return () => {
      const name = s.state.show,
        each = D.terms(s.state.p, s.state.q, name);
      const finite = each.filter(Number.isFinite);
      plot.y = [Math.min(-0.05, ...finite) * 1.15, Math.max(0.1, ...finite) * 1.2];
      plot.draw(pen => {
        pen.axes();
        pen.rule(0, 'soft', { level: true, dash: [] });
        pen.bars(
          -0.5,
          1,
          each.map(v => (v > 0 && Number.isFinite(v) ? v : 0)),
          'r',
          { alpha: 0.6 },
        );
        pen.bars(
          -0.5,
          1,
          each.map(v => (v < 0 ? v : 0)),
          's',
          { alpha: 0.6 },
        );
        each.forEach((v, k) => {
          if (v === Infinity) {
            pen.bars(k - 0.5, 1, [plot.y[1]], 'r', { alpha: 0.25 });
            pen.text('∞', k, plot.y[1] * 0.6, 'ink', 'center');
          }
        });
      });
      plot.say(`Terms of the sum: ${each.map((v, k) => `${k}: ${s.words(v)}`).join(', ')}`);
    };
  };
  return { state, scenes: [], ROWS, MEASURES, barPlot, barIntegrand };
})();
