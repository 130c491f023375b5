{
  const D = IDEAS.divergences,
    M = IDEAS.maths,
    { MEASURES, barPlot, barIntegrand } = IDEAS.views.divergences;

  IDEAS.views.divergences.scenes.push({
    key: 'game',
    title: 'Game',
    words:
      'Reach the wanted KL(p‖q) in as few moves as you can. A move is one drag of one bar of q.',
    build(s) {
      let moves = 0,
        done = false,
        best = null,
        round = null;
      const fresh = seed => {
        const rng = M.random(seed),
          p = D.normalised(Array.from({ length: 8 }, () => 0.15 + rng.uniform()));
        return { p, q: Array(8).fill(1 / 8), goal: [0.2, 0.35, 0.5, 0.75, 1][rng.below(5)] };
      };
      const begin = () => {
        round = fresh(s.state.seed);
        moves = 0;
        done = false;
        s.set({ p: round.p, q: round.q });
      };
      s.buttons(
        [
          'New game',
          () => {
            s.state.seed = (s.state.seed % 9999) + 1;
            begin();
          },
          'main',
        ],
        ['This one again', begin],
      );
      s.text(
        'Within 0.01 nats counts as reached. Can you do it in one move? How small can ' +
          'KL(p‖q) be, and how large?',
      );
      s.choice('show', { label: 'Show the terms of', options: MEASURES });
      const numbers = s.numbers([
        ['goal', 'Wanted', 'nats'],
        ['now', 'KL(p‖q) now', 'nats', 'r'],
        ['moves', 'Moves'],
        ['best', 'Best so far'],
      ]);
      const status = s.status();
      const drop = () => {
        if (done) return;
        moves++;
        if (Math.abs(D.kl(s.state.p, s.state.q) - round.goal) <= 0.01) {
          done = true;
          best = best === null ? moves : Math.min(best, moves);
        }
        s.changed();
      };
      const row = s.row(300);
      const plot = s.plot(
        { title: 'p, as it is', x: [-0.5, 7.5], y: [0, 0.6], tall: 190, names: ['x', ''] },
        row,
      );
      const draw = barPlot(s, row, 'q', 'p', 'q', 'q, drag these', drop),
        under = barIntegrand(s, s.stage);
      s.reset = () => {
        round = null;
      };
      return () => {
        if (!round) {
          round = fresh(s.state.seed);
          moves = 0;
          done = false;
          s.state.p = round.p;
          s.state.q = round.q;
        }
        draw();
        under();
        plot.y = [0, Math.max(0.4, ...s.state.p, ...s.state.q) * 1.12];
        plot.draw(pen => {
          pen.axes();
          pen.bars(-0.5, 1, s.state.p, 'p', { alpha: 0.55 });
        });
        const now = D.kl(s.state.p, s.state.q);
        numbers({
          goal: round.goal,
          now,
          moves: String(moves),
          best: best === null ? '–' : String(best),
        });
        status(
          done
            ? `Reached in ${moves} ${moves === 1 ? 'move' : 'moves'}.`
            : now < round.goal
              ? 'Too close: move q away from p.'
              : now > round.goal
                ? 'Too far: bring q nearer to p.'
                : '',
        );
      };
    },
  });
}
