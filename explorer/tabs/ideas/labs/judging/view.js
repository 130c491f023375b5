IDEAS.views.judging = (() => {
  const J = IDEAS.judging,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    part: number(0.01, 0.001, 1),
    copies: number(20, 1, 100),
    flip: number(0.001, 0.000001, 0.3),
    which: one('noise', 'copies'),
    seed: number(1, 1, 9999),
    mx: number(1, -3, 3),
    my: number(0.4, -3, 3),
    a: number(1.2, 0.05, 2.5),
    b: number(0.7, 0.05, 2.5),
    turn: number(30, -90, 90),
    n: number(200, 5, 5000),
    model: one('truth', 'copies', 'sure', 'one', 'moments', 'ring', 'wide'),
    k: number(3, 1, 10),
    balls: one('no', 'yes'),
  };
  const looks = {
    key: 'looks',
    title: 'Likelihood and looks',
    words:
      'Tiny pictures whose true distribution is known. A model of nearly pure noise keeps nearly all its likelihood; one that copies looks perfect.',
    build(s) {
      s.choice('which', {
        label: 'The model',
        options: [
          ['noise', 'mixed with noise'],
          ['copies', 'copies training pictures'],
        ],
      });
      s.slider('part', {
        label: 'Share of good pictures',
        log: true,
        when: () => s.state.which === 'noise',
      });
      s.slider('copies', {
        label: 'Training pictures',
        step: 1,
        whole: true,
        when: () => s.state.which === 'copies',
      });
      s.slider('flip', {
        label: 'Chance that a copied pixel flips',
        log: true,
        when: () => s.state.which === 'copies',
      });
      s.buttons(['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'log(0.01 p + 0.99 noise) is at least log p − log 100, for every picture: 4.6 nats. For pictures of 784 pixels that is a few in a hundred of the likelihood.',
      );
      const numbers = s.numbers([
          ['train', 'Training pictures', 'log p, nats', 'q'],
          ['held', 'Held-out pictures', 'log p, nats', 'p'],
          ['truth', 'True model', 'held-out, nats'],
          ['lost', 'Lost', 'nats', 'r'],
          ['good', 'Samples that look good', 'of 100'],
          ['copied', 'Samples that are copies', 'of 100'],
        ]),
        status = s.status();
      const sheets = s.row(300),
        sheet = title => {
          const canvas = s.el('canvas', { role: 'img', 'aria-label': title });
          canvas.style.cssText =
            'width: 100%; max-width: 360px; image-rendering: pixelated; border: 1px solid var(--border-color-primary);';
          sheets.append(s.el('figure', {}, s.el('figcaption', {}, s.el('b', {}, title)), canvas));
          return canvas;
        };
      const real = sheet('Real pictures'),
        made = sheet('Samples of the model');
      const plot = s.plot({
        title: 'Held-out log-likelihood against the share of samples that look good',
        x: [0, 1],
        y: [-60, -8],
        tall: 220,
        names: ['share that looks good', 'nats'],
      });
      const noise = s.el('div'),
        copy = s.el('div');
      s.stage.append(noise, copy);
      const f1 = s.formula(
          'log( λ *p*(*x*) + (1 − λ) noise(*x*) ) ≥ log *p*(*x*) − log [[1|λ]] = log *p*(*x*) − {bound}; lost: {lost} nats',
          noise,
        ),
        f2 = s.formula(
          'log *p*(*x*) = log [[1|*n*]] Σ_i ε^{flips} (1 − ε)^{49 − flips}: training {train}, held-out {held} nats',
          copy,
        );
      const paint = (canvas, pictures) => {
        const columns = 12,
          rows = 4,
          side = J.SIDE + 1;
        canvas.width = columns * side + 1;
        canvas.height = rows * side + 1;
        const g = canvas.getContext('2d'),
          image = g.createImageData(canvas.width, canvas.height);
        for (let i = 0; i < image.data.length; i += 4) {
          image.data[i] = image.data[i + 1] = image.data[i + 2] = 128;
          image.data[i + 3] = 255;
        }
        pictures.slice(0, columns * rows).forEach((p, k) => {
          const x0 = (k % columns) * side + 1,
            y0 = Math.floor(k / columns) * side + 1;
          p.forEach((v, i) => {
            const at = 4 * ((y0 + Math.floor(i / J.SIDE)) * canvas.width + x0 + (i % J.SIDE));
            image.data.fill(v ? 255 : 0, at, at + 3);
          });
        });
        g.putImageData(image, 0, 0);
      };
      let key = '',
        kept;
      return () => {
        const { which, part, flip, seed } = s.state,
          copies = Math.round(s.state.copies);
        if (`${seed},${copies}` !== key) {
          key = `${seed},${copies}`;
          const rng = M.random(seed);
          kept = {
            training: J.draw(J.SHAPES, J.FLIP, copies, rng),
            held: J.draw(J.SHAPES, J.FLIP, 150, M.random(77)),
          };
          kept.logs = kept.held.map(J.dataLog);
          kept.ownLogs = kept.training.map(J.dataLog);
          kept.truth = M.mean(kept.logs);
          kept.flips = kept.held.map(x => kept.training.map(t => J.flips(x, t)));
          kept.own = kept.training.map(x => kept.training.map(t => J.flips(x, t)));
        }
        const noisy = which === 'noise',
          rng = M.random(seed + 500),
          drawn = noisy ? J.mixed(part, 100, rng) : J.draw(kept.training, flip, 100, rng);
        const byFlips = (rows, e) =>
          M.mean(rows.map(r => M.logsumexp(r.map(n => J.flipped(n, e))) - Math.log(r.length)));
        const held = noisy
            ? M.mean(kept.logs.map(l => J.withNoise(l, part)))
            : byFlips(kept.flips, flip),
          train = noisy
            ? M.mean(kept.ownLogs.map(l => J.withNoise(l, part)))
            : byFlips(kept.own, flip);
        const good = drawn.filter(J.looksGood).length,
          copied = drawn.filter(x => J.nearest(x, kept.training) === 0).length;
        paint(real, kept.held);
        paint(made, drawn);
        plot.draw(pen => {
          pen.axes();
          const parts = M.grid(Math.log(0.001), 0, 40).map(Math.exp),
            noiseHeld = (kept.curve ??= Array.from(parts, l =>
              M.mean(kept.logs.map(v => J.withNoise(v, l))),
            ));
          pen.line(parts, noiseHeld, 's', { width: 1.6, dash: [6, 4] });
          pen.clip(() =>
            pen.dots([good / 100], [Math.max(held, plot.y[0] + 1)], noisy ? 'p' : 'r', {
              radius: 7,
            }),
          );
          pen.dots([1], [kept.truth], 'q', { radius: 6 });
          pen.text('the true model', 0.985, kept.truth - 4.5, 'q', 'right');
        });
        plot.note('dashed: all shares of noise');
        numbers({
          train,
          held,
          truth: kept.truth,
          lost: kept.truth - held,
          good: String(good),
          copied: String(copied),
        });
        noise.hidden = !noisy;
        copy.hidden = noisy;
        f1({ bound: -Math.log(part), lost: kept.truth - held });
        f2({ train, held });
        status(
          noisy
            ? `${good} of 100 samples look good, and ${s.words(kept.truth - held, 2)} nats are lost: at most log(1/λ) = ${s.words(-Math.log(part), 2)}.`
            : held < kept.truth - 5
              ? `${good} of 100 samples look good, ${copied} are exact copies, and held-out pictures lie ${s.words(kept.truth - held, 1)} nats below the true model.`
              : 'With enough blur between them the copies cover what else there is.',
        );
      };
    },
  };

  const frechet = {
    key: 'frechet',
    title: 'Fréchet distance',
    words:
      'It compares means and covariances of features, and nothing else. Drag the model’s ellipse onto the real one. The next step shows shapes that it cannot tell apart.',
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
        'From few samples the distance comes out too large, by an amount that falls as 1/n. Never compare distances of different n.',
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
  };

  const NAMES = {
    truth: 'the true distribution',
    copies: 'copies of 20 training points',
    sure: 'one sure example a class',
    one: 'one class only',
    moments: 'a normal of equal moments',
    ring: 'a ring of equal moments',
    wide: 'noise everywhere',
  };
  const fooled = {
    key: 'fooled',
    title: 'How each is fooled',
    words:
      'Four classes of real points, and seven models. No single number finds every fault. Choose a model, and see which judges it deceives.',
    build(s) {
      s.choice('model', { label: 'Model', options: Object.entries(NAMES) });
      s.slider('k', { label: 'Neighbours of precision and recall', step: 1, whole: true });
      s.tick('balls', { label: "Show the real points' balls" });
      s.buttons(['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'The classifier scores confidence and balance of classes. The Fréchet distance sees two moments. Precision asks whether samples look real, recall whether the real is covered.',
      );
      const numbers = s.numbers([
          ['is', 'Classifier score', '1 to 4, higher is better', 'p'],
          ['fd', 'Fréchet distance', '0 is best', 'q'],
          ['precision', 'Precision', 'samples in real balls', 'r'],
          ['recall', 'Recall', 'real in sample balls', 's'],
          ['held', 'Held-out', 'log-density, nats'],
          ['copied', 'Copies', 'share of samples'],
        ]),
        status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        {
          title: 'Real (orange) and samples (blue)',
          x: [-4, 4],
          y: [-4, 4],
          tall: 340,
          square: true,
          names: ['', ''],
        },
        row,
      );
      const wide = s.el('div', {
          class: 'wide',
          tabindex: '0',
          role: 'region',
          'aria-label': 'Every model under every judge',
        }),
        table = s.el('table');
      wide.append(s.el('h3', {}, 'Every model under every judge'), table);
      row.append(wide);
      const formula = s.formula(
        'score = exp E KL( *p*(*y*|*x*) ‖ *p*(*y*) ) = {is},   precision = {precision},   recall = {recall}',
      );
      let key = '',
        born = '',
        rows = {},
        near,
        real,
        training,
        held;
      const why = {
        truth: 'The true distribution, as its samples score: what to compare the others with.',
        copies:
          'Precision is content: copies look real. Recall, held-out density and the search for copies find it out.',
        sure: 'The classifier score is at its highest, and precision perfect, for four points that never vary. Recall finds it out.',
        one: 'Mode collapse: precision is perfect, recall and the classifier score find it out.',
        moments:
          'Mean and covariance are right, so the Fréchet distance is content. Precision is not.',
        ring: 'A ring of the right moments: Fréchet again sees nothing.',
        wide: 'Recall is high for noise that covers everything, precision is low.',
      };
      return () => {
        const { model, seed, balls } = s.state,
          k = Math.round(s.state.k),
          now = `${seed},${k}`;
        if (`${seed}` !== born) {
          born = `${seed}`;
          const rng = M.random(seed);
          real = J.data(160, rng);
          training = J.data(20, M.random(seed + 40));
          held = J.data(120, M.random(seed + 80));
          near = J.neighbours(real);
          rows = {};
          for (const name of Object.keys(NAMES)) {
            const made = J.MODELS[name](160, M.random(seed + 7), training);
            rows[name] = {
              made,
              near: J.neighbours(made),
              is: J.inception(made.map(J.classes)),
              fd: J.frechetOf(real, made),
              held: J.smoothed(held, made, 0.15),
              copied: M.mean(
                made.map(([x, y]) => (training.some(([a, b]) => a === x && b === y) ? 1 : 0)),
              ),
            };
          }
        }
        if (now !== key) {
          key = now;
          for (const r of Object.values(rows))
            Object.assign(r, J.precisionRecall(real, r.made, k, near, r.near));
          table.replaceChildren(
            s.el(
              'thead',
              {},
              s.el(
                'tr',
                {},
                ...['Model', 'score', 'Fréchet', 'prec.', 'recall', 'held-out'].map((t, i) =>
                  s.el('th', { class: i ? 'n' : '' }, t),
                ),
              ),
            ),
            s.el(
              'tbody',
              {},
              ...Object.keys(NAMES).map(name => {
                const r = rows[name];
                return s.el(
                  'tr',
                  { 'data-model': name },
                  s.el('td', {}, NAMES[name]),
                  ...[
                    s.words(r.is, 2),
                    s.words(r.fd, 2),
                    s.words(r.precision, 2),
                    s.words(r.recall, 2),
                    s.words(r.held, 1),
                  ].map(t => s.el('td', { class: 'n' }, t)),
                );
              }),
            ),
          );
        }
        for (const tr of table.querySelectorAll('[data-model]'))
          tr.style.fontWeight = tr.dataset.model === model ? '600' : '';
        const r = rows[model];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            if (balls === 'yes') {
              const radii = J.radii(near, k);
              real.forEach(([x, y], i) => {
                const q = Math.sqrt(radii[i]);
                pen.ellipse(x, y, q, q, 0, 'p', { width: 0.6, fill: 0.05 });
              });
            }
            pen.dots(
              real.map(p => p[0]),
              real.map(p => p[1]),
              'p',
              { radius: 2.6, alpha: 0.75 },
            );
            pen.dots(
              r.made.map(p => p[0]),
              r.made.map(p => p[1]),
              'q',
              { radius: 2.6, alpha: 0.75 },
            );
          });
        });
        numbers({
          is: r.is,
          fd: r.fd,
          precision: r.precision,
          recall: r.recall,
          held: r.held,
          copied: r.copied,
        });
        formula({ is: r.is, precision: r.precision, recall: r.recall });
        status(why[model]);
      };
    },
  };
  return { state, scenes: [looks, frechet, fooled] };
})();
