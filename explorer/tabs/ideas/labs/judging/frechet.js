{
  const J = IDEAS.judging,
    M = IDEAS.maths;

  IDEAS.views.judging.scenes.push({
    key: 'frechet',
    title: 'Fréchet distance',
    words:
      'It compares means and covariances of features, and nothing else. Drag the model’s ' +
      'ellipse onto the real one. The next step shows shapes that it cannot tell apart.',
    build(s) {
      s.slider('mx', { label: 'Mean, x', step: 0.05 });
      s.slider('my', { label: 'Mean, y', step: 0.05 });
      s.slider('a', { label: 'Long axis', step: 0.05 });
      s.slider('b', { label: 'Short axis', step: 0.05 });
      s.slider('turn', { label: 'Turned by', step: 1, whole: true, unit: 'degrees' });
      s.slider('n', { label: 'Samples that are compared', log: true, whole: true });
      s.buttons(
        ['Same mean and covariance', () => s.set({ mx: 0, my: 0, a: 1.5, b: 0.6, turn: 20 })],
        ['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })],
      );
      s.text(
        'From few samples the distance comes out too large, by an amount that falls as 1/n. ' +
          'Never compare distances of different n.',
      );
      const numbers = s.numbers([
        ['exact', 'Fréchet distance', 'of the two normals', 'p'],
        ['means', 'By the means', '', 'q'],
        ['spreads', 'By the covariances', '', 'r'],
        ['found', 'From n samples', 'mean of 8 draws'],
        ['floor', 'Of equal ones', 'from n samples, mean of 20 draws'],
      ]);
      const row = s.row(330),
        plot = s.plot(
          {
            title: 'Features',
            note: 'orange: real, blue: model',
            x: [-4, 4],
            y: [-4, 4],
            tall: 340,
            square: true,
            names: ['', ''],
          },
          row,
        );
      const bias = s.plot(
        {
          title: 'Distance by number of samples',
          note: 'dots: single draws',
          x: [0.69, 3.71],
          y: [0, 4],
          tall: 340,
          log: 'x',
          names: ['n', ''],
        },
        row,
      );
      const model = () => ({
          m: [s.state.mx, s.state.my],
          a: s.state.a,
          b: s.state.b,
          turn: (s.state.turn * Math.PI) / 180,
        }),
        real = { m: [0, 0], a: 1.5, b: 0.6, turn: (20 * Math.PI) / 180 },
        floors = {};
      plot.handle({
        name: "Model's mean",
        tone: 'q',
        step: [0.05, 0.05],
        at: () => [s.state.mx, s.state.my],
        move: (x, y) => s.set({ mx: +x.toFixed(3), my: +y.toFixed(3) }),
        say: () => `mean ${s.state.mx.toFixed(2)}, ${s.state.my.toFixed(2)}`,
        range: () => [s.state.mx, -3, 3],
      });
      plot.handle({
        name: "Model's long axis and turn",
        tone: 'q',
        step: [0.05, 0.05],
        at: () => {
          const g = model();
          return [g.m[0] + g.a * Math.cos(g.turn), g.m[1] + g.a * Math.sin(g.turn)];
        },
        move: (x, y) => {
          const dx = x - s.state.mx,
            dy = y - s.state.my;
          let turn = (Math.atan2(dy, dx) * 180) / Math.PI;
          if (turn > 90) turn -= 180;
          if (turn < -90) turn += 180;
          s.set({ a: +Math.hypot(dx, dy).toFixed(3), turn: Math.round(turn) });
        },
        say: () => `long axis ${s.state.a.toFixed(2)}, turned by ${s.state.turn} degrees`,
        range: () => [s.state.a, 0.05, 2.5],
      });
      plot.handle({
        name: "Model's short axis",
        tone: 'q',
        step: [0.05, 0.05],
        at: () => {
          const g = model();
          return [g.m[0] - g.b * Math.sin(g.turn), g.m[1] + g.b * Math.cos(g.turn)];
        },
        move: (x, y) => {
          const g = model();
          s.set({
            b: +Math.abs(
              -(x - g.m[0]) * Math.sin(g.turn) + (y - g.m[1]) * Math.cos(g.turn),
            ).toFixed(3),
          });
        },
        say: () => `short axis ${s.state.b.toFixed(2)}`,
        range: () => [s.state.b, 0.05, 2.5],
      });
      const formula = s.formula(
        'FD = |μ − μ′|^2 + tr( Σ + Σ′ − 2 (Σ Σ′)^{½} ) = {means} + {spreads} = {exact}',
      );
      return () => {
        const g = model(),
          S = J.covariance(real),
          T = J.covariance(g),
          exact = J.frechet(real.m, S, g.m, T),
          means = g.m[0] ** 2 + g.m[1] ** 2,
          n = Math.round(s.state.n),
          rng = M.random(s.state.seed);
        const p = J.gaussian(Math.min(n, 300), real, rng),
          q = J.gaussian(Math.min(n, 300), g, rng);
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.dots(
              p.map(v => v[0]),
              p.map(v => v[1]),
              'p',
              { radius: 1.8, alpha: 0.6 },
            );
            pen.dots(
              q.map(v => v[0]),
              q.map(v => v[1]),
              'q',
              { radius: 1.8, alpha: 0.6 },
            );
            pen.ellipse(0, 0, real.a, real.b, real.turn, 'p', { fill: 0.1 });
            pen.ellipse(g.m[0], g.m[1], g.a, g.b, g.turn, 'q', { fill: 0.1 });
          });
        });
        const sizes = [5, 10, 20, 50, 100],
          draws = [];
        for (const k of sizes)
          for (let r = 0; r < 6; r++) draws.push([k, J.sampledFrechet(k, real, g, rng)]);
        bias.y = [0, Math.max(0.5, 1.1 * Math.max(...draws.map(d => d[1])))];
        const many = Math.min(n, 300),
          found = M.mean(Array.from({ length: 8 }, () => J.sampledFrechet(many, real, g, rng)));
        const floor = (floors[`${many},${s.state.seed}`] ??= M.mean(
          Array.from({ length: 20 }, () => J.sampledFrechet(many, real, real, rng)),
        ));
        bias.draw(pen => {
          pen.axes();
          pen.rule(exact, 'p', { level: true, text: 'exact' });
          pen.dots(
            draws.map(d => d[0]),
            draws.map(d => d[1]),
            's',
            { radius: 2.5, alpha: 0.7 },
          );
          pen.line(
            sizes,
            sizes.map(k => M.mean(draws.filter(d => d[0] === k).map(d => d[1]))),
            'q',
            { width: 2.4 },
          );
          pen.rule(Math.min(n, 5000), 'soft');
        });
        numbers(
          { exact, means, spreads: exact - means, found, floor },
          { found: `mean of 8 draws of ${many}`, floor: `from ${many} samples` },
        );
        formula({ exact, means, spreads: exact - means });
        plot.say(`Ellipses of the real features and the model; Fréchet distance ${s.words(exact)}`);
      };
    },
  });
}
