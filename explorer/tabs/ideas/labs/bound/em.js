{
  const B = IDEAS.bound,
    M = IDEAS.maths;

  IDEAS.views.bound.scenes.push({
    key: 'em',
    title: 'EM',
    words:
      'The decoder is trained: EM climbs the bound in two directions by turns. First q, ' +
      'until the bound touches; then the slope w, along the bound.',
    build(s) {
      s.buttons(
        ['E: fit q', () => step('e'), 'main'],
        ['M: fit w', () => step('m'), 'main'],
        [
          'Ten rounds',
          () => {
            for (let k = 0; k < 10; k++) {
              move('e');
              move('m');
            }
            s.changed();
          },
        ],
        [
          'Back',
          () => {
            path = null;
            s.changed();
          },
        ],
      );
      s.slider('ew', { label: 'Start: slope w', step: 0.02 });
      s.slider('noise', { label: "Decoder's noise", step: 0.05 });
      s.buttons(['New points', () => s.set({ seed: (s.state.seed % 9999) + 1 })]);
      s.text(
        'After an E step the blue bound touches the evidence at w. After an M step w is at ' +
          'the top of the bound, and the evidence is at least as high as before.',
      );
      const numbers = s.numbers([
        ['w', 'Slope w', ''],
        ['bound', 'Mean ELBO', 'nats a point', 'q'],
        ['ev', 'Mean log p(x)', 'nats a point', 'p'],
        ['gap', 'Gap, KL to the posterior', 'nats a point', 'r'],
        ['best', 'Likeliest w', 'in closed form'],
        ['steps', 'Steps', ''],
      ]);
      const row = s.row(330);
      const curve = s.plot(
        {
          title: 'Evidence and its bound',
          note: 'as functions of w',
          x: [0, 3],
          y: [-3, -1],
          tall: 280,
          names: ['w', ''],
        },
        row,
      );
      const map = s.plot(
        {
          title: 'The bound as a map',
          note: "of w and of q's slope e",
          x: [0, 3],
          y: [0, 1.4],
          tall: 280,
          names: ['w', 'e'],
        },
        row,
      );
      const formula = s.formula(
        'E: *q*(*z*|*x*) = N(*e* *x*, *t*^2), *e* = [[*w*|*w*^2 + σ^2]] = {e}.   M: *w* = ' +
          '[[*e* E*x*^2|*e*^2 E*x*^2 + *t*^2]] = {next}',
      );
      let path = null,
        key = '',
        v = 1,
        field = null;
      const current = () => path.at(-1);
      const move = kind => {
        const { w, e, t } = current(),
          noise = s.state.noise;
        if (kind === 'e') {
          const [e2, t2] = B.eStep(w, noise);
          path.push({ w, e: e2, t: t2 });
        } else path.push({ w: B.mStep(v, e, t), e, t });
        if (path.length > 400) path.shift();
      };
      const step = kind => {
        move(kind);
        s.changed();
      };
      s.reset = () => {
        path = null;
      };
      return () => {
        const { ew, noise, seed } = s.state,
          now = `${ew},${noise},${seed}`;
        if (!path || now !== key) {
          key = now;
          const rng = M.random(seed),
            points = Array.from({ length: 40 }, () => 1.5 * rng.normal());
          v = M.mean(points.map(x => x * x));
          path = [{ w: ew, e: 1, t: 0.9 }];
        }
        const { w, e, t } = current(),
          ws = M.grid(0, 3, 181),
          truth = Array.from(ws, a => B.meanEvidence(v, a, noise)),
          lower = Array.from(ws, a => B.meanElbo(v, a, noise, e, t));
        const top = Math.max(...truth),
          low = Math.max(top - 4, Math.min(B.meanElbo(v, w, noise, e, t), truth[0]) - 0.4);
        curve.y = [low, top + 0.25];
        curve.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(ws, truth, 'p', { width: 2.5 });
            pen.line(ws, lower, 'q', { width: 2 });
            pen.line([w, w], [B.meanElbo(v, w, noise, e, t), B.meanEvidence(v, w, noise)], 'r', {
              width: 4,
            });
            pen.dots([w], [B.meanElbo(v, w, noise, e, t)], 'q', { radius: 5 });
            pen.dots([w], [B.meanEvidence(v, w, noise)], 'p', { radius: 5 });
          });
        });
        const columns = 48,
          rows = 36;
        field ??= new Float64Array(columns * rows);
        for (let j = 0; j < rows; j++)
          for (let i = 0; i < columns; i++)
            field[j * columns + i] =
              0.85 *
              Math.exp(
                -1.4 *
                  Math.max(
                    0,
                    top -
                      B.meanElbo(v, (3 * (i + 0.5)) / columns, noise, (1.4 * (j + 0.5)) / rows, t),
                  ),
              );
        map.draw(pen => {
          pen.shade(field, columns, rows, 's');
          pen.axes();
          pen.clip(() => {
            pen.line(
              path.map(p => p.w),
              path.map(p => p.e),
              'q',
              { width: 1.8 },
            );
            pen.dots(
              path.map(p => p.w),
              path.map(p => p.e),
              'q',
              { radius: 3 },
            );
            pen.dots([w], [e], 'p', { radius: 5.5 });
          });
        });
        const bound = B.meanElbo(v, w, noise, e, t),
          ev = B.meanEvidence(v, w, noise);
        numbers({
          w,
          bound,
          ev,
          gap: ev - bound,
          best: B.bestSlope(v, noise),
          steps: String(path.length - 1),
        });
        formula({ e: B.eStep(w, noise)[0], next: B.mStep(v, e, t) });
        curve.say(
          `Evidence and bound as functions of w; at w ${s.words(w)} the gap is ` +
            `${s.words(ev - bound)} nats`,
        );
      };
    },
  });
}
