{
  const C = IDEAS.montecarlo,
    M = IDEAS.maths;

  IDEAS.views.montecarlo.scenes.push({
    key: 'logs',
    title: 'Log of a mean',
    words:
      'A model of one latent number z whose evidence p(x) is known. The log of an average of ' +
      'weights is not the average of their logs.',
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
        'k = 1 is the ELBO. With more samples the bound rises towards log p(x); with q = ' +
          'posterior all weights are equal, and every k is exact.',
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
      s.bell(plot, { mean: 'qm', width: 'qs', least: 0.12, step: [0.05, 0.02], reach: 3 });
      const formula = s.formula(
        'E log [[1|*k*]] Σ_i [[*p*(*x*, *z*_i)|*q*(*z*_i)]]: ELBO {elbo} ≤ {k16} ≤ log ' +
          '*p*(*x*) = {truth}',
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
  });
}
