IDEAS.views.bound = (() => {
  const B = IDEAS.bound,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const state = {
    x: number(1.6, -4, 4),
    w: number(1.2, 0, 3),
    noise: number(0.6, 0.1, 2),
    m: number(0.2, -3, 3),
    s: number(0.9, 0.1, 2),
    ew: number(0.3, 0.02, 3),
    seed: number(1, 1, 9999),
    bend: number(0.6, 0, 1.2),
    bnoise: number(0.3, 0.15, 1),
    slope: number(0.5, -1, 2),
    shift: number(0, -1, 1),
    width: number(0.6, 0.05, 1.5),
    r: number(0.8, 0, 0.95),
    strength: number(0, 0, 1),
    beta: one('one', 'warm', 'half'),
  };
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

  const one_ = {
    key: 'one',
    title: 'One datum',
    words:
      'One latent number z, one datum x, everything in closed form. Move q: whatever the ELBO gains, the divergence to the posterior loses.',
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
        'log p(x) does not depend on q. So raising the ELBO in q is the same as bringing q nearer to the true posterior, which is never computed.',
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
      plot.handle({
        name: 'q: mean and width',
        tone: 'q',
        step: [0.05, 0.02],
        at: () => [s.state.m, Math.min(plot.y[1] * 0.96, M.normalPdf(0, 0, s.state.s))],
        move: (x, y) =>
          s.set({ m: +x.toFixed(3), s: +(0.3989422804 / Math.max(0.15, y)).toFixed(4) }),
        say: () => `mean ${s.state.m.toFixed(2)}, width ${s.state.s.toFixed(2)}`,
        range: () => [s.state.m, -3, 3],
      });
      const formula = s.formula(
        'log *p*(*x*) = E_q log [[*p*(*x*, *z*)|*q*(*z*)]] + KL(*q*‖*p*(*z*|*x*)) = {elbo} + {post} = {ev}',
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
  };

  const em = {
    key: 'em',
    title: 'EM',
    words:
      'The decoder is trained: EM climbs the bound in two directions by turns. First q, until the bound touches; then the slope w, along the bound.',
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
        'After an E step the blue bound touches the evidence at w. After an M step w is at the top of the bound, and the evidence is at least as high as before.',
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
        'E: *q*(*z*|*x*) = N(*e* *x*, *t*^2), *e* = [[*w*|*w*^2 + σ^2]] = {e}.   M: *w* = [[*e* E*x*^2|*e*^2 E*x*^2 + *t*^2]] = {next}',
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
          `Evidence and bound as functions of w; at w ${s.words(w)} the gap is ${s.words(ev - bound)} nats`,
        );
      };
    },
  };

  const amortised = {
    key: 'amortised',
    title: 'Amortised',
    words:
      'An encoder gives q for every x by one formula: here a straight line and one width. A bent decoder has posteriors that no such encoder can reach.',
    build(s) {
      const [play] = s.buttons(['Train the encoder', () => 0, 'main']);
      s.slider('slope', { label: "Encoder's slope" });
      s.slider('shift', { label: "Encoder's shift" });
      s.slider('width', { label: "Encoder's width" });
      s.slider('bend', { label: 'Bend of the decoder', step: 0.05 });
      s.slider('bnoise', { label: "Decoder's noise", step: 0.05 });
      s.text(
        'Purple is lost because q must be normal. Blue is lost because one encoder serves all x. With no bend both vanish: the line is the exact posterior.',
      );
      const numbers = s.numbers([
        ['ev', 'Mean log p(x)', 'nats', 'p'],
        ['best', 'ELBO, best normal q', 'nats'],
        ['elbo', 'ELBO, this encoder', 'nats', 'q'],
        ['gap', 'Approximation gap', 'nats', 'r'],
        ['am', 'Amortisation gap', 'nats', 'q'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        {
          title: 'Posterior of z by x',
          note: 'shade: true posterior; line: encoder',
          x: [-3, 3],
          y: [-3, 3],
          tall: 300,
          names: ['x', 'z'],
        },
        row,
      );
      const gaps = s.plot(
        {
          title: 'Gap by x',
          note: 'purple: to the best normal, blue: of the encoder',
          x: [-3, 3],
          y: [0, 3],
          tall: 300,
          names: ['x', 'nats'],
        },
        row,
      );
      for (const [name, at] of [
        ['left', -2],
        ['right', 2],
      ]) {
        plot.handle({
          name: `Encoder at x = ${at}`,
          tone: 'q',
          axis: 'y',
          step: [0, 0.05],
          at: () => [at, s.state.slope * at + s.state.shift],
          move: (x, y) => {
            const other = s.state.slope * -at + s.state.shift;
            s.set({
              slope: +((y - other) / (2 * at)).toFixed(4),
              shift: +((y + other) / 2).toFixed(4),
            });
          },
          say: () => `z = ${(s.state.slope * at + s.state.shift).toFixed(2)}`,
          range: () => [s.state.slope * at + s.state.shift, -3, 3],
        });
      }
      const formula = s.formula(
        'log *p*(*x*) − ELBO = KL(*q*_φ(*z*|*x*)‖*p*(*z*|*x*)) = approximation {gap} + amortisation {am} nats, on average',
      );
      const xs = M.grid(-3, 3, 49);
      let key = '',
        truth,
        best,
        field,
        points;
      const loop = s.loop(
        () => {
          const { bend, bnoise, slope, shift, width } = s.state;
          const one = B.climb(
            p => B.amortised(points, bend, bnoise, p),
            [slope, shift, Math.log(width)],
            1,
          );
          const [a, b, l] = one.at.map(
            (v, k) =>
              [slope, shift, Math.log(width)][k] + 0.25 * (v - [slope, shift, Math.log(width)][k]),
          );
          const fine = B.climb(p => B.amortised(points, bend, bnoise, p), [a, b, l], 3);
          const moved =
            Math.abs(fine.at[0] - slope) +
            Math.abs(fine.at[1] - shift) +
            Math.abs(fine.at[2] - Math.log(width));
          s.set({ slope: fine.at[0], shift: fine.at[1], width: Math.exp(fine.at[2]) });
          return moved > 1e-3;
        },
        play,
        ['Train the encoder', 'Pause'],
      );
      return () => {
        const { bend, bnoise, slope, shift, width } = s.state,
          now = `${bend},${bnoise}`;
        if (now !== key) {
          key = now;
          truth = Array.from(xs, x => B.bentEvidence(x, bend, bnoise));
          best = Array.from(xs, x => B.bestNormal(x, bend, bnoise));
          points = B.bentSample(120, bend, bnoise, 1);
          const columns = 60,
            rows = 60;
          field = new Float64Array(columns * rows);
          for (let i = 0; i < columns; i++) {
            const x = -3 + (6 * (i + 0.5)) / columns;
            let most = 0;
            for (let j = 0; j < rows; j++) {
              const z = -3 + (6 * (j + 0.5)) / rows,
                v = M.normalPdf(z) * M.normalPdf(x, B.decoder(z, bend), bnoise);
              field[j * columns + i] = v;
              most = Math.max(most, v);
            }
            for (let j = 0; j < rows; j++) field[j * columns + i] *= 0.9 / most;
          }
        }
        plot.draw(pen => {
          pen.shade(field, 60, 60, 'p');
          pen.axes();
          pen.clip(() => {
            const line = Array.from(xs, x => slope * x + shift);
            pen.area(
              xs,
              line.map(z => z + width),
              'q',
              { floor: line.map(z => z - width), alpha: 0.2 },
            );
            pen.line(xs, line, 'q', { width: 2.5 });
            pen.line(
              xs,
              best.map(b => b.m),
              'r',
              { dash: [4, 4] },
            );
          });
        });
        const each = Array.from(xs, x => B.bentElbo(x, bend, bnoise, slope * x + shift, width));
        gaps.draw(pen => {
          pen.axes();
          pen.clip(() => {
            const one = truth.map((v, i) => v - best[i].value),
              all = truth.map((v, i) => v - each[i]);
            pen.area(xs, all, 'q', { floor: one, alpha: 0.35 });
            pen.area(xs, one, 'r', { alpha: 0.5 });
            pen.line(xs, all, 'q');
            pen.line(xs, one, 'r');
          });
        });
        // Averages over the model's own x, by the evidence as weight.
        const weights = truth.map(Math.exp),
          total = M.sum(weights),
          over = values => M.sum(values.map((v, i) => v * weights[i])) / total;
        const v = { ev: over(truth), best: over(best.map(b => b.value)), elbo: over(each) };
        v.gap = Math.max(0, v.ev - v.best);
        v.am = Math.max(0, v.best - v.elbo);
        numbers(v);
        formula(v);
      };
    },
  };

  const collapse = {
    key: 'collapse',
    title: 'Collapse',
    words:
      'A VAE of two correlated pixels learns. Let its decoder see the first pixel when it writes the second, and it stops using the latent code.',
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
        'KL(q‖prior) is what the code carries. At zero the encoder says the same for every picture: posterior collapse. The likelihood may be perfect all the same.',
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
  };
  return { state, scenes: [one_, em, amortised, collapse] };
})();
