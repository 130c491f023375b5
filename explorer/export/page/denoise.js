// From noise to a picture: what there is, and what the model takes it for, at every step.

TABS.push({
  key: 'denoise',
  title: 'Denoise',
  needs: 'Denoises',
  build(panel) {
    const { aside, stage } = sheetIn(panel);
    let begun = false,
      runs = 0;
    const walk = async () => {
      const start = performance.now(),
        run = ++runs,
        there = [],
        guess = [],
        levels = [];
      status.set({ text: 'Denoising …', kind: 'busy' });
      const args = {
        seed: seed.value(),
        n: 1,
        knobs: { ...read(), label: label?.value() ?? null },
      };
      const show = ({ step, total, level, sprite, guesses }) => {
        if (run !== runs) return;
        there.push(sprite);
        guess.push(guesses);
        levels.push(level);
        film.set({
          rows: [
            { name: 'Noisy picture', note: 'xₜ', sprite: joined(there) },
            { name: 'Model’s guess', note: 'of x₀', sprite: joined(guess) },
          ],
          levels,
          run,
          running: step < total,
        });
        const words = `Step ${step} of ${total}, noise level σ = ${level.toPrecision(3)}`;
        if (step < total) status.set({ text: words, kind: 'busy', progress: step / total });
      };
      await model.ask('sample', args, show, 'denoise');
      if (run !== runs) return;
      const took = seconds(performance.now() - start);
      status.set({ text: `${levels.length - 1} steps in ${took}, by this browser.` });
    };
    const joined = sprites => {
      const size = sprites[0].bytes.length,
        bytes = new Uint8Array(size * sprites.length);
      sprites.forEach((sprite, k) => bytes.set(sprite.bytes, k * size));
      return { ...sprites[0], n: sprites.length, bytes };
    };
    const seed = numberBox('Seed', 0, 0, 2 ** 53 - 1, () => walk()),
      label = classChoice(() => walk());
    const again = button(
      'Start from other noise',
      () => {
        seed.set(seed.value() + 1);
        walk();
      },
      true,
    );
    aside.append(make('div', { class: 'go' }, again), seed.element);
    if (label) aside.append(label.element);
    const read = knobsIn(aside, () => walk());
    const status = mount('status', aside);
    const film = mount('film', stage, {
      film: 'denoise',
      label: 'From noise to a picture',
      below: 0,
      largest: 420,
      tile: 120,
      expected: 2,
      autoplay: true,
    });
    return () => {
      if (!begun) walk();
      begun = true;
    };
  },
});
