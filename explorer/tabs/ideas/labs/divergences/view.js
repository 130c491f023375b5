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
  const FORMULAS = {
    kl: 'KL(*p*‖*q*) = ∫ *p* log [[*p*|*q*]] d*x* = {value}',
    reverse: 'KL(*q*‖*p*) = ∫ *q* log [[*q*|*p*]] d*x* = {value}',
    js: 'JS(*p*, *q*) = ½ KL(*p*‖*m*) + ½ KL(*q*‖*m*) = {value}, *m* = ½(*p* + *q*)',
    tv: 'TV(*p*, *q*) = ½ ∫ |*p* − *q*| d*x* = {value}',
    w1: 'W_1(*p*, *q*) = ∫ |*F*_p(*x*) − *F*_q(*x*)| d*x* = {value}',
    mmd: 'MMD^2 = ∫∫ (*p* − *q*)(*x*) *k*(*x*, *y*) (*p* − *q*)(*y*) d*x* d*y*,   MMD = {value}',
  };
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
  const why = (p, q) => {
    const only = (a, b) =>
      Array.from(a, (v, i) => (v > 0 && b[i] <= 0 ? i : -1)).filter(i => i >= 0);
    const first = only(p, q),
      second = only(q, p),
      parts = [];
    if (first.length)
      parts.push(
        `KL(p‖q) is infinite: at x = ${first.join(', ')} p has probability and q has none, and log(p/0) is infinite.`,
      );
    if (second.length)
      parts.push(
        `KL(q‖p) is infinite: at x = ${second.join(', ')} q has probability and p has none.`,
      );
    if (!parts.length)
      parts.push('Both KL are finite: wherever one has probability, so has the other.');
    return parts.join(' ');
  };

  const bars = {
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
        'The term p log(p/q) is negative where q is larger. The sum never is: KL is zero for equal distributions and positive for all others.',
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
        'KL(*p*‖*q*) = Σ_x *p*(*x*) log [[*p*(*x*)|*q*(*x*)]] = {kl} nats = {bits} extra bits a symbol for using the code of *q*',
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
  };

  const side = (state, w) => {
    const m = state[w + 'm'],
      width = state[w + 'w'],
      d = state[w + 'd'],
      k = state[w + 'k'],
      cut = state[w + 'cut'];
    const ends = cut >= 6 ? [-Infinity, Infinity] : [m - cut, m + cut];
    return k > 0
      ? D.curve([m, m + d], [width, width], [1 - k, k], ...ends)
      : D.curve([m], [width], [1], ...ends);
  };
  const curves = {
    key: 'curves',
    title: 'Curves',
    words:
      'Move the dots: sideways moves a curve, up and down squeezes it. The sliders give it a second mode or cut it off.',
    build(s) {
      s.choice('show', { label: 'Integrand of', options: MEASURES });
      for (const w of ['p', 'q']) {
        s.slider(w + 'k', { label: `Weight of ${w}'s second mode` });
        s.slider(w + 'd', {
          label: `How far off the second mode`,
          step: 0.05,
          when: () => s.state[w + 'k'] > 0,
        });
        s.slider(w + 'cut', { label: `Cut ${w} off at a distance of`, step: 0.05 });
      }
      s.text('A cut at 6 is no cut.');
      const numbers = s.numbers(ROWS),
        status = s.status();
      const plot = s.plot({
        title: 'Densities',
        x: [-7, 7],
        y: [0, 0.5],
        tall: 230,
        names: ['x', ''],
      });
      const below = s.plot({
        title: 'Integrand',
        x: [-7, 7],
        y: [-0.2, 0.3],
        tall: 150,
        names: ['x', ''],
      });
      const formulas = Object.fromEntries(
        Object.entries(FORMULAS).map(([k, f]) => {
          const node = s.el('div');
          s.stage.append(node);
          return [k, { node, set: s.formula(f, node) }];
        }),
      );
      let top = 0.5;
      for (const w of ['p', 'q']) {
        plot.handle({
          name: `${w}: mean and width`,
          tone: w,
          step: [0.1, 0.02],
          at: () => [
            s.state[w + 'm'],
            Math.min(top * 0.98, D.density(side(s.state, w), s.state[w + 'm'])),
          ],
          // The dot sits on the curve: a higher one is a narrower curve.
          move: (x, y) => {
            const now = D.density(side(s.state, w), s.state[w + 'm']);
            s.set({
              [w + 'm']: +x.toFixed(3),
              [w + 'w']: +M.clamp((s.state[w + 'w'] * now) / Math.max(0.03, y), 0.2, 3).toFixed(4),
            });
          },
          say: () => `mean ${s.state[w + 'm'].toFixed(2)}, width ${s.state[w + 'w'].toFixed(2)}`,
          range: () => [s.state[w + 'm'], -5, 5],
        });
      }
      const xs = M.grid(-7, 7, 281);
      return () => {
        const p = side(s.state, 'p'),
          q = side(s.state, 'q'),
          v = D.ofCurves(p, q),
          name = s.state.show;
        const a = Array.from(xs, x => D.density(p, x)),
          b = Array.from(xs, x => D.density(q, x));
        top = Math.max(0.45, Math.min(2.2, 1.1 * Math.max(...a, ...b)));
        plot.y = [0, top];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.area(xs, a, 'p');
            pen.area(xs, b, 'q');
            pen.line(xs, a, 'p');
            pen.line(xs, b, 'q');
          });
        });
        const each = D.integrand(name, p, q, xs);
        const finite = each.filter(Number.isFinite);
        below.y = [
          Math.min(-0.05, Math.max(-2, ...[Math.min(...finite)])) * 1.15,
          Math.min(3, Math.max(0.1, ...finite)) * 1.2,
        ];
        below.title(`Integrand of ${MEASURES.find(([k]) => k === name)[1]}`);
        below.draw(pen => {
          pen.axes();
          pen.rule(0, 'soft', { level: true, dash: [] });
          pen.clip(() => {
            const shown = each.map(v => (v === Infinity ? below.y[1] * 2 : v));
            pen.area(
              xs,
              shown.map(v => Math.max(0, v)),
              'r',
              { alpha: 0.3 },
            );
            pen.area(
              xs,
              shown.map(v => Math.min(0, v)),
              's',
              { alpha: 0.3 },
            );
            pen.line(xs, shown, 'r', { width: 1.6 });
          });
        });
        numbers(v);
        for (const [k, f] of Object.entries(formulas)) f.node.hidden = k !== name;
        formulas[name].set({ value: v[name] });
        const parts = [];
        if (v.kl === Infinity)
          parts.push(
            'KL(p‖q) is infinite: p has mass beyond the cut of q, where log(p/q) is infinite.',
          );
        if (v.reverse === Infinity)
          parts.push('KL(q‖p) is infinite: q has mass beyond the cut of p.');
        status(parts.join(' ') || 'Both KL are finite: neither has mass where the other has none.');
        plot.say(`Densities p and q; KL(p‖q) ${s.words(v.kl)}, KL(q‖p) ${s.words(v.reverse)} nats`);
      };
    },
  };

  const pair = (shape, d) =>
    shape === 'boxes'
      ? [
          D.curve([-d / 2], [30], [1], -d / 2 - 0.5, -d / 2 + 0.5),
          D.curve([d / 2], [30], [1], d / 2 - 0.5, d / 2 + 0.5),
        ]
      : [D.curve([-d / 2], [0.4]), D.curve([d / 2], [0.4])];
  const apart = {
    key: 'apart',
    title: 'Slide apart',
    words: 'Slide the two apart, and watch what each measure still notices.',
    build(s) {
      s.choice('shape', {
        label: 'Shape',
        options: [
          ['boxes', 'Boxes of width 1'],
          ['normals', 'Normals, width 0.4'],
        ],
      });
      s.slider('apart', { label: 'Distance between them' });
      s.text(
        'A slope of zero is a gradient of zero: a model that is trained by such a measure learns nothing about the way to go.',
      );
      const plot = s.plot({
        title: 'p and q',
        x: [-4, 4],
        y: [0, 1.3],
        tall: 150,
        names: ['x', ''],
      });
      plot.handle({
        name: 'Distance between p and q',
        tone: 'q',
        axis: 'x',
        step: [0.05, 0],
        at: () => [s.state.apart / 2, s.state.shape === 'boxes' ? 1 : 0.997],
        move: x => s.set({ apart: +(2 * x).toFixed(3) }),
        say: () => `distance ${s.state.apart.toFixed(2)}`,
        range: () => [s.state.apart, 0, 6],
      });
      const numbers = s.numbers(ROWS);
      const row = s.row(250),
        tops = { kl: 40, reverse: 40, js: 0.8, tv: 1.15, w1: 6.2, mmd: 1.5 };
      const small = ROWS.map(([k, title]) => [
        k,
        s.plot({ title, x: [0, 6], y: [0, tops[k]], tall: 130, names: ['distance', ''] }, row),
      ]);
      const formula = s.formula(
        'slope at this distance: JS {js}, total variation {tv}, MMD {mmd}, Wasserstein-1 {w1}',
      );
      const ds = M.grid(0, 6, 121),
        kept = {};
      const along = shape =>
        (kept[shape] ??= Object.fromEntries(
          D.NAMES.map(k => [k, Array.from(ds, d => D.measure[k](...pair(shape, d)))]),
        ));
      const xs = M.grid(-4, 4, 321);
      return () => {
        const { shape, apart: d } = s.state,
          [p, q] = pair(shape, d),
          v = D.ofCurves(p, q),
          lines = along(shape);
        plot.draw(pen => {
          pen.axes();
          for (const [one, tone] of [
            [p, 'p'],
            [q, 'q'],
          ]) {
            const ys = Array.from(xs, x => D.density(one, x));
            pen.area(xs, ys, tone, { alpha: 0.25 });
            pen.line(xs, ys, tone);
          }
        });
        for (const [k, one] of small) {
          one.draw(pen => {
            pen.axes();
            pen.clip(() =>
              pen.line(
                ds,
                lines[k].map(y => (y === Infinity ? NaN : y)),
                'ink',
              ),
            );
            pen.rule(d, 'q');
            if (v[k] === Infinity) pen.text('∞', d + 0.1, tops[k] * 0.5, 'ink');
            else pen.dots([d], [v[k]], 'q', { radius: 5 });
          });
          one.note(v[k] === Infinity ? 'infinite' : '');
        }
        const slope = k => {
          const a = Math.max(0, d - 1e-3),
            b = Math.min(6, d + 1e-3);
          return (D.measure[k](...pair(shape, b)) - D.measure[k](...pair(shape, a))) / (b - a);
        };
        numbers(v);
        formula({ js: slope('js'), tv: slope('tv'), mmd: slope('mmd'), w1: slope('w1') });
      };
    },
  };

  const fit = {
    key: 'fit',
    title: 'Fit',
    words:
      'One normal q for a p of two modes, fitted by six measures from the same start. Which ones cover both modes, which choose one?',
    build(s) {
      const [play] = s.buttons(['Fit', () => 0, 'main'], ['Back to the start', () => reset()]);
      s.slider('gap', { label: 'Distance between the modes of p', step: 0.05 });
      s.slider('width', { label: 'Width of each mode' });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('m', { label: 'Start: mean of q', step: 0.05 });
      s.slider('s', { label: 'Start: width of q', step: 0.05 });
      s.text(
        'KL(p‖q) is what maximum likelihood minimises. It asks for mass wherever p has some, so q covers. KL(q‖p) punishes mass where p has none, so q seeks one mode.',
      );
      const status = s.status(),
        row = s.row(270),
        xs = M.grid(-8, 8, 241);
      const plots = ROWS.map(([k, title]) => [
        k,
        s.plot({ title, x: [-8, 8], y: [0, 0.5], tall: 150, names: ['x', ''] }, row),
      ]);
      const numbers = s.numbers([
        ['cover', 'KL(p‖q) ends at', 'mean, width', 'p'],
        ['seek', 'KL(q‖p) ends at', 'mean, width', 'q'],
        ['moments', 'Mean, width of p', 'where KL(p‖q) must end'],
      ]);
      let at = null,
        value = null,
        steps = 0,
        key = '';
      const target = () =>
        D.curve(
          [-s.state.gap / 2, s.state.gap / 2],
          [s.state.width, s.state.width],
          [s.state.weight, 1 - s.state.weight],
        );
      const reset = () => {
        loop.stop();
        at = null;
        s.changed();
      };
      s.reset = () => {
        at = null;
      };
      const loop = s.loop(
        () => {
          let moved = 0;
          for (const k of D.NAMES) {
            const next = D.descend(value, k, at[k]);
            at[k] = next.at;
            moved = Math.max(moved, next.moved);
          }
          steps++;
          return moved > 2e-4 && steps < 600;
        },
        play,
        ['Fit', 'Pause'],
      );
      return () => {
        const now = ['gap', 'width', 'weight', 'm', 's'].map(k => s.state[k]).join();
        if (!at || now !== key) {
          loop.stop();
          key = now;
          steps = 0;
          value = D.fitter(target());
          at = Object.fromEntries(D.NAMES.map(k => [k, [s.state.m, s.state.s]]));
        }
        const p = target(),
          a = Array.from(xs, x => D.density(p, x)),
          top = Math.max(...a);
        for (const [k, plot] of plots) {
          const q = D.curve([at[k][0]], [at[k][1]]),
            b = Array.from(xs, x => D.density(q, x));
          plot.y = [0, Math.max(top * 1.3, 0.2)];
          plot.draw(pen => {
            pen.axes();
            pen.area(xs, a, 'p');
            pen.line(xs, a, 'p', { width: 1.4 });
            pen.clip(() => pen.line(xs, b, 'q', { width: 2.4 }));
          });
          plot.note(s.words(D.measure[k](p, q)));
        }
        const { gap, width, weight } = s.state,
          mean = (gap / 2) * (1 - 2 * weight);
        const spread = Math.sqrt(width ** 2 + gap ** 2 * weight * (1 - weight));
        const two = v => v.map(x => s.words(x, 2)).join(', ');
        numbers({ cover: two(at.kl), seek: two(at.reverse), moments: two([mean, spread]) });
        status(
          steps
            ? `${steps} steps${loop.on ? '' : ', at rest'}.`
            : 'Press Fit: all six go downhill by gradient steps on mean and width.',
        );
      };
    },
  };

  const game = {
    key: 'game',
    title: 'Game',
    words:
      'Reach the wanted KL(p‖q) in as few moves as you can. A move is one drag of one bar of q.',
    build(s) {
      let moves = 0,
        done = false,
        best = null,
        round = null;
      const fresh = seed => {
        const rng = M.random(seed),
          p = D.normalised(Array.from({ length: 8 }, () => 0.15 + rng.uniform()));
        return { p, q: Array(8).fill(1 / 8), goal: [0.2, 0.35, 0.5, 0.75, 1][rng.below(5)] };
      };
      const begin = () => {
        round = fresh(s.state.seed);
        moves = 0;
        done = false;
        s.set({ p: round.p, q: round.q });
      };
      s.buttons(
        [
          'New game',
          () => {
            s.state.seed = (s.state.seed % 9999) + 1;
            begin();
          },
          'main',
        ],
        ['This one again', begin],
      );
      s.text(
        'Within 0.01 nats counts as reached. Can you do it in one move? How small can KL(p‖q) be, and how large?',
      );
      s.choice('show', { label: 'Show the terms of', options: MEASURES });
      const numbers = s.numbers([
        ['goal', 'Wanted', 'nats'],
        ['now', 'KL(p‖q) now', 'nats', 'r'],
        ['moves', 'Moves'],
        ['best', 'Best so far'],
      ]);
      const status = s.status();
      const drop = () => {
        if (done) return;
        moves++;
        if (Math.abs(D.kl(s.state.p, s.state.q) - round.goal) <= 0.01) {
          done = true;
          best = best === null ? moves : Math.min(best, moves);
        }
        s.changed();
      };
      const row = s.row(300);
      const plot = s.plot(
        { title: 'p, as it is', x: [-0.5, 7.5], y: [0, 0.6], tall: 190, names: ['x', ''] },
        row,
      );
      const draw = barPlot(s, row, 'q', 'p', 'q', 'q, drag these', drop),
        under = barIntegrand(s, s.stage);
      s.reset = () => {
        round = null;
      };
      return () => {
        if (!round) {
          round = fresh(s.state.seed);
          moves = 0;
          done = false;
          s.state.p = round.p;
          s.state.q = round.q;
        }
        draw();
        under();
        plot.y = [0, Math.max(0.4, ...s.state.p, ...s.state.q) * 1.12];
        plot.draw(pen => {
          pen.axes();
          pen.bars(-0.5, 1, s.state.p, 'p', { alpha: 0.55 });
        });
        const now = D.kl(s.state.p, s.state.q);
        numbers({
          goal: round.goal,
          now,
          moves: String(moves),
          best: best === null ? '–' : String(best),
        });
        status(
          done
            ? `Reached in ${moves} ${moves === 1 ? 'move' : 'moves'}.`
            : now < round.goal
              ? 'Too close: move q away from p.'
              : now > round.goal
                ? 'Too far: bring q nearer to p.'
                : '',
        );
      };
    },
  };
  return { state, scenes: [bars, curves, apart, fit, game] };
})();
