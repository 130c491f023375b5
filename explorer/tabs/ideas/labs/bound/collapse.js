{
  const B = IDEAS.bound;

  IDEAS.views.bound.scenes.push({
    key: 'collapse',
    title: 'Collapse',
    words:
      'A VAE of two correlated pixels learns. Let its decoder see the first pixel when it ' +
      'writes the second, and it stops using the latent code.',
    build(s) {
      const [play] = s.buttons(
        ['Train', () => 0, 'main'],
        [
          'Back to the start',
          () => {
            path = null;
            loop.stop();
            s.changed();
          },
        ],
      );
      s.slider('strength', { label: 'Strength: how much of x₁ the decoder may use', step: 0.05 });
      s.slider('r', { label: 'Correlation of the pixels', step: 0.05 });
      s.choice('beta', {
        label: 'Weight of the KL term',
        options: [
          ['one', '1'],
          ['warm', 'rises from 0 to 1'],
          ['half', '0.5'],
        ],
      });
      s.text(
        'KL(q‖prior) is what the code carries. At zero the encoder says the same for every ' +
          'picture: posterior collapse. The likelihood may be perfect all the same.',
      );
      const numbers = s.numbers([
          ['kl', 'KL(q‖prior)', 'nats, what z carries', 'r'],
          ['elbo', 'ELBO', 'nats', 'q'],
          ['ev', 'E log p(x)', 'nats', 'p'],
          ['top', 'The best there is', 'minus the entropy of the data'],
          ['w', 'Decoder uses z', 'slope w'],
          ['a', 'Decoder uses x₁', 'slope a'],
        ]),
        status = s.status();
      const row = s.row(330);
      const plot = s.plot(
        {
          title: 'While it learns',
          note: 'orange: evidence, blue: ELBO',
          x: [0, 600],
          y: [-4, -1.5],
          tall: 230,
          names: ['steps', 'nats'],
        },
        row,
      );
      const used = s.plot(
        {
          title: 'KL(q‖prior)',
          note: 'what the code carries',
          x: [0, 600],
          y: [0, 2],
          tall: 230,
          names: ['steps', 'nats'],
        },
        row,
      );
      const formula = s.formula(
        'ELBO = E log *p*(*x*_1|*z*) *p*(*x*_2|*z*, *x*_1) − KL = {rec} − {kl} = {elbo} nats',
      );
      let path = null,
        key = '';
      const weight = k => ({ one: 1, half: 0.5, warm: Math.min(1, k / 400) })[s.state.beta];
      const loop = s.loop(
        () => {
          const { r, strength } = s.state;
          for (let k = 0; k < 4; k++)
            path.push(B.train(path.at(-1), r, strength, weight(path.length), 0.05));
          return path.length < 1500;
        },
        play,
        ['Train', 'Pause'],
      );
      s.reset = () => {
        path = null;
      };
      return () => {
        const { r, strength, beta } = s.state,
          now = `${r},${strength},${beta}`;
        if (!path || now !== key) {
          key = now;
          path = [B.START];
        }
        const p = path.at(-1),
          v = B.parts(p, r),
          every = Math.max(1, Math.floor(path.length / 300)),
          some = path.filter((_, k) => k % every === 0),
          xs = some.map((_, k) => k * every);
        plot.x = used.x = [0, Math.max(600, path.length)];
        plot.y = [-4, B.pairTop(r) + 0.3];
        plot.draw(pen => {
          pen.axes();
          pen.rule(B.pairTop(r), 'soft', { level: true });
          pen.clip(() => {
            pen.line(
              xs,
              some.map(q => B.pairEvidence(q, r)),
              'p',
            );
            pen.line(
              xs,
              some.map(q => B.parts(q, r).elbo),
              'q',
              { width: 2.5 },
            );
          });
        });
        const kls = some.map(q => B.parts(q, r).kl);
        used.y = [0, Math.max(1, 1.2 * Math.max(...kls))];
        used.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.area(xs, kls, 'r');
            pen.line(xs, kls, 'r', { width: 2.5 });
          });
        });
        numbers({
          kl: v.kl,
          elbo: v.elbo,
          ev: B.pairEvidence(p, r),
          top: B.pairTop(r),
          w: p[0],
          a: p[1],
        });
        formula({ rec: v.reconstruction, kl: v.kl, elbo: v.elbo });
        status(
          path.length < 200
            ? 'Press Train.'
            : v.kl < 0.02
              ? 'The posterior has collapsed: q is the prior, and z says nothing about the picture.'
              : v.kl < 0.3
                ? 'The code carries little.'
                : 'The code is used.',
        );
      };
    },
  });
}
