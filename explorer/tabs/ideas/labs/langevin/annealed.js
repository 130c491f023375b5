{
  const L = IDEAS.langevin,
    M = IDEAS.maths;

  IDEAS.views.langevin.scenes.push({
    key: 'annealed',
    title: 'Annealing',
    words:
      'The same points, left without and right with noise levels: first follow the score of ' +
      'a very noisy density, then of less and less noisy ones.',
    build(s) {
      const [play] = s.buttons(
        ['Run', () => 0, 'main'],
        [
          'From the start',
          () => {
            points = null;
            s.changed();
          },
        ],
      );
      s.choice('place', {
        label: 'Density',
        options: [
          ['two', 'two modes, 4 to 1'],
          ['ring', 'a ring of eight'],
          ['five', 'five, one is larger'],
        ],
      });
      s.slider('many', { label: 'Noise levels', step: 1, whole: true });
      s.slider('each', { label: 'Steps at each level', step: 1, whole: true });
      s.slider('rate', { label: 'Step size, as a part of the variance' });
      s.text(
        'At a high noise level the modes melt into one hill that any chain crosses. As the ' +
          'level falls each point is already in the right valley. Diffusion models are made of ' +
          'this idea.',
      );
      const numbers = s.numbers([
          ['level', 'Noise level now', '', 'q'],
          ['steps', 'Steps', 'the same for both'],
          ['without', 'Error without', 'of the shares of the modes', 'r'],
          ['with', 'Error with', 'of the shares of the modes', 'q'],
        ]),
        status = s.status(),
        row = s.row(300);
      const plain = s.plot(
        {
          title: 'Without noise levels',
          x: [-6, 6],
          y: [-6, 6],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const noisy = s.plot(
        {
          title: 'With noise levels',
          note: 'arrows: the score at this level',
          x: [-6, 6],
          y: [-6, 6],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const formula = s.formula(
        'σ_1 > … > σ_n: *x* ← *x* + ε_i ∇ log *p*_{σ_i}(*x*) + √(2 ε_i) · noise,   now σ = ' +
          '{sigma}, ε = {step}',
      );
      let points = null,
        key = '',
        step = 0,
        rng = M.random(5);
      const N = 400,
        total = () => Math.round(s.state.many) * Math.round(s.state.each);
      const plan = () => L.levels(6, 0.05, Math.round(s.state.many));
      const now = () =>
        plan()[Math.min(Math.round(s.state.many) - 1, Math.floor(step / Math.round(s.state.each)))];
      s.loop(
        () => {
          if (step >= total()) {
            points = null;
            return true;
          }
          const scene = L.SCENES[s.state.place],
            sigma = now();
          L.planeMove(scene, points.ax, points.ay, 0, L.stepFor(scene, 0, s.state.rate), 1, rng);
          L.planeMove(
            scene,
            points.bx,
            points.by,
            sigma,
            L.stepFor(scene, sigma, s.state.rate),
            1,
            rng,
          );
          step++;
          return step < total();
        },
        play,
        ['Run', 'Pause'],
      );
      s.reset = () => {
        points = null;
      };
      return () => {
        const { place, seed, many, each, rate } = s.state,
          from = [place, seed, many, each, rate].join(),
          scene = L.SCENES[place];
        if (!points || from !== key) {
          key = from;
          step = 0;
          rng = M.random(seed + 4);
          // All start in one small cloud, off centre.
          const ax = Float64Array.from({ length: N }, () => -2.2 + 0.4 * rng.normal()),
            ay = Float64Array.from({ length: N }, () => 1.2 + 0.4 * rng.normal());
          points = { ax, ay, bx: ax.slice(), by: ay.slice() };
        }
        const sigma = now(),
          n = 48;
        const shade = level => {
          const values = new Float64Array(n * n);
          let most = 0;
          for (let j = 0; j < n; j++)
            for (let i = 0; i < n; i++) {
              const v = L.planeDensity(
                scene,
                -6 + (12 * (i + 0.5)) / n,
                -6 + (12 * (j + 0.5)) / n,
                level,
              );
              values[j * n + i] = v;
              most = Math.max(most, v);
            }
          return values.map(v => 0.55 * Math.sqrt(v / most));
        };
        const still =
          plain.shadeOf === place
            ? plain.values
            : ((plain.shadeOf = place), (plain.values = shade(0)));
        plain.draw(pen => {
          pen.shade(still, n, n, 'p');
          pen.axes();
          pen.clip(() => pen.dots(points.ax, points.ay, 'r', { radius: 1.8, alpha: 0.8 }));
        });
        noisy.draw(pen => {
          pen.shade(shade(sigma), n, n, 'p');
          pen.axes();
          for (let j = -5; j <= 5; j += 2)
            for (let i = -5; i <= 5; i += 2) {
              const [gx, gy] = L.planeScore(scene, i, j, sigma),
                size = Math.hypot(gx, gy) || 1;
              pen.arrow(i, j, (0.75 * gx) / size, (0.75 * gy) / size, 's', { alpha: 0.7 });
            }
          pen.clip(() => pen.dots(points.bx, points.by, 'q', { radius: 1.8, alpha: 0.8 }));
        });
        const error = (x, y) => L.variation(L.shares(scene, x, y), scene.weights);
        const v = { without: error(points.ax, points.ay), with: error(points.bx, points.by) };
        numbers({ level: sigma, steps: `${step} of ${total()}`, ...v });
        formula({ sigma, step: L.stepFor(scene, sigma, rate) });
        status(
          step === 0
            ? 'Press Run. All points start in the same small cloud.'
            : step >= total()
              ? `Done: without levels ${s.words(100 * v.without, 0)} % of the points are in ` +
                `the wrong mode, with levels ${s.words(100 * v.with, 0)} %.`
              : '',
        );
      };
    },
  });
}
