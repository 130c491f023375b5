{
  const G = IDEAS.game,
    M = IDEAS.maths,
    { state } = IDEAS.views.game;

  IDEAS.views.game.scenes.push({
    key: 'transport',
    title: 'Transport',
    words:
      'Wasserstein’s distance in its two forms, side by side: a plan that carries q to p at ' +
      'least cost, and a critic of slope at most 1 that tells them apart best.',
    build(s) {
      s.choice('critic', {
        label: 'Critic',
        options: [
          ['best', 'the best'],
          ['own', 'mine'],
        ],
      });
      s.buttons(
        [
          'Random bars',
          () => {
            const rng = M.random(++seed),
              make = () => {
                const v = Array.from({ length: 8 }, () => rng.uniform() ** 3);
                const t = M.sum(v);
                return v.map(x => x / t);
              };
            s.set({ p: make(), q: make() });
          },
        ],
        ['Disjoint', () => s.set({ p: [...state.p.first], q: [...state.q.first] })],
      );
      s.text(
        'The two sums are equal at their best: the dual is what a Wasserstein critic ' +
          'estimates. Even with disjoint supports it has a slope that says where to go.',
      );
      let seed = 3;
      const numbers = s.numbers([
          ['primal', 'Cost of the plan', 'mass times way', 'p'],
          ['dual', 'Gain of the critic', 'E f under p, less under q', 'r'],
          ['gap', 'Left to gain', ''],
        ]),
        row = s.row(300);
      const plots = [
        ['p', 'p, real'],
        ['q', 'q, generated'],
      ].map(([which, title]) => {
        const plot = s.plot(
          { title, x: [-0.5, 7.5], y: [0, 0.6], tall: 170, names: ['x', ''] },
          row,
        );
        plot.figure.classList.add('small');
        const pull = (k, y) => s.set({ [which]: pulled(s.state[which], k, M.clamp(y, 0, 1)) });
        for (let k = 0; k < 8; k++)
          plot.handle({
            name: `${which}(${k})`,
            tone: which,
            axis: 'y',
            step: [0, 0.01],
            at: () => [k, s.state[which][k]],
            move: (_, y) => pull(k, y),
            say: () => `${which}(${k}) = ${s.state[which][k].toFixed(3)}`,
            range: () => [s.state[which][k], 0, 1],
          });
        return [which, plot];
      });
      const pulled = (p, k, h) => {
        const rest = M.sum(p) - p[k];
        return p.map((x, i) => (i === k ? h : rest > 0 ? (x / rest) * (1 - h) : (1 - h) / 7));
      };
      const row2 = s.row(300);
      const map = s.plot(
        {
          title: 'The plan',
          note: 'how much goes from q(j) to p(i)',
          x: [-0.5, 7.5],
          y: [-0.5, 7.5],
          tall: 260,
          square: true,
          names: ['from j', 'to i'],
        },
        row2,
      );
      const plot = s.plot(
        { title: 'The critic f', x: [-0.5, 7.5], y: [-4, 4], tall: 260, names: ['x', ''] },
        row2,
      );
      plot.figure.classList.add('small');
      for (let k = 0; k < 8; k++)
        plot.handle({
          name: `My critic at ${k}`,
          tone: 'r',
          axis: 'y',
          step: [0, 0.1],
          at: () => (s.state.critic === 'own' ? [k, s.state.f[k]] : null),
          move: (_, y) =>
            s.set({ f: G.lipschitz(s.state.f, k, +M.clamp(y, -3.5, 3.5).toFixed(3)) }),
          say: () => `f(${k}) = ${s.state.f[k].toFixed(2)}`,
          range: () => [s.state.f[k], -3.5, 3.5],
        });
      const formula = s.formula(
        'W_1 = min_{plan} Σ_{ij} *T*_{ij} |*i* − *j*| = {primal} = max_{|f′| ≤ 1} E_p *f* − ' +
          'E_q *f*; this critic gains {dual}',
      );
      return () => {
        const { p, q, critic } = s.state,
          T = G.plan(p, q),
          f = critic === 'best' ? G.critic(p, q) : s.state.f,
          primal = G.cost(T),
          dual = G.gain(f, p, q);
        const top = Math.max(0.4, ...p, ...q) * 1.12;
        for (const [which, one] of plots) {
          one.y = [0, top];
          one.draw(pen => {
            pen.axes();
            pen.bars(-0.5, 1, s.state[which], which, { alpha: 0.55 });
          });
        }
        const most = Math.max(0.05, ...T.map(r => Math.max(...r)));
        map.draw(pen => {
          pen.axes();
          pen.line([-0.5, 7.5], [-0.5, 7.5], 'soft', { width: 1, dash: [3, 4] });
          T.forEach((r, i) =>
            r.forEach((v, j) => {
              if (v > 1e-9) {
                const side = 0.45 * Math.sqrt(v / most);
                pen.area([j - side, j + side], [i + side, i + side], 'r', {
                  floor: i - side,
                  alpha: 0.7,
                });
              }
            }),
          );
        });
        plot.draw(pen => {
          pen.axes();
          pen.rule(0, 'soft', { level: true, dash: [] });
          pen.bars(
            -0.5,
            1,
            p.map((v, k) => 3 * (v - q[k])),
            's',
            { alpha: 0.3 },
          );
          pen.line(
            f.map((_, k) => k),
            f,
            'r',
            { width: 2.5 },
          );
        });
        plot.note('grey: p − q, enlarged');
        numbers({ primal, dual, gap: primal - dual });
        formula({ primal, dual });
        map.say(`Transport plan of cost ${s.words(primal)}`);
      };
    },
  });
}
