{
  const D = IDEAS.divergences,
    M = IDEAS.maths,
    { ROWS } = IDEAS.views.divergences;

  IDEAS.views.divergences.scenes.push({
    key: 'fit',
    title: 'Fit',
    words:
      'One normal q for a p of two modes, fitted by six measures from the same start. Which ' +
      'ones cover both modes, which choose one?',
    build(s) {
      const [play] = s.buttons(['Fit', () => 0, 'main'], ['Back to the start', () => reset()]);
      s.slider('gap', { label: 'Distance between the modes of p', step: 0.05 });
      s.slider('width', { label: 'Width of each mode' });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('m', { label: 'Start: mean of q', step: 0.05 });
      s.slider('s', { label: 'Start: width of q', step: 0.05 });
      s.text(
        'KL(p‖q) is what maximum likelihood minimises. It asks for mass wherever p has some, ' +
          'so q covers. KL(q‖p) punishes mass where p has none, so q seeks one mode.',
      );
      const status = s.status(),
        row = s.row(270),
        xs = M.grid(-8, 8, 241);
      const plots = ROWS.map(([k, title]) => [
        k,
        s.plot({ title, x: [-8, 8], y: [0, 0.5], tall: 150, names: ['x', ''] }, row),
      ]);
      const numbers = s.numbers([
        ['cover', 'KL(p‖q) ends at', 'mean, width', 'p'],
        ['seek', 'KL(q‖p) ends at', 'mean, width', 'q'],
        ['moments', 'Mean, width of p', 'where KL(p‖q) must end'],
      ]);
      let at = null,
        value = null,
        steps = 0,
        key = '';
      const target = () =>
        D.curve(
          [-s.state.gap / 2, s.state.gap / 2],
          [s.state.width, s.state.width],
          [s.state.weight, 1 - s.state.weight],
        );
      const reset = () => {
        loop.stop();
        at = null;
        s.changed();
      };
      s.reset = () => {
        at = null;
      };
      const loop = s.loop(
        () => {
          let moved = 0;
          for (const k of D.NAMES) {
            const next = D.descend(value, k, at[k]);
            at[k] = next.at;
            moved = Math.max(moved, next.moved);
          }
          steps++;
          return moved > 2e-4 && steps < 600;
        },
        play,
        ['Fit', 'Pause'],
      );
      return () => {
        const now = ['gap', 'width', 'weight', 'm', 's'].map(k => s.state[k]).join();
        if (!at || now !== key) {
          loop.stop();
          key = now;
          steps = 0;
          value = D.fitter(target());
          at = Object.fromEntries(D.NAMES.map(k => [k, [s.state.m, s.state.s]]));
        }
        const p = target(),
          a = Array.from(xs, x => D.density(p, x)),
          top = Math.max(...a);
        for (const [k, plot] of plots) {
          const q = D.curve([at[k][0]], [at[k][1]]),
            b = Array.from(xs, x => D.density(q, x));
          plot.y = [0, Math.max(top * 1.3, 0.2)];
          plot.draw(pen => {
            pen.axes();
            pen.area(xs, a, 'p');
            pen.line(xs, a, 'p', { width: 1.4 });
            pen.clip(() => pen.line(xs, b, 'q', { width: 2.4 }));
          });
          plot.note(s.words(D.measure[k](p, q)));
        }
        const { gap, width, weight } = s.state,
          mean = (gap / 2) * (1 - 2 * weight);
        const spread = Math.sqrt(width ** 2 + gap ** 2 * weight * (1 - weight));
        const two = v => v.map(x => s.words(x, 2)).join(', ');
        numbers({ cover: two(at.kl), seek: two(at.reverse), moments: two([mean, spread]) });
        status(
          steps
            ? `${steps} steps${loop.on ? '' : ', at rest'}.`
            : 'Press Fit: all six go downhill by gradient steps on mean and width.',
        );
      };
    },
  });
}
