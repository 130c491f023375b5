IDEAS.views.montecarlo = (() => {
  const C = IDEAS.montecarlo,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    f: one('square', 'tail', 'exp'),
    k: number(6, 0, 20),
    seed: number(1, 1, 9999),
    m: number(1, -4, 4),
    s: number(1.2, 0.2, 4),
    T: number(200, 1, 2000),
    x: number(1.5, -4, 4),
    noise: number(0.5, 0.1, 2),
    qm: number(0.4, -3, 3),
    qs: number(0.9, 0.1, 2),
    model: { first: '', read: text => (/^[\w.-]{0,80}$/.test(text) ? text : '') },
    picture: number(0, 0, 199),
  };
  const WORDS = [
    ['square', 'x²'],
    ['tail', 'x > 2'],
    ['exp', 'eˣ'],
  ];
  const NAMES = { square: '*x*^2', tail: '[*x* > 2]', exp: 'e^{*x*}' };

  const averages = {
    key: 'mean',
    title: 'An expectation',
    words:
      'One hundred people each average T samples of a standard normal. Their answers scatter about the truth, ever closer.',
    build(s) {
      const [play] = s.buttons(
        ['Draw samples', () => 0, 'main'],
        [
          'With new samples',
          () => {
            run = null;
            s.set({ seed: (s.state.seed % 9999) + 1 });
            loop.start();
          },
        ],
      );
      s.choice('f', { label: 'Average of', options: WORDS });
      s.slider('k', { label: 'Look at T = 2 to the', step: 1, whole: true });
      s.text(
        'The estimator is unbiased at every T: the mean of the hundred answers stays near the truth. Four times the samples halve the error.',
      );
      const numbers = s.numbers([
        ['T', 'Samples, T', 'each of 100 runs'],
        ['mean', 'Mean of the runs', '', 'p'],
        ['truth', 'Truth', ''],
        ['error', 'Error', 'root mean square', 'r'],
        ['law', 'σ / √T', 'in theory', 'q'],
        ['slope', 'Slope', 'on the log axes'],
      ]);
      const row = s.row(330);
      const logs = s.plot(
        {
          title: 'Error against T',
          note: 'each dot is one run',
          x: [0, 6.1],
          y: [-5, 1],
          tall: 300,
          log: 'xy',
          names: ['T', ''],
        },
        row,
      );
      const hist = s.plot(
        { title: 'The hundred answers', x: [0, 2], y: [0, 40], tall: 300, names: ['estimate', ''] },
        row,
      );
      logs.handle({
        name: 'T',
        tone: 'p',
        axis: 'x',
        step: [0.30103, 0],
        at: () => [2 ** s.state.k, 10 ** -4.9],
        move: x => s.set({ k: Math.round(Math.log2(Math.max(1, x))) }),
        say: () => `T = ${2 ** s.state.k}`,
        range: () => [s.state.k, 0, 20],
      });
      const formulas = Object.fromEntries(
        Object.keys(NAMES).map(f => {
          const node = s.el('div');
          s.stage.append(node);
          return [
            f,
            {
              node,
              set: s.formula(
                `the first run: E[${NAMES[f]}] ≈ [[1|*T*]] Σ_t ${NAMES[f]} = {mean} ± {law}, truth {truth}`,
                node,
              ),
            },
          ];
        }),
      );
      let run = null,
        key = '';
      const loop = s.loop(() => run.advance(250000), play, ['Draw samples', 'Pause']);
      s.reset = () => {
        run = null;
      };
      return () => {
        const { f, k, seed } = s.state,
          target = C.TARGETS[f],
          now = `${f},${seed}`;
        if (!run || now !== key) {
          key = now;
          run = C.runner(f, 100, seed);
          run.advance(6400 + 100);
        }
        // Looking at a larger T draws the samples that it takes, over some frames.
        if (run.records.length <= k && !loop.on) {
          run.advance(120000);
          if (run.records.length <= k) s.again();
        }
        const last = run.records.length - 1,
          at = Math.min(k, last),
          record = run.records[at];
        const es = run.records.map(r => C.rms(r.estimates, target.truth)),
          Ts = run.records.map(r => r.T);
        logs.draw(pen => {
          pen.axes();
          pen.clip(() => {
            run.records.forEach(r => {
              const errors = r.estimates.map(v => Math.abs(v - target.truth)).filter(v => v > 0);
              pen.dots(
                errors.map(() => r.T),
                errors,
                's',
                { radius: 1.2, alpha: 0.45 },
              );
            });
            pen.line([1, 2 ** 20], [target.sd, target.sd / 1024], 'q', { dash: [6, 4] });
            pen.line(Ts, es, 'r', { width: 2.5 });
            pen.dots(Ts, es, 'r', { radius: 3 });
          });
          pen.rule(record.T, 'p');
        });
        const spread = Math.max((4 * target.sd) / Math.sqrt(record.T), 1e-9),
          low = target.truth - spread,
          bins = 30;
        const counts = M.histogram(record.estimates, low, low + 2 * spread, bins);
        hist.x = [low, low + 2 * spread];
        hist.y = [0, Math.max(...counts) * 1.2 + 1];
        hist.draw(pen => {
          pen.axes();
          pen.bars(low, (2 * spread) / bins, counts, 'p');
          pen.rule(target.truth, 'ink', { text: 'truth' });
        });
        hist.note(`after T = ${record.T}`);
        const slope = last > 2 ? Math.log(es[last] / es[0]) / Math.log(Ts[last] / Ts[0]) : NaN;
        numbers(
          {
            T: String(record.T),
            mean: M.mean(record.estimates),
            truth: target.truth,
            error: es[at],
            law: target.sd / Math.sqrt(record.T),
            slope,
          },
          { slope: 'in theory −0.5' },
        );
        for (const [name, one] of Object.entries(formulas)) one.node.hidden = name !== f;
        formulas[f].set(
          { mean: record.estimates[0], law: target.sd / Math.sqrt(record.T), truth: target.truth },
          4,
        );
        logs.say(`Error against T on log axes; ${s.words(es[at])} at T = ${record.T}`);
      };
    },
  };

  const importance = {
    key: 'importance',
    title: 'Importance sampling',
    words:
      'The same expectation with samples of another distribution q. Each sample is weighed by p/q. Move and squeeze q.',
    build(s) {
      s.choice('f', { label: 'Average of', options: WORDS });
      s.slider('m', { label: 'Mean of q', step: 0.05 });
      s.slider('s', { label: 'Width of q', step: 0.05 });
      s.slider('T', { label: 'Samples, T', log: true, whole: true });
      s.buttons(
        ['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })],
        ['q = p', () => s.set({ m: 0, s: 1 })],
        ['A good q for the tail', () => s.set({ f: 'tail', m: 2.4, s: 0.8 })],
      );
      s.text(
        'Below a width of 0.71 the variance of the weights is infinite, though few samples may look well. A single heavy weight then decides everything.',
      );
      const numbers = s.numbers([
        ['estimate', 'Estimate', '', 'q'],
        ['truth', 'Truth', ''],
        ['error', 'Standard error', 'as the samples say'],
        ['law', 'Standard error', 'in truth'],
        ['ess', 'Effective samples', '', 'r'],
        ['part', 'Effective part', 'of T, in theory'],
      ]);
      const status = s.status(),
        row = s.row(330);
      const plot = s.plot(
        {
          title: 'p, q and the weighted samples',
          x: [-6, 6],
          y: [0, 0.6],
          tall: 270,
          names: ['x', ''],
        },
        row,
      );
      const many = s.plot(
        {
          title: 'Two hundred such estimates',
          x: [0, 2],
          y: [0, 40],
          tall: 270,
          names: ['estimate', ''],
        },
        row,
      );
      plot.handle({
        name: 'q: mean and width',
        tone: 'q',
        step: [0.1, 0.02],
        at: () => [s.state.m, Math.min(plot.y[1] * 0.97, M.normalPdf(0, 0, s.state.s))],
        move: (x, y) =>
          s.set({ m: +x.toFixed(3), s: +(0.3989422804 / Math.max(0.05, y)).toFixed(4) }),
        say: () => `mean ${s.state.m.toFixed(2)}, width ${s.state.s.toFixed(2)}`,
        range: () => [s.state.m, -4, 4],
      });
      const formula = s.formula(
        'E_p[*f*] ≈ [[1|*T*]] Σ_t *w*_t *f*(*x*_t) = {estimate},   *w* = [[*p*(*x*)|*q*(*x*)]],   ESS = [[(Σ *w*)^2|Σ *w*^2]] = {ess} of {T}',
      );
      const xs = M.grid(-6, 6, 301);
      return () => {
        const { f, m, s: w, T, seed } = s.state,
          n = Math.round(T),
          target = C.TARGETS[f],
          r = C.importance(f, m, w, n, seed);
        const again = M.random(seed * 1000),
          repeats = Array.from({ length: 200 }, () => C.weighted(f, m, w, Math.min(n, 60), again));
        plot.y = [0, Math.max(0.55, 1.1 * M.normalPdf(0, 0, w))];
        plot.draw(pen => {
          pen.axes();
          const a = Array.from(xs, x => M.normalPdf(x)),
            b = Array.from(xs, x => M.normalPdf(x, m, w));
          pen.area(xs, a, 'p');
          pen.line(xs, a, 'p');
          pen.clip(() => pen.line(xs, b, 'q'));
          const top = Math.max(...r.logs),
            { g } = pen;
          g.strokeStyle = pen.tones().r;
          pen.clip(() => {
            const shown = Math.min(n, 400);
            for (let i = 0; i < shown; i++) {
              g.globalAlpha = 0.6;
              g.beginPath();
              g.moveTo(plot.X(r.xs[i]), plot.Y(0));
              g.lineTo(plot.X(r.xs[i]), plot.Y(0.45 * plot.y[1] * Math.exp(r.logs[i] - top)));
              g.stroke();
            }
            g.globalAlpha = 1;
          });
        });
        plot.note('lines: weights, the largest is tallest');
        const each = C.termVariance(f, m, w),
          law = Math.sqrt(each / n),
          shown = Math.min(n, 60),
          spread = Math.min(3, Math.max(0.05 * target.truth, 4 * Math.sqrt(each / shown)));
        const low = Math.max(-1, target.truth - spread),
          high = target.truth + spread,
          counts = M.histogram(repeats, low, high, 36);
        many.x = [low, high];
        many.y = [0, Math.max(...counts) * 1.2 + 1];
        many.draw(pen => {
          pen.axes();
          pen.bars(low, (high - low) / 36, counts, 'q');
          pen.rule(target.truth, 'ink', { text: 'truth' });
          pen.rule(M.mean(repeats), 'q', { dash: [] });
        });
        const out = repeats.filter(v => v < low || v > high).length;
        many.note(`of ${shown} samples each${out ? `; ${out} lie outside` : ''}`);
        numbers({
          estimate: r.estimate,
          truth: target.truth,
          error: r.error,
          law,
          ess: s.words(r.ess, 1),
          part: 1 / C.secondMoment(m, w),
        });
        formula({ estimate: r.estimate, ess: s.words(r.ess, 1), T: String(n) });
        status(
          law === Infinity
            ? 'The tails of q are thinner than those of p: the variance is infinite, and the standard error that the samples show means nothing.'
            : r.ess < 0.05 * n
              ? 'Fewer than one sample in twenty counts.'
              : law < target.sd / Math.sqrt(n)
                ? 'Better than samples of p itself: q goes where f counts.'
                : 'q reaches everywhere p does, at some cost.',
        );
      };
    },
  };

  const bounds = {
    key: 'logs',
    title: 'Log of a mean',
    words:
      'A model of one latent number z whose evidence p(x) is known. The log of an average of weights is not the average of their logs.',
    build(s) {
      s.slider('qm', { label: 'Mean of q(z)', step: 0.05 });
      s.slider('qs', { label: 'Width of q(z)', step: 0.02 });
      s.slider('x', { label: 'The datum x', step: 0.1 });
      s.slider('noise', { label: 'Noise of the decoder', step: 0.05 });
      s.buttons(
        [
          'q = posterior',
          () => {
            const [m, w] = C.posterior(s.state.x, s.state.noise);
            s.set({ qm: m, qs: w });
          },
        ],
        ['q = prior', () => s.set({ qm: 0, qs: 1 })],
        ['New samples', () => s.set({ seed: (s.state.seed % 9999) + 1 })],
      );
      s.text(
        'k = 1 is the ELBO. With more samples the bound rises towards log p(x); with q = posterior all weights are equal, and every k is exact.',
      );
      const numbers = s.numbers([
        ['elbo', 'ELBO', 'nats, in closed form', 'q'],
        ['one', 'IWAE, k = 1', 'mean of logs'],
        ['k16', 'IWAE, k = 16', 'nats', 'r'],
        ['k256', 'IWAE, k = 256', 'nats'],
        ['truth', 'log p(x)', 'nats, exact', 'p'],
        ['prior', 'From 256 prior samples', 'nats'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        { title: 'Prior, posterior and q', x: [-4, 4], y: [0, 1], tall: 250, names: ['z', ''] },
        row,
      );
      const rise = s.plot(
        {
          title: 'Bound by number of samples',
          x: [0, 3.1],
          y: [-6, 0],
          tall: 250,
          log: 'x',
          names: ['k', ''],
        },
        row,
      );
      plot.handle({
        name: 'q: mean and width',
        tone: 'q',
        step: [0.05, 0.02],
        at: () => [s.state.qm, Math.min(plot.y[1] * 0.96, M.normalPdf(0, 0, s.state.qs))],
        move: (x, y) =>
          s.set({ qm: +x.toFixed(3), qs: +(0.3989422804 / Math.max(0.12, y)).toFixed(4) }),
        say: () => `mean ${s.state.qm.toFixed(2)}, width ${s.state.qs.toFixed(2)}`,
        range: () => [s.state.qm, -3, 3],
      });
      const formula = s.formula(
        'E log [[1|*k*]] Σ_i [[*p*(*x*, *z*_i)|*q*(*z*_i)]]: ELBO {elbo} ≤ {k16} ≤ log *p*(*x*) = {truth}',
      );
      const xs = M.grid(-4, 4, 241),
        ks = C.powers(1024),
        kept = {};
      return () => {
        const { x, noise, qm, qs, seed } = s.state,
          eps =
            kept.seed === seed ? kept.eps : ((kept.seed = seed), (kept.eps = C.noises(4096, seed))),
          truth = C.logEvidence(x, noise),
          [pm, ps] = C.posterior(x, noise);
        const logs = Array.from(eps, e => C.logRatio(qm + qs * e, x, noise, qm, qs)),
          prior = Array.from(eps, e => M.normalLog(x, e, noise));
        const curve = ks.map(k => C.iwae(logs, k)),
          from = ks.map(k => C.iwae(prior, k)),
          elbo = C.elbo(x, noise, qm, qs);
        plot.y = [0, Math.min(3, 1.15 * Math.max(0.45, M.normalPdf(0, 0, ps)))];
        plot.draw(pen => {
          pen.axes();
          pen.line(
            xs,
            Array.from(xs, z => M.normalPdf(z)),
            's',
            { dash: [6, 4] },
          );
          const post = Array.from(xs, z => M.normalPdf(z, pm, ps));
          pen.clip(() => {
            pen.area(xs, post, 'p');
            pen.line(xs, post, 'p');
            pen.line(
              xs,
              Array.from(xs, z => M.normalPdf(z, qm, qs)),
              'q',
            );
          });
          pen.text('prior', -2.6, 0.07, 'soft');
        });
        rise.y = [Math.max(truth - 12, Math.min(truth - 1, elbo, from[0][0])) - 0.2, truth + 0.6];
        rise.draw(pen => {
          pen.axes();
          pen.rule(truth, 'p', { level: true, text: 'log p(x)' });
          pen.clip(() => {
            pen.area(
              ks,
              curve.map(v => v[0] + v[1]),
              'q',
              { floor: curve.map(v => v[0] - v[1]), alpha: 0.15 },
            );
            pen.line(
              ks,
              from.map(v => v[0]),
              's',
              { dash: [6, 4] },
            );
            pen.line(
              ks,
              curve.map(v => v[0]),
              'q',
              { width: 2.5 },
            );
            pen.dots(
              ks,
              curve.map(v => v[0]),
              'q',
              { radius: 3.5 },
            );
          });
        });
        rise.note('blue: with q, and its spread; dashed: with the prior');
        const of = k => curve[ks.indexOf(k)][0];
        numbers({
          elbo,
          one: of(1),
          k16: of(16),
          k256: of(256),
          truth,
          prior: from[ks.indexOf(256)][0],
        });
        formula({ elbo, k16: of(16), truth });
      };
    },
  };

  const vae = {
    key: 'vae',
    title: 'A shipped VAE',
    words:
      'The same for a real digit: log weights of codes from the encoder and from the prior, computed by a trained VAE of this page.',
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
        'A code of the prior hardly ever fits the picture: of 2,048 nearly all are worthless, and the estimate rests on the luckiest one.',
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
        'log *p*(*x*) ≈ log [[1|*k*]] Σ_i [[*p*(*x* | *z*_i) *p*(*z*_i)//*q*(*z*_i | *x*)]] = {iwae} nats; its ELBO: {elbo}',
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
            'There is no VAE here with test pictures. Start the page with its own models to see this.',
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
            `${result.title}, picture ${s.state.picture}. Lower bounds rise with k; which end is nearer to log p(x)?`,
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
  };
  return { state, scenes: [averages, importance, bounds, vae] };
})();
