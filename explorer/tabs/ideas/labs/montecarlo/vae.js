{
  const C = IDEAS.montecarlo,
    M = IDEAS.maths;

  IDEAS.views.montecarlo.scenes.push({
    key: 'vae',
    title: 'A shipped VAE',
    words:
      'The same for a real digit: log weights of codes from the encoder and from the prior, ' +
      'computed by a trained VAE of this page.',
    build(s) {
      const select = s.el('select', { id: 'idea-montecarlo-model' });
      s.side.append(
        s.el(
          'div',
          { class: 'field' },
          s.el('label', { for: 'idea-montecarlo-model' }, 'Model'),
          s.el('span'),
          select,
        ),
      );
      s.slider('picture', { label: 'Picture', step: 1, whole: true });
      const [go] = s.buttons(['Compute the weights', () => ask(), 'main']);
      s.text(
        'A code of the prior hardly ever fits the picture: of 2,048 nearly all are ' +
          'worthless, and the estimate rests on the luckiest one.',
      );
      const status = s.status(),
        numbers = s.numbers([
          ['elbo', 'ELBO', 'nats, k = 1', 'q'],
          ['iwae', 'IWAE-512', 'nats, an estimate', 'p'],
          ['ess', 'Effective codes', 'of 512'],
          ['prior', 'From the prior', 'nats, 2,048 codes', 's'],
          ['pess', 'Effective codes', 'of 2,048'],
        ]);
      const row = s.row(300),
        figure = s.el('figure', {}, s.el('figcaption', {}, s.el('b', {}, 'The picture'))),
        canvas = s.el('canvas', {
          role: 'img',
          'aria-label': 'The picture whose log p(x) is estimated',
        });
      canvas.style.cssText =
        'width: 196px; height: 196px; image-rendering: pixelated; background: #000;';
      figure.append(canvas);
      row.append(figure);
      const rise = s.plot(
        {
          title: 'Bound by number of codes',
          x: [0, 3.4],
          y: [-200, -60],
          tall: 230,
          log: 'x',
          names: ['k', ''],
        },
        row,
      );
      const hist = s.plot({
        title: 'Log weights',
        note: 'blue: codes of the encoder, grey: of the prior; each as tall as its tallest bar',
        x: [-400, -50],
        y: [0, 1],
        tall: 190,
        names: ['nats', ''],
      });
      const formula = s.formula(
        'log *p*(*x*) ≈ log [[1|*k*]] Σ_i [[*p*(*x* | *z*_i) *p*(*z*_i)//*q*(*z*_i | *x*)]] ' +
          '= {iwae} nats; its ELBO: {elbo}',
      );
      let known = null,
        result = null,
        busy = false;
      const list = async () => {
        known = [];
        try {
          known = await IDEAS.server.bounded('');
        } catch {
          status(
            'The models could not be listed. Open the laboratory again when the page is connected.',
          );
          return;
        }
        select.replaceChildren(...known.map(m => s.el('option', { value: m.name }, m.title)));
        go.disabled = !known.length;
        if (!known.length) {
          status(
            'There is no VAE here with test pictures. Start the page with its own models to ' +
              'see this.',
          );
          return;
        }
        if (!known.some(m => m.name === s.state.model)) s.state.model = known[0].name;
        select.value = s.state.model;
        status('Press “Compute the weights”. It takes some seconds.');
      };
      select.onchange = () => s.set({ model: select.value });
      const ask = async () => {
        if (busy) return;
        busy = true;
        status('The model decodes 2,560 codes: some seconds.');
        try {
          result = await IDEAS.server.evidence([s.state.model, s.state.picture, s.state.seed]);
          status(
            `${result.title}, picture ${s.state.picture}. Lower bounds rise with k; which ` +
              `end is nearer to log p(x)?`,
          );
        } catch {
          status('The weights could not be computed. Try another picture, or load the page anew.');
        }
        busy = false;
        s.changed();
      };
      return () => {
        if (!known) list();
        if (!result) {
          numbers({ elbo: '–', iwae: '–', ess: '–', prior: '–', pess: '–' });
          formula({ iwae: '–', elbo: '–' });
          rise.draw(pen => pen.axes());
          hist.draw(pen => pen.axes());
          return;
        }
        const { posterior: a, prior: b } = result,
          ka = C.powers(a.length),
          kb = C.powers(b.length);
        const ca = ka.map(k => C.iwae(a, k)[0]),
          cb = kb.map(k => C.iwae(b, k)[0]),
          top = ca.at(-1);
        const picture = (result.unpacked ??= GE.unpack(result.picture));
        GE.draw(canvas, picture, 0);
        rise.y = [Math.max(top - 160, Math.min(...ca, cb[4]) - 5), top + 8];
        rise.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(kb, cb, 's', { width: 2 });
            pen.dots(kb, cb, 's', { radius: 3 });
            pen.line(ka, ca, 'q', { width: 2.5 });
            pen.dots(ka, ca, 'q', { radius: 3.5 });
          });
        });
        const low = top - 500,
          bins = 70,
          wide = 520 / bins,
          ha = M.histogram(a, low, low + 520, bins),
          hb = M.histogram(b, low, low + 520, bins);
        hist.x = [low, low + 520];
        hist.y = [0, 1.1];
        const tall = h => {
          const top = Math.max(1, ...h);
          return h.map(v => v / top);
        };
        hist.draw(pen => {
          pen.axes();
          pen.bars(low, wide, tall(hb), 's');
          pen.bars(low, wide, tall(ha), 'q');
        });
        const values = {
          elbo: ca[0],
          iwae: top,
          ess: s.words(C.effective(a), 1),
          prior: cb.at(-1),
          pess: s.words(C.effective(b), 1),
        };
        numbers(values);
        formula({ iwae: s.words(top, 2), elbo: s.words(ca[0], 2) });
      };
    },
  });
}
