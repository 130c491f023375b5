// Samples of a seed: a grid, and one of them large.

TABS.push({
  key: 'sample',
  title: 'Sample',
  needs: 'Samples',
  build(panel) {
    const { aside, stage } = sheetIn(panel),
      GRID = { grid: 'sample', label: 'Samples', selected: 0 };
    let begun = false,
      draws = 0,
      latest = null,
      chosen = 0, // which of the pictures
      grid = null; // once there is something in it
    const draw = async () => {
      const start = performance.now(),
        n = count.value();
      stop.hidden = false;
      status.set({ text: 'Sampling …', kind: 'busy' });
      let steps = 0;
      const args = { seed: seed.value(), n, knobs: { ...knobs(), label: label?.value() ?? null } };
      const mine = ++draws;
      const last = await model.ask('sample', args, ({ step, total, sprite, codes }) => {
        if (mine !== draws) return;
        if (grid) grid.set(sprite);
        else grid = mount('image_grid', left, { ...GRID, value: sprite });
        latest = codes;
        steps = step;
        const words = step < total ? `Step ${step} of ${total}` : '';
        status.set({ text: words, kind: step < total ? 'busy' : 'plain', progress: step / total });
      });
      if (mine !== draws) return;
      stop.hidden = true;
      const took = seconds(performance.now() - start);
      const whole = last && steps === last.total;
      const what = n === 1 ? '1 picture' : `${n} pictures`;
      status.set({ text: whole ? `${what} in ${took}, by this browser.` : 'Stopped.' });
      showCode();
    };
    const seed = numberBox('Seed', 0, 0, 2 ** 53 - 1, () => draw()),
      count = numberBox('Pictures', model.pictures, 1, 100, () => draw()),
      label = classChoice(() => draw());
    const more = button(
      'Sample again',
      () => {
        seed.set(seed.value() + 1);
        draw();
      },
      true,
    );
    const stop = button('Stop', () => model.stop('sample'));
    stop.hidden = true;
    aside.append(make('div', { class: 'go' }, more, stop), seed.element, count.element);
    if (label) aside.append(label.element);
    const knobs = knobsIn(aside, () => draw());
    const status = mount('status', aside);
    const room = make('div', { class: 'with-closeup' }),
      left = make('div'),
      right = make('div', { class: 'ge-aside' });
    room.append(left, right);
    stage.append(room);
    const close = mount('closeup', right, { follows: 'sample' });
    const showCode = () => {
      const code = latest?.[chosen];
      close.set(code ? { code: Array.from(code), code_note: `${code.length} numbers` } : {});
    };
    close.element.classList.toggle('no-code', !model.can.includes('Decodes'));
    GE.on(close.element, 'ge:picked', event => {
      if (event.detail.grid !== 'sample') return;
      chosen = event.detail.index;
      showCode();
    });
    return () => {
      if (!begun) draw();
      begun = true;
    };
  },
});
