{
  const B = IDEAS.bound,
    M = IDEAS.maths;
  // Bars that stand on one another and add up: [label, value, tone], from a floor at zero or below.
  const stack = (s, options, place) => {
    const plot = s.plot({ x: [0, 3], tall: 250, columns: false, ...options }, place);
    return {
      plot,
      draw(columns, low, high) {
        plot.y = [low, high];
        plot.x = [0, columns.length];
        plot.draw(pen => {
          pen.axes();
          columns.forEach(({ name, from, to, tone }, k) => {
            const xs = [k + 0.15, k + 0.85];
            pen.area(xs, [to, to], tone, { floor: from, alpha: 0.5 });
            pen.line(xs, [to, to], tone, { width: 2.5 });
            pen.text(name, k + 0.5, (from + to) / 2, 'ink', 'center');
          });
        });
      },
    };
  };

  IDEAS.views.bound.scenes.push({
    key: 'one',
    title: 'One datum',
    words:
      'One latent number z, one datum x, everything in closed form. Move q: whatever the ' +
      'ELBO gains, the divergence to the posterior loses.',
    build(s) {
      s.slider('m', { label: 'Mean of q', step: 0.02 });
      s.slider('s', { label: 'Width of q', step: 0.02 });
      s.slider('x', { label: 'The datum x', step: 0.1 });
      s.slider('w', { label: "Decoder's slope", step: 0.05 });
      s.slider('noise', { label: "Decoder's noise", step: 0.05 });
      s.buttons(
        [
          'q = posterior',
          () => {
            const [m, w] = B.posterior(s.state.x, s.state.w, s.state.noise);
            s.set({ m, s: w });
          },
        ],
        ['q = prior', () => s.set({ m: 0, s: 1 })],
      );
      s.text(
        'log p(x) does not depend on q. So raising the ELBO in q is the same as bringing q ' +
          'nearer to the true posterior, which is never computed.',
      );
      const numbers = s.numbers([
        ['rec', 'Reconstruction', 'E log p(x|z), nats'],
        ['prior', 'KL(q‖prior)', 'nats'],
        ['elbo', 'ELBO', 'nats', 'q'],
        ['post', 'KL(q‖posterior)', 'nats', 'r'],
        ['ev', 'log p(x), evidence', 'nats', 'p'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        {
          title: 'Prior (dashed), posterior and q',
          x: [-4, 4],
          y: [0, 1],
          tall: 260,
          names: ['z', ''],
        },
        row,
      );
      const bars = stack(
        s,
        { title: 'ELBO + KL to the posterior = evidence', names: ['', 'nats'] },
        row,
      );
      s.bell(plot, { mean: 'm', width: 's', least: 0.15, step: [0.05, 0.02], reach: 3 });
      const formula = s.formula(
        'log *p*(*x*) = E_q log [[*p*(*x*, *z*)|*q*(*z*)]] + KL(*q*‖*p*(*z*|*x*)) = {elbo} + ' +
          '{post} = {ev}',
      );
      const xs = M.grid(-4, 4, 281);
      return () => {
        const { x, w, noise, m, s: width } = s.state,
          [pm, ps] = B.posterior(x, w, noise);
        const v = {
          rec: B.reconstruction(x, w, noise, m, width),
          prior: B.toPrior(m, width),
          elbo: B.elbo(x, w, noise, m, width),
          post: B.toPosterior(x, w, noise, m, width),
          ev: B.evidence(x, w, noise),
        };
        plot.y = [0, Math.min(4, 1.15 * Math.max(0.5, M.normalPdf(0, 0, ps)))];
        plot.draw(pen => {
          pen.axes();
          pen.line(
            xs,
            Array.from(xs, z => M.normalPdf(z)),
            's',
            { dash: [6, 4] },
          );
          pen.clip(() => {
            const post = Array.from(xs, z => M.normalPdf(z, pm, ps));
            pen.area(xs, post, 'p');
            pen.line(xs, post, 'p');
            pen.line(
              xs,
              Array.from(xs, z => M.normalPdf(z, m, width)),
              'q',
            );
          });
        });
        const low = Math.max(v.ev - 12, Math.min(v.elbo, v.ev - 2)) - 0.5;
        bars.draw(
          [
            { name: 'ELBO', from: low, to: Math.max(low, v.elbo), tone: 'q' },
            { name: 'KL', from: Math.max(low, v.elbo), to: v.ev, tone: 'r' },
            { name: 'log p(x)', from: low, to: v.ev, tone: 'p' },
          ],
          low,
          v.ev + 0.5,
        );
        bars.plot.say(
          `ELBO ${s.words(v.elbo)} plus KL ${s.words(v.post)} is the evidence ${s.words(v.ev)}`,
        );
        numbers(v);
        formula(v);
      };
    },
  });
}
