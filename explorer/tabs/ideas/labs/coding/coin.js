{
  const C = IDEAS.coding,
    M = IDEAS.maths;

  IDEAS.views.coding.scenes.push({
    key: 'coin',
    title: 'A coin',
    words:
      'A coin that shows heads with probability p, coded by somebody who believes in q. Drag both.',
    build(s) {
      s.slider('p', { label: 'Heads in truth, p' });
      s.slider('q', { label: 'Heads as believed, q' });
      s.slider('n', { label: 'Tosses that are coded', log: true, whole: true });
      s.buttons(
        ['Toss again', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main'],
        ['Believe the truth', () => s.set({ q: s.state.p })],
      );
      s.text(
        'The line touches the entropy curve at q: it is the average length of a code made ' +
          'for q, whatever the truth p is. The gap at p is the KL divergence.',
      );
      const numbers = s.numbers([
        ['h', 'Entropy of p', 'bits a toss', 'p'],
        ['c', 'With the code for q', 'bits a toss', 'q'],
        ['kl', 'Extra, KL(p‖q)', 'bits a toss', 'r'],
        ['bits', 'Bits really written', ''],
        ['back', 'Decoded', ''],
      ]);
      const plot = s.plot({
        title: 'Bits a toss',
        x: [0, 1],
        y: [0, 2.2],
        tall: 300,
        names: ['heads, p', ''],
      });
      const formula = s.formula(
        'H(*p*, *q*) = −*p* log_2 *q* − (1 − *p*) log_2 (1 − *q*) = H(*p*) + KL(*p*‖*q*) = ' +
          '{h} + {kl} = {c} bits',
      );
      const xs = M.grid(0, 1, 201),
        hs = Array.from(xs, x => C.entropy([x, 1 - x]));
      plot.handle({
        name: 'Heads in truth, p',
        tone: 'p',
        axis: 'x',
        step: [0.01, 0],
        at: () => [s.state.p, C.entropy([s.state.p, 1 - s.state.p])],
        move: x => s.set({ p: +x.toFixed(3) }),
        say: () => `p = ${s.state.p.toFixed(2)}`,
        range: () => [s.state.p, 0, 1],
      });
      plot.handle({
        name: 'Heads as believed, q',
        tone: 'q',
        axis: 'x',
        step: [0.01, 0],
        at: () => [s.state.q, C.entropy([s.state.q, 1 - s.state.q])],
        move: x => s.set({ q: +x.toFixed(3) }),
        say: () => `q = ${s.state.q.toFixed(2)}`,
        range: () => [s.state.q, 0, 1],
      });
      const strip = s.el('p', { class: 'words' });
      s.stage.append(strip);
      return () => {
        const { p, q, n, seed } = s.state,
          rng = M.random(seed),
          c = C.cross([p, 1 - p], [q, 1 - q]);
        const tosses = Array.from({ length: Math.round(n) }, () => (rng.uniform() < p ? 0 : 1));
        const data = C.encode(tosses, [q, 1 - q]);
        plot.draw(pen => {
          pen.axes();
          pen.line(xs, hs, 'ink');
          pen.clip(() => {
            if (q > 0 && q < 1) pen.line([0, 1], [C.bits(1 - q), C.bits(q)], 'q', { width: 1.6 });
            if (Number.isFinite(c)) {
              pen.line([p, p], [C.entropy([p, 1 - p]), c], 'r', { width: 4 });
              pen.dots([p], [c], 'r', { radius: 5 });
            }
          });
        });
        const h = C.entropy([p, 1 - p]),
          k = C.kl([p, 1 - p], [q, 1 - q]);
        numbers(
          {
            h,
            c,
            kl: k,
            bits: data ? String(data.length) : '∞',
            back: data
              ? C.decode(data, [q, 1 - q], tosses.length).every((v, i) => v === tosses[i])
                ? 'the same'
                : 'another'
              : '–',
          },
          {
            bits: data
              ? `${(data.length / tosses.length).toFixed(3)} a toss`
              : 'it happened, and has no code',
          },
        );
        formula({ h, kl: k, c });
        const shown = tosses
          .slice(0, 60)
          .map(t => (t ? 'T' : 'H'))
          .join(' ');
        const text =
          `First tosses: ${shown}${tosses.length > 60 ? ' …' : ''}  First bits: ` +
          `${data ? data.slice(0, 60).join('') : 'none'}`;
        if (strip.textContent !== text) strip.textContent = text;
        plot.say(`Entropy ${s.words(h)} bits at p ${p}; the code for q ${q} takes ${s.words(c)}`);
      };
    },
  });
}
