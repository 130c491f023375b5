IDEAS.views.game = (() => {
  const G = IDEAS.game,
    M = IDEAS.maths,
    { number, one, list } = IDEAS.state;
  const KNOTS = [-6, -4.5, -3, -1.5, 0, 1.5, 3, 4.5, 6];
  const state = {
    pm: number(-1, -4, 4),
    qm: number(1.5, -5, 5),
    qs: number(1, 0.3, 2.5),
    two: one('no', 'yes'),
    own: one('no', 'yes'),
    t: list([1, 1, 0.5, 0.2, 0, -0.3, -0.5, -1, -1], -6, 6),
    logit: number(-4, -8, 8),
    far: number(4, 0, 8),
    rate: number(0.3, 0.01, 3),
    p: list([0.3, 0.4, 0.3, 0, 0, 0, 0, 0], 0, 1),
    q: list([0, 0, 0, 0, 0.1, 0.2, 0.4, 0.3], 0, 1),
    f: list([0, 0, 0, 0, 0, 0, 0, 0], -7, 7),
    critic: one('best', 'own'),
  };
  const real = s =>
    s.two === 'yes'
      ? { means: [s.pm - 1.8, s.pm + 1.8], widths: [0.6, 0.6], weights: [0.5, 0.5] }
      : { means: [s.pm], widths: [1], weights: [1] };
  const made = s => ({ means: [s.qm], widths: [s.qs], weights: [1] });

  const worth = {
    key: 'value',
    title: 'The value',
    words:
      'Real pictures have density p, generated ones q. Move q, and see the best discriminator and what the game is worth. Or try to beat it with your own.',
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
        'At the best discriminator the game is worth 2 JS − log 4. The generator lowers it down to −log 4, where p = q and d* = ½ everywhere.',
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
      plot.handle({
        name: 'q: mean and width',
        tone: 'q',
        step: [0.1, 0.02],
        at: () => [s.state.qm, Math.min(plot.y[1] * 0.97, M.normalPdf(0, 0, s.state.qs))],
        move: (x, y) =>
          s.set({ qm: +x.toFixed(3), qs: +(0.3989422804 / Math.max(0.12, y)).toFixed(4) }),
        say: () => `mean ${s.state.qm.toFixed(2)}, width ${s.state.qs.toFixed(2)}`,
        range: () => [s.state.qm, -5, 5],
      });
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
        '*d*⋆ = [[*p*|*p* + *q*]],   V(*d*⋆) = E_p log *d*⋆ + E_q log(1 − *d*⋆) = 2 · JS − log 4 = 2 · {js} − 1.386 = {v}',
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
  };

  const gradients = {
    key: 'gradients',
    title: 'Whose gradient lives',
    words:
      'Early on the discriminator is sure that a sample is generated. Then log(1 − d) has no slope left, and −log d has its full one.',
    build(s) {
      const [play] = s.buttons(
        ['Race', () => 0, 'main'],
        [
          'Back to the start',
          () => {
            race = null;
            loop.stop();
            s.changed();
          },
        ],
      );
      s.slider('logit', { label: 'Logit of the discriminator', step: 0.1 });
      s.slider('far', { label: 'q starts at a distance of', step: 0.1 });
      s.slider('rate', { label: 'Step size', log: true });
      s.text(
        'In the race two generators, both normals of width 1, move towards p with the best discriminator at every step. They differ in their loss only.',
      );
      const numbers = s.numbers([
        ['d', 'd, probability of real', ''],
        ['sat', 'Slope of log(1 − d)', 'by the logit', 'r'],
        ['live', 'Slope of −log d', 'by the logit', 'q'],
        ['psat', 'Pull by log(1 − d)', 'on the mean of q, at the start'],
        ['plive', 'Pull by −log d', 'on the mean of q, at the start'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        {
          title: "Generator's loss",
          note: 'purple: log(1 − d), blue: −log d',
          x: [-8, 8],
          y: [-8, 8],
          tall: 250,
          names: ['logit of d', ''],
        },
        row,
      );
      const track = s.plot(
        {
          title: 'Distance of q from p',
          note: 'by step',
          x: [0, 150],
          y: [0, 8],
          tall: 250,
          names: ['steps', ''],
        },
        row,
      );
      plot.handle({
        name: 'Logit of the discriminator',
        tone: 'ink',
        axis: 'x',
        step: [0.2, 0],
        at: () => [s.state.logit, -7.4],
        move: x => s.set({ logit: +x.toFixed(2) }),
        say: () => `d = ${M.sigmoid(s.state.logit).toPrecision(3)}`,
        range: () => [s.state.logit, -8, 8],
      });
      const formula = s.formula(
        'd log(1 − σ(*t*)) / d*t* = −σ(*t*) = {sat},    d(−log σ(*t*)) / d*t* = −(1 − σ(*t*)) = {live}',
      );
      const xs = M.grid(-8, 8, 161),
        one = m => ({ means: [m], widths: [1], weights: [1] });
      let race = null,
        key = '';
      const loop = s.loop(
        () => {
          const next = {};
          for (const kind of ['saturating', 'lively']) {
            const at = race.at(-1)[kind];
            next[kind] = M.clamp(at - s.state.rate * G.pull(kind, one(0), one(at)), -9, 9);
          }
          race.push(next);
          return race.length <= 150;
        },
        play,
        ['Race', 'Pause'],
      );
      s.reset = () => {
        race = null;
      };
      return () => {
        const { logit, far, rate } = s.state,
          now = `${far},${rate}`,
          { saturating, lively } = G.LOSSES;
        if (!race || now !== key) {
          key = now;
          race = [{ saturating: far, lively: far }];
        }
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            for (const [loss, tone] of [
              [saturating, 'r'],
              [lively, 'q'],
            ]) {
              pen.line(xs, Array.from(xs, loss.f), tone, { width: 2.4 });
              const y = loss.f(logit),
                k = loss.slope(logit);
              pen.line([logit - 2.5, logit + 2.5], [y - 2.5 * k, y + 2.5 * k], tone, {
                width: 1.4,
                dash: [5, 4],
              });
              pen.dots([logit], [y], tone, { radius: 5 });
            }
          });
          pen.rule(logit, 'soft');
        });
        const steps = race.map((_, k) => k);
        track.y = [0, Math.max(1, far * 1.1)];
        track.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(
              steps,
              race.map(r => Math.abs(r.saturating)),
              'r',
              { width: 2.4 },
            );
            pen.line(
              steps,
              race.map(r => Math.abs(r.lively)),
              'q',
              { width: 2.4 },
            );
          });
        });
        const v = { sat: saturating.slope(logit), live: lively.slope(logit) };
        numbers({
          d: M.sigmoid(logit),
          ...v,
          psat: G.pull('saturating', one(0), one(far)),
          plive: G.pull('lively', one(0), one(far)),
        });
        formula(v);
      };
    },
  };

  const transport = {
    key: 'transport',
    title: 'Transport',
    words:
      'Wasserstein’s distance in its two forms, side by side: a plan that carries q to p at least cost, and a critic of slope at most 1 that tells them apart best.',
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
        'The two sums are equal at their best: the dual is what a Wasserstein critic estimates. Even with disjoint supports it has a slope that says where to go.',
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
        'W_1 = min_{plan} Σ_{ij} *T*_{ij} |*i* − *j*| = {primal} = max_{|f′| ≤ 1} E_p *f* − E_q *f*; this critic gains {dual}',
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
  };
  return { state, scenes: [worth, gradients, transport] };
})();
