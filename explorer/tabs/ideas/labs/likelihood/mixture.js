{
  const L = IDEAS.likelihood,
    M = IDEAS.maths;

  IDEAS.views.likelihood.scenes.push({
    key: 'mixture',
    title: 'A mixture',
    words:
      'Two normals of width 1 for points of two clusters. Choose a start: gradient steps end ' +
      'in the nearest optimum, not in the best one.',
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
        'The map is not a hill: swapping the two parts gives a second optimum, and with ' +
          'unequal weights it is a worse one. Equal starts stay equal for ever.',
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
        '[[∂|∂*a*]] = [[1|*n*]] Σ_i *r*_i (*x*_i − *a*) = {ga}, with *r*_i the part of point ' +
          '*i* that belongs to a; [[∂|∂*b*]] = {gb}',
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
            s.trail(pen, trail);
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
              ? `At rest, ${s.words(best.ll - ll)} nats a point below the best: a bad optimum ` +
                `or a saddle.`
              : still
                ? 'At rest in the best optimum.'
                : 'Press Climb, or drag the dot to another start.',
        );
      };
    },
  });
}
