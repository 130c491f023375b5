{
  const J = IDEAS.judging,
    M = IDEAS.maths;

  IDEAS.views.judging.scenes.push({
    key: 'looks',
    title: 'Likelihood and looks',
    words:
      'Tiny pictures whose true distribution is known. A model of nearly pure noise keeps ' +
      'nearly all its likelihood; one that copies looks perfect.',
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
        'log(0.01 p + 0.99 noise) is at least log p − log 100, for every picture: 4.6 nats. ' +
          'For pictures of 784 pixels that is a few in a hundred of the likelihood.',
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
            'width: 100%; max-width: 360px; image-rendering: pixelated; border: 1px solid ' +
            'var(--border-color-primary);';
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
          'log( λ *p*(*x*) + (1 − λ) noise(*x*) ) ≥ log *p*(*x*) − log [[1|λ]] = log ' +
            '*p*(*x*) − {bound}; lost: {lost} nats',
          noise,
        ),
        f2 = s.formula(
          'log *p*(*x*) = log [[1|*n*]] Σ_i ε^{flips} (1 − ε)^{49 − flips}: training ' +
            '{train}, held-out {held} nats',
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
            ? `${good} of 100 samples look good, and ${s.words(kept.truth - held, 2)} nats are ` +
                `lost: at most log(1/λ) = ${s.words(-Math.log(part), 2)}.`
            : held < kept.truth - 5
              ? `${good} of 100 samples look good, ${copied} are exact copies, and held-out ` +
                `pictures lie ${s.words(kept.truth - held, 1)} nats below the true model.`
              : 'With enough blur between them the copies cover what else there is.',
        );
      };
    },
  });
}
