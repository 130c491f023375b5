{
  const L = IDEAS.langevin,
    M = IDEAS.maths,
    { target } = IDEAS.views.langevin;

  IDEAS.views.langevin.scenes.push({
    key: 'chains',
    title: 'Chains',
    words:
      'Six hundred chains follow the score and are shaken at every step. Turn step size and ' +
      'temperature: too small crawls, too large is wrong, and far modes are never crossed.',
    build(s) {
      const [play] = s.buttons(
        ['Run', () => 0, 'main'],
        [
          'From the start',
          () => {
            xs = null;
            s.changed();
          },
        ],
      );
      s.slider('step', { label: 'Step size ε', log: true });
      s.slider('temperature', { label: 'Temperature', step: 0.05 });
      s.choice('start', {
        label: 'All chains start',
        options: [
          ['left', 'left'],
          ['middle', 'in the middle'],
          ['wide', 'spread out'],
        ],
      });
      s.tick('corrected', { label: 'Accept or refuse each step (Metropolis)' });
      s.slider('gap', { label: 'Distance of the modes', step: 0.1 });
      s.slider('weight', { label: 'Weight of the left mode' });
      s.slider('width', { label: 'Width of each mode', step: 0.05 });
      const numbers = s.numbers([
          ['steps', 'Steps', ''],
          ['left', 'Chains on the left', '', 'p'],
          ['truth', 'It should be', ''],
          ['wrong', 'Error now', 'total variation', 'r'],
          ['end', 'Error in the end', 'of this step size', 'q'],
          ['taken', 'Steps accepted', ''],
        ]),
        status = s.status();
      const plot = s.plot({
        title: 'Where the chains are',
        note: 'orange: density, blue: chains, dashed: where they end',
        x: [-7, 7],
        y: [0, 0.6],
        tall: 240,
        names: ['x', ''],
      });
      const trace = s.plot({
        title: 'Eight of them, by step',
        x: [0, 300],
        y: [-7, 7],
        tall: 210,
        names: ['steps', 'x'],
      });
      const formula = s.formula(
        '*x* ← *x* + ε ∇ log *p*(*x*) + √(2 ε τ) · noise = *x* + {step} · score + {spread} · noise',
      );
      let xs = null,
        key = '',
        rng = M.random(1),
        count = 0,
        kept = [],
        taken = 1,
        end = null;
      const N = 600;
      s.loop(
        () => {
          const d = target(s.state);
          for (let k = 0; k < 2; k++) {
            taken = L.move(
              d,
              xs,
              s.state.step,
              s.state.temperature,
              rng,
              s.state.corrected === 'yes',
            );
            count++;
            kept.push(xs.slice(0, 8));
          }
          if (kept.length > 300) kept = kept.slice(-300);
        },
        play,
        ['Run', 'Pause'],
      );
      s.reset = () => {
        xs = null;
      };
      const places = M.grid(-7, 7, 211);
      return () => {
        const { gap, weight, width, step, temperature, start, seed, corrected } = s.state,
          d = target(s.state),
          from = `${start},${seed}`,
          now = [gap, weight, width, step, temperature, corrected].join();
        if (!xs || from !== key) {
          key = from;
          rng = M.random(seed);
          count = 0;
          kept = [];
          xs = Float64Array.from({ length: N }, () =>
            start === 'left'
              ? -gap / 2 + 0.1 * rng.normal()
              : start === 'middle'
                ? 0.05 * rng.normal()
                : 12 * rng.uniform() - 6,
          );
        }
        if (!end || end.now !== now) {
          end = { now };
          if (corrected === 'yes' || temperature <= 0) end.p = null;
          else {
            const r = L.endDensity(d, step, temperature, -7, 7, 113, 80),
              h = r.xs[1] - r.xs[0];
            end.xs = r.xs;
            end.p = r.p;
            end.error = L.variation(
              Array.from(r.p, v => v * h),
              Array.from(r.xs, x => L.density(d, x) * h),
            );
          }
        }
        const bins = 56,
          counts = M.histogram(xs, -7, 7, bins).map(c => c / N),
          wide = 14 / bins,
          ys = Array.from(places, x => L.density(d, x));
        const masses = Array.from({ length: bins }, (_, k) => {
          const x = -7 + (k + 0.5) * wide;
          return (
            ((L.density(d, x - wide / 3) + L.density(d, x) + L.density(d, x + wide / 3)) / 3) * wide
          );
        });
        plot.y = [0, 1.25 * Math.max(0.2, ...ys)];
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.bars(
              -7,
              wide,
              counts.map(c => c / wide),
              'q',
              { alpha: 0.5, part: 0.96 },
            );
            pen.line(places, ys, 'p', { width: 2.4 });
            if (end.p) pen.line(end.xs, end.p, 'ink', { width: 1.6, dash: [5, 4] });
          });
        });
        const first = count - kept.length,
          ticks = kept.map((_, k) => first + k);
        trace.x = [first, first + 300];
        trace.draw(pen => {
          pen.axes();
          pen.clip(() => {
            for (let r = 0; r < 8; r++)
              pen.line(
                ticks,
                kept.map(k => k[r]),
                ['q', 'r', 's', 'p'][r % 4],
                { width: 1, alpha: 0.7 },
              );
          });
        });
        const left = xs.reduce((t, x) => t + (x < 0), 0) / N,
          runaway = xs.some(x => Math.abs(x) > 50);
        numbers({
          steps: String(count),
          left,
          truth:
            1 -
            (weight * (1 - M.normalCdf(0, -gap / 2, width)) +
              (1 - weight) * (1 - M.normalCdf(0, gap / 2, width))),
          wrong: Math.min(1, L.variation(counts, masses) + 0.5 * (1 - M.sum(counts))),
          end: end.p ? end.error : corrected === 'yes' ? 0 : NaN,
          taken: corrected === 'yes' ? taken : '–',
        });
        formula({ step: String(step), spread: Math.sqrt(2 * step * temperature) });
        status(
          runaway
            ? 'The step is so large that chains run away.'
            : temperature === 0
              ? 'Without noise this is gradient ascent: every chain ends on top of a mode.'
              : temperature !== 1
                ? 'At another temperature than 1 the chains follow p to the power 1 / temperature.'
                : corrected === 'yes'
                  ? 'With acceptance the density is right at every step size, but large steps ' +
                    'are nearly always refused.'
                  : end.error > 0.08
                    ? 'This step size is too large: the chains end in another density (dashed).'
                    : step < 0.004
                      ? 'This step size crawls: it takes thousands of steps to cross one mode.'
                      : gap / width > 5.5 && start === 'left'
                        ? 'Each mode is sampled well, but the chains do not cross: the error stays.'
                        : 'The chains follow p.',
        );
        plot.say(`Histogram of the chains; ${s.words(left, 2)} of them are on the left`);
      };
    },
  });
}
