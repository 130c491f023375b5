{
  const L = IDEAS.likelihood,
    M = IDEAS.maths;
  const BATCH = { all: 0, eight: 8, one: 1 };

  IDEAS.views.likelihood.scenes.push({
    key: 'normal',
    title: 'A normal',
    words:
      'Fit the curve to the points by hand. Then let gradient steps do it: with all points, ' +
      'eight or one at a time.',
    build(s) {
      const [play] = s.buttons(
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
        'A step with few points is cheap and points the right way only on average. Its noise ' +
          'does not die out unless the step size falls.',
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
        'Δ*m* = {rate} · [[1|*n*]] Σ_i [[*x*_i − *m*|*s*^2]] = {rate} · {gm}, Δlog *s* = ' +
          '{rate} · {gs}',
      );
      let trail = [],
        points = [],
        key = '',
        field = null,
        rng = M.random(7);
      const fresh = () => {
        trail = [];
      };
      s.bell(plot, {
        name: 'Mean and width of the curve',
        mean: 'm',
        width: 's',
        least: 0.06,
        step: [0.1, 0.01],
        reach: 6,
        before: fresh,
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
      s.loop(
        () => {
          advance();
        },
        play,
        ['Climb', 'Pause'],
      );
      s.reset = fresh;
      return () => {
        const { n, seed, m, s: width, rate, batch } = s.state,
          now = `${Math.round(n)},${seed}`;
        if (now !== key) {
          key = now;
          points = L.sample(Math.round(n), 0.8, 1.3, seed);
          // The map: shades by how far below the best, on a coarse grid.
          const mu = M.mean(points),
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
            s.trail(pen, trail);
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
  });
}
