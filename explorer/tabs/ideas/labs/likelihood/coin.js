{
  const L = IDEAS.likelihood,
    M = IDEAS.maths;

  IDEAS.views.likelihood.scenes.push({
    key: 'coin',
    title: 'A coin',
    words: 'Five tosses: H H T H T. Flip them, add some, and move θ to where they are likeliest.',
    build(s) {
      const coins = s.el('div', { class: 'coins', role: 'group', 'aria-label': 'Tosses' });
      s.side.append(
        s.el(
          'div',
          { class: 'field' },
          s.el('span', { class: 'name' }, 'Tosses, press one to flip it'),
          coins,
        ),
      );
      coins.style.gridColumn = '1 / -1';
      s.buttons(
        [
          'Add a toss',
          () => {
            if (s.state.tosses.length < 40) s.set({ tosses: [...s.state.tosses, 1] });
          },
        ],
        [
          'Take one away',
          () => {
            if (s.state.tosses.length > 1) s.set({ tosses: s.state.tosses.slice(0, -1) });
          },
        ],
        [
          'Double them all',
          () => {
            if (s.state.tosses.length <= 20)
              s.set({ tosses: [...s.state.tosses, ...s.state.tosses] });
          },
        ],
      );
      s.slider('theta', { label: 'Probability of heads, θ' });
      s.text(
        'The product of many small numbers soon leaves what a computer can write. Its ' +
          'logarithm is a sum, has the same maximum, and its slopes add up toss by toss.',
      );
      const numbers = s.numbers([
        ['l', 'Likelihood', 'at θ', 'p'],
        ['ll', 'Log-likelihood', 'nats, at θ', 'q'],
        ['best', 'Likeliest θ', 'heads / tosses'],
        ['slope', 'Slope at θ', 'of the log-likelihood'],
      ]);
      const row = s.row(330),
        xs = M.grid(0, 1, 401);
      const plain = s.plot(
        { title: 'Likelihood', x: [0, 1], y: [0, 0.05], tall: 230, names: ['θ', ''] },
        row,
      );
      const log = s.plot(
        { title: 'Log-likelihood', x: [0, 1], y: [-20, 0], tall: 230, names: ['θ', ''] },
        row,
      );
      const at = () => s.state.theta;
      for (const [plot, value, tone] of [
        [plain, t => Math.exp(L.coinLog(s.state.tosses, t)), 'p'],
        [log, t => Math.max(log.y[0], L.coinLog(s.state.tosses, t)), 'q'],
      ]) {
        plot.handle({
          name: `θ on the ${plot === plain ? 'likelihood' : 'log-likelihood'}`,
          tone,
          axis: 'x',
          step: [0.01, 0],
          at: () => [at(), value(at())],
          move: x => s.set({ theta: +M.clamp(x, 0, 1).toFixed(3) }),
          say: () => `θ = ${at().toFixed(2)}`,
          range: () => [at(), 0, 1],
        });
      }
      const formula = s.formula(
        'log *p*(tosses) = {h} log θ + {t} log(1 − θ) = {ll}, highest at θ = {h} / {n} = {best}',
      );
      let shown = '';
      return () => {
        const { tosses, theta } = s.state;
        if (tosses.join() !== shown) {
          shown = tosses.join();
          const focus = [...coins.children].indexOf(document.activeElement);
          coins.replaceChildren(
            ...tosses.map((v, k) => {
              const b = s.el(
                'button',
                {
                  type: 'button',
                  'aria-pressed': String(v === 1),
                  'aria-label': `Toss ${k + 1}: ${v ? 'heads' : 'tails'}`,
                },
                v ? 'H' : 'T',
              );
              b.onclick = () =>
                s.set({ tosses: s.state.tosses.map((x, j) => (j === k ? 1 - x : x)) });
              return b;
            }),
          );
          coins.children[focus]?.focus();
        }
        const h = M.sum(tosses),
          t = tosses.length - h,
          best = L.coinBest(tosses),
          ll = L.coinLog(tosses, theta),
          top = L.coinTop(tosses);
        plain.y = [0, Math.exp(top) * 1.15];
        log.y = [top - Math.max(8, tosses.length * 1.2), Math.max(0, top + 1)];
        const slope = (h ? h / theta : 0) - (t ? t / (1 - theta) : 0);
        plain.draw(pen => {
          pen.axes();
          const ys = Array.from(xs, x => Math.exp(L.coinLog(tosses, x)));
          pen.area(xs, ys, 'p');
          pen.line(xs, ys, 'p');
          pen.rule(best, 'soft', { text: `θ = ${s.words(best, 2)}` });
        });
        log.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(
              xs,
              Array.from(xs, x => L.coinLog(tosses, x)),
              'q',
            );
            if (Number.isFinite(slope))
              pen.line([theta - 0.1, theta + 0.1], [ll - 0.1 * slope, ll + 0.1 * slope], 'r', {
                width: 2,
              });
          });
          pen.rule(best, 'soft');
        });
        numbers({ l: Math.exp(ll), ll, best, slope });
        formula({ h: String(h), t: String(t), n: String(tosses.length), ll, best });
        plain.say(`Likelihood of θ; highest at ${s.words(best, 2)}`);
        log.say(`Log-likelihood of θ; ${s.words(ll, 2)} at ${s.words(theta, 2)}`);
      };
    },
  });
}
