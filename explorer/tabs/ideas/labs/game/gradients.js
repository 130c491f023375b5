{
  const G = IDEAS.game,
    M = IDEAS.maths;

  IDEAS.views.game.scenes.push({
    key: 'gradients',
    title: 'Whose gradient lives',
    words:
      'Early on the discriminator is sure that a sample is generated. Then log(1 − d) has no ' +
      'slope left, and −log d has its full one.',
    build(s) {
      const [play] = s.buttons(
        ['Race', () => 0, 'main'],
        [
          'Back to the start',
          () => {
            race = null;
            loop.stop();
            s.changed();
          },
        ],
      );
      s.slider('logit', { label: 'Logit of the discriminator', step: 0.1 });
      s.slider('far', { label: 'q starts at a distance of', step: 0.1 });
      s.slider('rate', { label: 'Step size', log: true });
      s.text(
        'In the race two generators, both normals of width 1, move towards p with the best ' +
          'discriminator at every step. They differ in their loss only.',
      );
      const numbers = s.numbers([
        ['d', 'd, probability of real', ''],
        ['sat', 'Slope of log(1 − d)', 'by the logit', 'r'],
        ['live', 'Slope of −log d', 'by the logit', 'q'],
        ['psat', 'Pull by log(1 − d)', 'on the mean of q, at the start'],
        ['plive', 'Pull by −log d', 'on the mean of q, at the start'],
      ]);
      const row = s.row(330);
      const plot = s.plot(
        {
          title: "Generator's loss",
          note: 'purple: log(1 − d), blue: −log d',
          x: [-8, 8],
          y: [-8, 8],
          tall: 250,
          names: ['logit of d', ''],
        },
        row,
      );
      const track = s.plot(
        {
          title: 'Distance of q from p',
          note: 'by step',
          x: [0, 150],
          y: [0, 8],
          tall: 250,
          names: ['steps', ''],
        },
        row,
      );
      plot.handle({
        name: 'Logit of the discriminator',
        tone: 'ink',
        axis: 'x',
        step: [0.2, 0],
        at: () => [s.state.logit, -7.4],
        move: x => s.set({ logit: +x.toFixed(2) }),
        say: () => `d = ${M.sigmoid(s.state.logit).toPrecision(3)}`,
        range: () => [s.state.logit, -8, 8],
      });
      const formula = s.formula(
        'd log(1 − σ(*t*)) / d*t* = −σ(*t*) = {sat},    d(−log σ(*t*)) / d*t* = −(1 − ' +
          'σ(*t*)) = {live}',
      );
      const xs = M.grid(-8, 8, 161),
        one = m => ({ means: [m], widths: [1], weights: [1] });
      let race = null,
        key = '';
      const loop = s.loop(
        () => {
          const next = {};
          for (const kind of ['saturating', 'lively']) {
            const at = race.at(-1)[kind];
            next[kind] = M.clamp(at - s.state.rate * G.pull(kind, one(0), one(at)), -9, 9);
          }
          race.push(next);
          return race.length <= 150;
        },
        play,
        ['Race', 'Pause'],
      );
      s.reset = () => {
        race = null;
      };
      return () => {
        const { logit, far, rate } = s.state,
          now = `${far},${rate}`,
          { saturating, lively } = G.LOSSES;
        if (!race || now !== key) {
          key = now;
          race = [{ saturating: far, lively: far }];
        }
        plot.draw(pen => {
          pen.axes();
          pen.clip(() => {
            for (const [loss, tone] of [
              [saturating, 'r'],
              [lively, 'q'],
            ]) {
              pen.line(xs, Array.from(xs, loss.f), tone, { width: 2.4 });
              const y = loss.f(logit),
                k = loss.slope(logit);
              pen.line([logit - 2.5, logit + 2.5], [y - 2.5 * k, y + 2.5 * k], tone, {
                width: 1.4,
                dash: [5, 4],
              });
              pen.dots([logit], [y], tone, { radius: 5 });
            }
          });
          pen.rule(logit, 'soft');
        });
        const steps = race.map((_, k) => k);
        track.y = [0, Math.max(1, far * 1.1)];
        track.draw(pen => {
          pen.axes();
          pen.clip(() => {
            pen.line(
              steps,
              race.map(r => Math.abs(r.saturating)),
              'r',
              { width: 2.4 },
            );
            pen.line(
              steps,
              race.map(r => Math.abs(r.lively)),
              'q',
              { width: 2.4 },
            );
          });
        });
        const v = { sat: saturating.slope(logit), live: lively.slope(logit) };
        numbers({
          d: M.sigmoid(logit),
          ...v,
          psat: G.pull('saturating', one(0), one(far)),
          plive: G.pull('lively', one(0), one(far)),
        });
        formula(v);
      };
    },
  });
}
