// Latent space: a plane of it under the pointer, and single numbers of a code.

TABS.push({
  key: 'latent',
  title: 'Latent space',
  needs: 'Decodes',
  build(panel) {
    const { aside, stage } = sheetIn(panel),
      D = model.config.latent,
      REACH = 3,
      SIDE = 13,
      ROWS = 8,
      FRAMES = 13;
    let z = new Array(D).fill(0),
      begun = false,
      laid = 0;
    for (const [k, value] of model.start ?? []) z[k] = value;

    const decode = async (codes, channel) =>
      (await model.ask('decode', { codes, label: chosen() }, null, channel))?.sprite;
    const chosen = () => label?.value() ?? null;
    const packed = sprite => ({ ...sprite, b64: base64(sprite.bytes) });
    const along = (k, value) => z.map((v, i) => (i === k ? value : v));

    const lay = async () => {
      const mine = ++laid,
        [i, j] = [+across.value(), +up.value()],
        line = k => -REACH + (2 * REACH * k) / (SIDE - 1);
      status.set({ text: 'Decoding the plane …', kind: 'busy' });
      const origin = z.map((v, k) => (k === i || k === j ? 0 : v));
      const codes = [];
      for (let row = 0; row < SIDE; row++)
        for (let column = 0; column < SIDE; column++) {
          const code = [...origin];
          code[i] = line(column);
          code[j] = -line(row);
          codes.push(code);
        }
      const atlas = await decode([...codes, z], 'plane');
      if (!atlas || mine !== laid) return;
      const size = atlas.h * atlas.w * atlas.c,
        all = { ...atlas, n: SIDE * SIDE, bytes: atlas.bytes.subarray(0, SIDE * SIDE * size) },
        one = { ...atlas, n: 1, bytes: atlas.bytes.subarray(SIDE * SIDE * size) };
      pad.set({
        model: 'model',
        label: chosen(),
        atlas: packed(all),
        side: SIDE,
        origin,
        u: unit(i),
        v: unit(j),
        reach: REACH,
        at: [z[i], z[j]],
        exact: packed(one),
        axes: [axis(i), axis(j)],
        dots: D === 2 && !chosen() ? model.dots : null,
        colours: PALETTES.classes,
        classes: model.classes,
        corners: [],
      });
      status.set({ text: '' });
      strips();
    };
    const unit = k => Array.from({ length: D }, (_, i) => +(i === k));
    const nameOf = k => model.names?.[k] ?? `z${k + 1}`;
    const axis = k => ({ short: nameOf(k), name: nameOf(k), note: model.notes?.[k] ?? '' });

    // What the first numbers do, one at a time.
    const strips = async () => {
      const shown = model.ranks.slice(0, ROWS),
        codes = [];
      for (const k of shown)
        for (let f = 0; f < FRAMES; f++)
          codes.push(along(k, -REACH + (2 * REACH * f) / (FRAMES - 1)));
      const sprite = await decode(codes, 'strips');
      if (!sprite) return;
      const size = FRAMES * sprite.h * sprite.w * sprite.c;
      rows.set({
        model: 'model',
        z: GE.pack(z),
        reach: REACH,
        rows: shown.map((k, row) => ({
          dimension: k,
          name: nameOf(k),
          note: model.notes?.[k] ?? '',
          sprite: packed({
            ...sprite,
            n: FRAMES,
            bytes: sprite.bytes.subarray(row * size, (row + 1) * size),
          }),
        })),
      });
    };

    const options = model.ranks.map(k => [nameOf(k), k]);
    const across = choice('Left to right', options, model.ranks[0], () => turn(up, across)),
      up = choice('Bottom to top', options, model.ranks[1] ?? model.ranks[0], () =>
        turn(across, up),
      ),
      label = classChoice(() => lay(), null);
    // The two directions are never the same.
    const turn = (other, own) => {
      if (other.value() === own.value())
        other.set(model.ranks.find(k => String(k) !== own.value()));
      lay();
    };
    const chance = button(
      'A code by chance',
      async () => {
        const seed = Math.floor(Math.random() * 1e9),
          knobs = { label: chosen() };
        const drawn = await model.ask('sample', { seed, n: 1, knobs }, null, 'chance');
        z = Array.from(drawn.codes[0]);
        lay();
      },
      true,
    );
    aside.append(make('div', { class: 'go' }, chance));
    if (label) aside.append(label.element);
    if (D > 2) aside.append(across.element, up.element);
    const status = mount('status', aside);
    const pad = mount(
      'latent_pad',
      stage,
      {},
      {
        server: {
          decode: async (_, text) => {
            const sprite = await decode([GE.unpackCode(text)], 'exact');
            return sprite ? base64(sprite.bytes) : null;
          },
        },
      },
    );
    const rows = mount('traversals', stage);
    GE.on(pad.element, 'ge:latent', ({ detail: { text, how } }) => {
      z = GE.unpackCode(text);
      if (how === 'jumped') lay();
      else strips();
    });
    return () => {
      if (!begun) lay();
      begun = true;
    };
  },
});
