IDEAS.views.likelihood = (() => {
  const L = IDEAS.likelihood,
    M = IDEAS.maths,
    { number, one, list } = IDEAS.state;
  const state = {
    tosses: list([1, 1, 0, 1, 0], 0, 1, 40, 1),
    theta: number(0.5, 0, 1),
    scale: one('log', 'plain'),
    m: number(-1.5, -6, 6),
    s: number(2.2, 0.2, 6),
    n: number(60, 1, 500),
    seed: number(1, 1, 9999),
    rate: number(0.3, 0.001, 30),
    batch: one('all', 'eight', 'one'),
    w: number(0.7, 0.5, 0.95),
    a: number(-0.5, -5, 5),
    b: number(0.4, -5, 5),
    gap: number(4, 0, 6),
    mrate: number(0.5, 0.01, 3),
  };
  const BATCH = { all: 0, eight: 8, one: 1 };

  const coin = {
    key: 'coin',
    title: 'A coin',
    words: 'Five tosses: H H T H T. Flip them, add some, and move θ to where they are likeliest.',
    build(s) {
      const coins = s.el('div', { class: 'coins', role: 'group', 'aria-label': 'Tosses' });
      s.side.append(
        s.el(
          'div',
          { class: 'field' },
          s.el('span', { class: 'name' }, 'Tosses, press one to flip it'),
          coins,
        ),
      );
      coins.style.gridColumn = '1 / -1';
      s.buttons(
        [
          'Add a toss',
          () => {
            if (s.state.tosses.length < 40) s.set({ tosses: [...s.state.tosses, 1] });
          },
        ],
        [
          'Take one away',
          () => {
            if (s.state.tosses.length > 1) s.set({ tosses: s.state.tosses.slice(0, -1) });
          },
        ],
        [
          'Double them all',
          () => {
            if (s.state.tosses.length <= 20)
              s.set({ tosses: [...s.state.tosses, ...s.state.tosses] });
          },
        ],
      );
      s.slider('theta', { label: 'Probability of heads, θ' });
      s.text(
        'The product of many small numbers soon leaves what a computer can write. Its logarithm is a sum, has the same maximum, and its slopes add up toss by toss.',
      );
      const numbers = s.numbers([
        ['l', 'Likelihood', 'at θ', 'p'],
        ['ll', 'Log-likelihood', 'nats, at θ', 'q'],
        ['best', 'Likeliest θ', 'heads / tosses'],
        ['slope', 'Slope at θ', 'of the log-likelihood'],
      ]);
      const row = s.row(330),
        xs = M.grid(0, 1, 401);
      const plain = s.plot(
        { title: 'Likelihood', x: [0, 1], y: [0, 0.05], tall: 230, names: ['θ', ''] },
        row,
      );
      const log = s.plot(
        { title: 'Log-likelihood', x: [0, 1], y: [-20, 0], tall: 230, names: ['θ', ''] },
        row,
      );
      const at = () => s.state.theta;
      for (const [plot, value, tone] of [
        [plain, t => Math.exp(L.coinLog(s.state.tosses, t)), 'p'],
        [log, t => Math.max(log.y[0], L.coinLog(s.state.tosses, t)), 'q'],
      ]) {
        plot.handle({
          name: `θ on the ${plot === plain ? 'likelihood' : 'log-likelihood'}`,
          tone,
          axis: 'x',
          step: [0.01, 0],
          at: () => [at(), value(at())],
          move: x => s.set({ theta: +M.clamp(x, 0, 1).toFixed(3) }),
          say: () => `θ = ${at().toFixed(2)}`,
          range: () => [at(), 0, 1],
        });
      }
      const formula = s.formula(
        'log *p*(tosses) = {h} log θ + {t} log(1 − θ) = {ll}, highest at θ = {h} / {n} = {best}',
      );
      let shown = '';
      return () => {
        const { tosses, theta } = s.state;
        if (tosses.join() !== shown) {
          shown = tosses.join();
          const focus = [...coins.children].indexOf(document.activeElement);
          coins.replaceChildren(
            ...tosses.map((v, k) => {
              const b = s.el(
                'button',
                {
                  type: 'button',
                  'aria-pressed': String(v === 1),
                  'aria-label': `Toss ${k + 1}: ${v ? 'heads' : 'tails'}`,
                },
                v ? 'H' : 'T',
              );
              b.onclick = () =>
                s.set({ tosses: s.state.tosses.map((x, j) => (j === k ? 1 - x : x)) });
              return b;
            }),
          );
          coins.children[focus]?.focus();
        }
        const h = M.sum(tosses),
          t = tosses.length - h,
          best = L.coinBest(tosses),
          ll = L.coinLog(tosses, theta),
          top = L.coinTop(tosses);
        plain.y = [0, Math.exp(top) * 1.15];
        log.y = [top - Math.max(8, tosses.length * 1.2), Math.max(0, top + 1)];
        const slope = (h ? h / theta : 0) - (t ? t / (1 - theta) : 0);
        plain.draw(pen => {
          pen.axes();
          const ys = Array.from(xs, x => Math.exp(L.coinLog(tosses, x)));
          pen.area(xs, ys, 'p');
          pen.line(xs, ys, 'p');
          pen.rule(best, 'soft', { text: `θ = ${s.words(best, 2)}` });
        });
        log.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(
              xs,
              Array.from(xs, x => L.coinLog(tosses, x)),
              'q',
            );
            if (Number.isFinite(slope))
              pen.line([theta - 0.1, theta + 0.1], [ll - 0.1 * slope, ll + 0.1 * slope], 'r', {
                width: 2,
              });
          });
          pen.rule(best, 'soft');
        });
        numbers({ l: Math.exp(ll), ll, best, slope });
        formula({ h: String(h), t: String(t), n: String(tosses.length), ll, best });
        plain.say(`Likelihood of θ; highest at ${s.words(best, 2)}`);
        log.say(`Log-likelihood of θ; ${s.words(ll, 2)} at ${s.words(theta, 2)}`);
      };
    },
  };

  const normal = {
    key: 'normal',
    title: 'A normal',
    words:
      'Fit the curve to the points by hand. Then let gradient steps do it: with all points, eight or one at a time.',
    build(s) {
      const [play, once] = s.buttons(
        ['Climb', () => 0, 'main'],
        ['One step', () => advance()],
        [
          'Back',
          () => {
            trail = [];
            s.set({ m: -1.5, s: 2.2 });
          },
        ],
      );
      s.choice('batch', {
        label: 'Points in a step',
        options: [
          ['all', 'all'],
          ['eight', '8'],
          ['one', '1'],
        ],
      });
      s.slider('rate', { label: 'Step size', log: true });
      s.buttons(
        ['crawls', () => s.set({ rate: 0.01 })],
        ['settles', () => s.set({ rate: 0.4 })],
        ['jumps', () => s.set({ rate: 8 })],
      );
      s.slider('n', { label: 'Points', log: true, whole: true });
      s.buttons([
        'New points',
        () => {
          trail = [];
          s.set({ seed: (s.state.seed % 9999) + 1 });
        },
      ]);
      s.text(
        'A step with few points is cheap and points the right way only on average. Its noise does not die out unless the step size falls.',
      );
      const numbers = s.numbers([
        ['ll', 'Log-likelihood', 'nats a point', 'q'],
        ['top', 'The best there is', 'nats a point'],
        ['best', 'Best mean, width', ''],
        ['noise', 'Noise of a step', 'of the gradient in the mean'],
        ['steps', 'Steps', ''],
      ]);
      const status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        { title: 'Points and curve', x: [-7, 7], y: [0, 0.5], tall: 240, names: ['x', ''] },
        row,
      );
      const map = s.plot(
        {
          title: 'Log-likelihood',
          note: 'of mean and width; the way of the steps',
          x: [-6, 6],
          y: [0.2, 4],
          tall: 240,
          names: ['mean', 'width'],
        },
        row,
      );
      const line = s.plot({
        title: 'Log-likelihood by step',
        x: [0, 60],
        y: [-4, -1],
        tall: 130,
        names: ['steps', ''],
      });
      const formula = s.formula(
        'Δ*m* = {rate} · [[1|*n*]] Σ_i [[*x*_i − *m*|*s*^2]] = {rate} · {gm}, Δlog *s* = {rate} · {gs}',
      );
      let trail = [],
        points = [],
        key = '',
        field = null,
        rng = M.random(7);
      plot.handle({
        name: 'Mean and width of the curve',
        tone: 'q',
        step: [0.1, 0.01],
        at: () => [s.state.m, M.normalPdf(0, 0, s.state.s)],
        move: (x, y) => {
          trail = [];
          s.set({ m: +x.toFixed(3), s: +(0.3989422804 / Math.max(0.06, y)).toFixed(4) });
        },
        say: () => `mean ${s.state.m.toFixed(2)}, width ${s.state.s.toFixed(2)}`,
        range: () => [s.state.m, -6, 6],
      });
      map.handle({
        name: 'Mean and width on the map',
        tone: 'q',
        step: [0.1, 0.05],
        at: () => [M.clamp(s.state.m, -6, 6), M.clamp(s.state.s, 0.2, 4)],
        move: (x, y) => {
          trail = [];
          s.set({ m: +x.toFixed(3), s: +y.toFixed(3) });
        },
        say: () => `mean ${s.state.m.toFixed(2)}, width ${s.state.s.toFixed(2)}`,
        range: () => [s.state.m, -6, 6],
      });
      const advance = () => {
        const at = trail.at(-1) ?? [s.state.m, s.state.s],
          next = L.step(points, at, s.state.rate, BATCH[s.state.batch], rng);
        if (!trail.length) trail.push(at);
        trail.push(next);
        if (trail.length > 1500) trail.shift();
        s.set({ m: next[0], s: next[1] });
      };
      const loop = s.loop(
        () => {
          advance();
        },
        play,
        ['Climb', 'Pause'],
      );
      s.reset = () => {
        trail = [];
      };
      return () => {
        const { n, seed, m, s: width, rate, batch } = s.state,
          now = `${Math.round(n)},${seed}`;
        if (now !== key) {
          key = now;
          points = L.sample(Math.round(n), 0.8, 1.3, seed);
          // The map: shades by how far below the best, on a coarse grid.
          const N = points.length,
            mu = M.mean(points),
            v = M.variance(points),
            [, sd] = L.normalBest(points);
          const top = -0.5 * M.LOG_2PI - Math.log(Math.max(sd, 0.05)) - 0.5;
          field = new Float64Array(60 * 40);
          for (let j = 0; j < 40; j++) {
            for (let i = 0; i < 60; i++) {
              const a = -6 + (12 * (i + 0.5)) / 60,
                b = 0.2 + (3.8 * (j + 0.5)) / 40;
              const ll = -0.5 * M.LOG_2PI - Math.log(b) - (0.5 * (v + (mu - a) ** 2)) / (b * b);
              field[j * 60 + i] = 0.85 * Math.exp(-0.9 * Math.max(0, top - ll));
            }
          }
        }
        const [bm, bs] = L.normalBest(points),
          N = points.length,
          xs = M.grid(-7, 7, 281);
        const ll = L.normalLogLikelihood(points, m, width) / N,
          top = L.normalLogLikelihood(points, bm, Math.max(bs, 1e-9)) / N;
        plot.y = [0, Math.max(0.45, 1.15 * M.normalPdf(0, 0, width))];
        plot.draw(pen => {
          pen.axes();
          const ys = Array.from(xs, x => M.normalPdf(x, m, width));
          pen.area(xs, ys, 'q');
          pen.clip(() => pen.line(xs, ys, 'q'));
          pen.dots(
            points,
            points.map((_, k) => plot.y[1] * (0.02 + 0.03 * (k % 3))),
            'p',
            { radius: 2.5, alpha: 0.7 },
          );
        });
        map.draw(pen => {
          pen.shade(field, 60, 40, 's');
          pen.axes();
          pen.clip(() => {
            if (trail.length > 1)
              pen.line(
                trail.map(t => t[0]),
                trail.map(t => t[1]),
                'q',
                { width: 1.4 },
              );
            pen.dots([bm], [M.clamp(bs, 0.2, 4)], 'p', { radius: 5 });
          });
        });
        const each = trail.map(([a, b]) => L.normalLogLikelihood(points, a, b) / N);
        line.x = [0, Math.max(60, trail.length)];
        line.y = [Math.max(-6, Math.min(top - 1, ...each)), top + 0.1];
        line.draw(pen => {
          pen.axes();
          pen.rule(top, 'soft', { level: true });
          pen.clip(() =>
            pen.line(
              each.map((_, k) => k),
              each,
              'q',
            ),
          );
        });
        const g = L.normalGradient(points, m, width),
          size = BATCH[batch];
        const noise =
          size && size < N
            ? Math.sqrt(((M.variance(points) / size) * (N - size)) / Math.max(1, N - 1)) /
              (width * width)
            : 0;
        numbers({
          ll,
          top,
          best: `${s.words(bm, 2)}, ${s.words(bs, 2)}`,
          noise,
          steps: String(Math.max(0, trail.length - 1)),
        });
        formula({ rate: String(rate), gm: g[0], gs: g[1] });
        const kind = L.regime(rate, Math.max(bs, 0.05));
        status(
          N === 1
            ? 'One point: the likeliest width is 0, and the likelihood grows without limit.'
            : {
                crawls:
                  'This step size crawls: each step covers less than a tenth of what is left.',
                settles: 'This step size settles.',
                overshoots: 'This step size steps over the optimum and comes back, ever closer.',
                jumps: 'This step size jumps: near the optimum every step leads further away.',
              }[kind],
        );
      };
    },
  };

  const mixture = {
    key: 'mixture',
    title: 'A mixture',
    words:
      'Two normals of width 1 for points of two clusters. Choose a start: gradient steps end in the nearest optimum, not in the best one.',
    build(s) {
      const [play] = s.buttons(
        ['Climb', () => 0, 'main'],
        ['From 60 starts', () => scatter()],
        ['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 })],
      );
      s.slider('a', { label: 'First mean, a', step: 0.05 });
      s.slider('b', { label: 'Second mean, b', step: 0.05 });
      s.slider('w', { label: "Weight of the model's first part" });
      s.slider('gap', { label: 'Distance of the clusters', step: 0.1 });
      s.slider('mrate', { label: 'Step size', step: 0.01 });
      s.text(
        'The map is not a hill: swapping the two parts gives a second optimum, and with unequal weights it is a worse one. Equal starts stay equal for ever.',
      );
      const numbers = s.numbers([
          ['ll', 'Log-likelihood', 'nats a point', 'q'],
          ['top', 'Best on the map', 'nats a point'],
          ['good', 'Starts that reach it', 'of 60'],
        ]),
        status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        { title: 'Points and mixture', x: [-6, 6], y: [0, 0.35], tall: 300, names: ['x', ''] },
        row,
      );
      const map = s.plot(
        {
          title: 'Log-likelihood of a and b',
          x: [-5, 5],
          y: [-5, 5],
          tall: 300,
          square: true,
          names: ['a', 'b'],
        },
        row,
      );
      const formula = s.formula(
        '[[∂|∂*a*]] = [[1|*n*]] Σ_i *r*_i (*x*_i − *a*) = {ga}, with *r*_i the part of point *i* that belongs to a; [[∂|∂*b*]] = {gb}',
      );
      let points = [],
        key = '',
        field = null,
        best = null,
        starts = null,
        trail = [];
      const put = (a, b) => {
        trail = [];
        s.set({ a: +a.toFixed(3), b: +b.toFixed(3) });
      };
      map.handle({
        name: 'Means a and b',
        tone: 'q',
        step: [0.1, 0.1],
        at: () => [s.state.a, s.state.b],
        move: put,
        say: () => `a ${s.state.a.toFixed(2)}, b ${s.state.b.toFixed(2)}`,
        range: () => [s.state.a, -5, 5],
      });
      const scatter = () => {
        const rng = M.random(s.state.seed + 77);
        starts = Array.from({ length: 60 }, () => {
          const at = [10 * rng.uniform() - 5, 10 * rng.uniform() - 5];
          return { at, from: at };
        });
        loop.start();
      };
      const loop = s.loop(
        () => {
          let moved = 0;
          const go = at => {
            const next = L.mixtureStep(points, at, s.state.mrate, s.state.w);
            moved = Math.max(moved, Math.abs(next[0] - at[0]) + Math.abs(next[1] - at[1]));
            return next;
          };
          for (const one of starts ?? []) one.at = go(one.at);
          const next = go([s.state.a, s.state.b]);
          trail.push(next);
          s.set({ a: next[0], b: next[1] });
          return moved > 1e-5;
        },
        play,
        ['Climb', 'Pause'],
      );
      s.reset = () => {
        starts = null;
        trail = [];
      };
      return () => {
        const { seed, gap, w, a, b } = s.state,
          now = `${seed},${gap},${w}`;
        if (now !== key) {
          key = now;
          starts = null;
          trail = [];
          points = L.mixtureSample(60, [-gap / 2, gap / 2], 0.7, 1, seed);
          const n = 50,
            values = new Float64Array(n * n);
          best = null;
          for (let j = 0; j < n; j++) {
            for (let i = 0; i < n; i++) {
              const at = [-5 + (10 * (i + 0.5)) / n, -5 + (10 * (j + 0.5)) / n],
                ll = L.mixtureLog(points, at, w) / 60;
              values[j * n + i] = ll;
              if (!best || ll > best.ll) best = { ll, at };
            }
          }
          let at = best.at;
          for (let k = 0; k < 400; k++) at = L.mixtureStep(points, at, 0.6, w);
          best = { at, ll: L.mixtureLog(points, at, w) / 60 };
          field = values.map(v => 0.9 * Math.exp(-1.6 * (best.ll - v)));
        }
        const xs = M.grid(-6, 6, 241),
          ll = L.mixtureLog(points, [a, b], w) / 60;
        const part = (x, m, v) => v * M.normalPdf(x, m, 1);
        plot.draw(pen => {
          pen.axes();
          pen.bars(
            -6,
            0.5,
            M.histogram(points, -6, 6, 24).map(c => c / 60 / 0.5),
            'p',
            { alpha: 0.3 },
          );
          pen.line(
            xs,
            Array.from(xs, x => part(x, a, w)),
            'q',
            { width: 1.4, dash: [6, 3] },
          );
          pen.line(
            xs,
            Array.from(xs, x => part(x, b, 1 - w)),
            'r',
            { width: 1.4, dash: [2, 3] },
          );
          pen.line(
            xs,
            Array.from(xs, x => part(x, a, w) + part(x, b, 1 - w)),
            'ink',
          );
          pen.dots(
            points,
            points.map(() => 0.006),
            'p',
            { radius: 2.5, alpha: 0.7 },
          );
        });
        map.draw(pen => {
          pen.shade(field, 50, 50, 's');
          pen.axes();
          pen.clip(() => {
            if (trail.length > 1)
              pen.line(
                trail.map(t => t[0]),
                trail.map(t => t[1]),
                'q',
                { width: 1.4 },
              );
            if (starts)
              pen.dots(
                starts.map(o => o.at[0]),
                starts.map(o => o.at[1]),
                'r',
                { radius: 3.5, alpha: 0.8 },
              );
            pen.dots([best.at[0]], [best.at[1]], 'p', { radius: 5 });
          });
        });
        const g = L.mixtureGradient(points, [a, b], w);
        const good = starts?.filter(
          o => L.mixtureLog(points, o.at, w) / 60 > best.ll - 1e-3,
        ).length;
        numbers({ ll, top: best.ll, good: good === undefined ? '–' : String(good) });
        formula({ ga: g[0], gb: g[1] });
        const still = Math.hypot(...g) < 1e-3,
          low = ll < best.ll - 1e-3;
        status(
          loop.on
            ? 'Climbing.'
            : still && low
              ? `At rest, ${s.words(best.ll - ll)} nats a point below the best: a bad optimum or a saddle.`
              : still
                ? 'At rest in the best optimum.'
                : 'Press Climb, or drag the dot to another start.',
        );
      };
    },
  };
  return { state, scenes: [coin, normal, mixture] };
})();
