// One picture, written value by value, and how likely each value was.

TABS.push({
  key: 'pixels',
  title: 'Pixels',
  needs: 'WritesPixels',
  build(panel) {
    const { aside, stage } = sheetIn(panel),
      [C, H, W] = model.config.image,
      name = 'model';
    let writes = 0,
      changes = '',
      begun = false;
    const write = async at => {
      const start = performance.now(),
        mine = ++writes,
        knobs = { ...read(), label: label?.value() ?? null },
        base = JSON.stringify([seed.value(), knobs]),
        forced = Object.fromEntries(
          changes
            .split(':')
            .pop()
            .split('-')
            .filter(Boolean)
            .map(pair => pair.split('.').map(Number)),
        );
      const args = { seed: seed.value(), knobs, forced };
      status.set({ text: 'Writing …', kind: 'busy' });
      const last = await model.ask('write', args, step => {
        if (mine !== writes) return;
        show(step, { base, at });
      });
      if (mine !== writes || !last) return;
      const sum = last.nats.reduce((a, b) => a + b, 0);
      const took = seconds(performance.now() - start);
      status.set({ text: `${sum.toFixed(1)} nats in all. Written in ${took}, by this browser.` });
    };
    const show = ({ order, levels, nats, running }, { base, at }) => {
      const D = order.length;
      player.set({
        name,
        base,
        run: base + changes,
        order: base64(order),
        levels: base64(levels),
        nats: base64(nats),
        was: changes ? base64(before) : '',
        c: C,
        h: H,
        w: W,
        top: model.config.levels - 1,
        most: model.config.levels === 2 ? 4 : 8,
        bits: model.config.levels > 2,
        changes,
        at: at ?? null,
        running,
      });
      if (!changes && !running) {
        before = new Uint8Array(D);
        for (let k = 0; k < D; k++) before[order[k]] = levels[k];
      }
      status.set({ text: running ? 'Writing …' : '', kind: running ? 'busy' : 'plain' });
    };
    let before = new Uint8Array(0);
    const anew = () => {
      changes = '';
      write();
    };
    const seed = numberBox('Seed', 0, 0, 2 ** 53 - 1, anew),
      label = classChoice(anew);
    const again = button(
      'Write another',
      () => {
        seed.set(seed.value() + 1);
        anew();
      },
      true,
    );
    aside.append(make('div', { class: 'go' }, again), seed.element);
    if (label) aside.append(label.element);
    const read = knobsIn(aside, anew);
    const status = mount('status', aside);

    const room = make('div', { class: 'with-closeup' }),
      left = make('div'),
      right = make('div', { class: 'ge-aside' });
    room.append(left, right);
    stage.append(room);
    const player = mount('pixel_player', left, {
      player: 'pixels',
      label: 'The picture as it is written',
      below: 0,
      largest: 420,
      palette: PALETTES.heat,
    });
    const probe = mount('pixel_probe', right, { player: 'pixels' });
    GE.on(probe.element, 'ge:pixel', async ({ detail: { id, place } }) => {
      if (id !== 'pixels') return;
      const reply = await model.ask('chances', { place });
      if (reply?.chances) probe.set({ run: player.props.value.run, place, ...reply });
    });
    GE.on(probe.element, 'ge:pixel-change', ({ detail }) => {
      if (detail.id !== 'pixels') return;
      changes = kept(detail.changes, player.props.value);
      write();
    });
    // Of several changes those stand that come before the last in the order of writing.
    const kept = (text, { order }) => {
      if (!text) return '';
      const step = new Map([...new Uint16Array(GE.bytes(order))].map((place, k) => [place, k])),
        all = text
          .split(':')
          .pop()
          .split('-')
          .map(pair => pair.split('.').map(Number)),
        [last] = all.at(-1);
      const stand = all.filter(
        ([place], k) => k + 1 === all.length || step.get(place) < step.get(last),
      );
      return name + ':' + stand.map(pair => pair.join('.')).join('-');
    };
    return () => {
      if (!begun) write();
      begun = true;
    };
  },
});
