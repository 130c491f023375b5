{
  const D = IDEAS.divergences,
    M = IDEAS.maths,
    { ROWS, MEASURES } = IDEAS.views.divergences;
  const FORMULAS = {
    kl: 'KL(*p*‖*q*) = ∫ *p* log [[*p*|*q*]] d*x* = {value}',
    reverse: 'KL(*q*‖*p*) = ∫ *q* log [[*q*|*p*]] d*x* = {value}',
    js: 'JS(*p*, *q*) = ½ KL(*p*‖*m*) + ½ KL(*q*‖*m*) = {value}, *m* = ½(*p* + *q*)',
    tv: 'TV(*p*, *q*) = ½ ∫ |*p* − *q*| d*x* = {value}',
    w1: 'W_1(*p*, *q*) = ∫ |*F*_p(*x*) − *F*_q(*x*)| d*x* = {value}',
    mmd: 'MMD^2 = ∫∫ (*p* − *q*)(*x*) *k*(*x*, *y*) (*p* − *q*)(*y*) d*x* d*y*,   MMD = {value}',
  };
  const side = (state, w) => {
    const m = state[w + 'm'],
      width = state[w + 'w'],
      d = state[w + 'd'],
      k = state[w + 'k'],
      cut = state[w + 'cut'];
    const ends = cut >= 6 ? [-Infinity, Infinity] : [m - cut, m + cut];
    return k > 0
      ? D.curve([m, m + d], [width, width], [1 - k, k], ...ends)
      : D.curve([m], [width], [1], ...ends);
  };

  IDEAS.views.divergences.scenes.push({
    key: 'curves',
    title: 'Curves',
    words:
      'Move the dots: sideways moves a curve, up and down squeezes it. The sliders give it a ' +
      'second mode or cut it off.',
    build(s) {
      s.choice('show', { label: 'Integrand of', options: MEASURES });
      for (const w of ['p', 'q']) {
        s.slider(w + 'k', { label: `Weight of ${w}'s second mode` });
        s.slider(w + 'd', {
          label: `How far off the second mode`,
          step: 0.05,
          when: () => s.state[w + 'k'] > 0,
        });
        s.slider(w + 'cut', { label: `Cut ${w} off at a distance of`, step: 0.05 });
      }
      s.text('A cut at 6 is no cut.');
      const numbers = s.numbers(ROWS),
        status = s.status();
      const plot = s.plot({
        title: 'Densities',
        x: [-7, 7],
        y: [0, 0.5],
        tall: 230,
        names: ['x', ''],
      });
      const below = s.plot({
        title: 'Integrand',
        x: [-7, 7],
        y: [-0.2, 0.3],
        tall: 150,
        names: ['x', ''],
      });
      const formulas = Object.fromEntries(
        Object.entries(FORMULAS).map(([k, f]) => {
          const node = s.el('div');
          s.stage.append(node);
          return [k, { node, set: s.formula(f, node) }];
        }),
      );
      let top = 0.5;
      for (const w of ['p', 'q']) {
        plot.handle({
          name: `${w}: mean and width`,
          tone: w,
          step: [0.1, 0.02],
          at: () => [
            s.state[w + 'm'],
            Math.min(top * 0.98, D.density(side(s.state, w), s.state[w + 'm'])),
          ],
          // The dot sits on the curve: a higher one is a narrower curve.
          move: (x, y) => {
            const now = D.density(side(s.state, w), s.state[w + 'm']);
            s.set({
              [w + 'm']: +x.toFixed(3),
              [w + 'w']: +M.clamp((s.state[w + 'w'] * now) / Math.max(0.03, y), 0.2, 3).toFixed(4),
            });
          },
          say: () => `mean ${s.state[w + 'm'].toFixed(2)}, width ${s.state[w + 'w'].toFixed(2)}`,
          range: () => [s.state[w + 'm'], -5, 5],
        });
      }
      const xs = M.grid(-7, 7, 281);
      return () => {
        const p = side(s.state, 'p'),
          q = side(s.state, 'q'),
          v = D.ofCurves(p, q),
          name = s.state.show;
        const a = Array.from(xs, x => D.density(p, x)),
          b = Array.from(xs, x => D.density(q, x));
        top = Math.max(0.45, Math.min(2.2, 1.1 * Math.max(...a, ...b)));
        plot.y = [0, top];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.area(xs, a, 'p');
            pen.area(xs, b, 'q');
            pen.line(xs, a, 'p');
            pen.line(xs, b, 'q');
          });
        });
        const each = D.integrand(name, p, q, xs);
        const finite = each.filter(Number.isFinite);
        below.y = [
          Math.min(-0.05, Math.max(-2, ...[Math.min(...finite)])) * 1.15,
          Math.min(3, Math.max(0.1, ...finite)) * 1.2,
        ];
        below.title(`Integrand of ${MEASURES.find(([k]) => k === name)[1]}`);
        below.draw(pen => {
          pen.axes();
          pen.rule(0, 'soft', { level: true, dash: [] });
          pen.clip(() => {
            const shown = each.map(v => (v === Infinity ? below.y[1] * 2 : v));
            pen.area(
              xs,
              shown.map(v => Math.max(0, v)),
              'r',
              { alpha: 0.3 },
            );
            pen.area(
              xs,
              shown.map(v => Math.min(0, v)),
              's',
              { alpha: 0.3 },
            );
            pen.line(xs, shown, 'r', { width: 1.6 });
          });
        });
        numbers(v);
        for (const [k, f] of Object.entries(formulas)) f.node.hidden = k !== name;
        formulas[name].set({ value: v[name] });
        const parts = [];
        if (v.kl === Infinity)
          parts.push(
            'KL(p‖q) is infinite: p has mass beyond the cut of q, where log(p/q) is infinite.',
          );
        if (v.reverse === Infinity)
          parts.push('KL(q‖p) is infinite: q has mass beyond the cut of p.');
        status(parts.join(' ') || 'Both KL are finite: neither has mass where the other has none.');
        plot.say(`Densities p and q; KL(p‖q) ${s.words(v.kl)}, KL(q‖p) ${s.words(v.reverse)} nats`);
      };
    },
  });
}
