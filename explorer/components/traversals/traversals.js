const box = element.querySelector('.rows');
let value = null,
  code = [],
  rows = [];

// How far a row goes to either side.
const reach = it => it.data.reach ?? value.reach;
const make = () => {
  const row = document.createElement('div');
  row.className = 'row';
  row.innerHTML =
    '<div class="name"><b></b><span></span></div><div class="strip" role="slider" ' +
    'tabindex="0"><canvas></canvas><div class="thumb"><canvas></canvas></div></div>';
  box.append(row);
  const it = {
    row,
    name: row.querySelector('b'),
    note: row.querySelector('span'),
    strip: row.querySelector('.strip'),
    sheet: row.querySelector('.strip > canvas'),
    thumb: row.querySelector('.thumb'),
    face: row.querySelector('.thumb canvas'),
  };
  const move = event => {
    const part = (GE.at(event, it.strip).x - it.tile / 2) / (it.width - it.tile);
    place(it, (Math.max(0, Math.min(1, part)) * 2 - 1) * reach(it), true);
  };
  let held = false;
  it.strip.onpointerdown = event => {
    if (event.button) return;
    it.strip.setPointerCapture(event.pointerId);
    held = true;
    it.strip.focus();
    move(event);
  };
  it.strip.onpointermove = event => held && move(event);
  it.strip.onpointerup = () => {
    if (held) {
      held = false;
      send(it);
    }
  };
  it.strip.onpointercancel = () => {
    held = false;
    GE.latentPreview(null);
    place(it, along(it), false);
  };
  let timer = 0;
  it.strip.onkeydown = event => {
    const big = event.key.startsWith('Page'),
      step = reach(it) / (big || event.shiftKey ? 6 : 30);
    const way = {
      ArrowRight: 1,
      ArrowUp: 1,
      PageUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
      PageDown: -1,
    }[event.key];
    const to =
      event.key === 'Home'
        ? -reach(it)
        : event.key === 'End'
          ? reach(it)
          : way && it.at + way * step;
    if (to === undefined) return;
    event.preventDefault();
    place(it, Math.max(-reach(it), Math.min(reach(it), to)), true);
    clearTimeout(timer);
    timer = setTimeout(() => send(it), 350);
  };
  return it;
};
// A row goes along one number of the code, or along a direction of it.
const along = it =>
  it.data.vector
    ? it.data.vector.reduce((sum, v, i) => sum + v * code[i], 0)
    : code[it.data.dimension];
const send = it => {
  const z = [...code],
    far = it.at - along(it);
  if (it.data.vector)
    it.data.vector.forEach((v, i) => {
      z[i] += far * v;
    });
  else z[it.data.dimension] = it.at;
  GE.latentPreview(null);
  GE.latent(value.model, GE.pack(z), 'jumped');
};
const signed = v => (v < 0 ? '−' : '') + Math.abs(v).toFixed(2);
const place = (it, at, live) => {
  it.at = at;
  const shown = Math.max(-reach(it), Math.min(reach(it), at));
  const part = (shown / reach(it) + 1) / 2;
  it.thumb.style.left = part * (it.width - it.tile) + it.tile / 2 + 'px';
  const picture = GE.between(it.sprite, part * (it.sprite.n - 1));
  GE.draw(it.face, picture, 0);
  it.name.textContent = `${it.data.name} = ${signed(at)}`;
  it.strip.setAttribute('aria-valuenow', at.toFixed(2));
  if (live) GE.latentPreview(picture, `${it.data.name} = ${signed(at)}`);
};
const layout = () => {
  if (!value) return;
  for (const it of rows) {
    const room = it.strip.clientWidth,
      { w, h, n } = it.sprite;
    if (!room) return;
    const aim = room > 700 ? 58 : 42;
    it.tile = Math.max(GE.crisp(w, aim), 26);
    let across = Math.max(3, Math.floor(room / it.tile));
    across = Math.min(n, across - ((across + 1) % 2));
    it.width = across * it.tile;
    it.strip.style.setProperty('--tall', (it.tile * h) / w + 'px');
    it.sheet.width = across * w;
    it.sheet.height = h;
    it.sheet.style.width = it.width + 'px';
    const one = document.createElement('canvas'),
      g = it.sheet.getContext('2d');
    for (let i = 0; i < across; i++) {
      GE.draw(one, GE.between(it.sprite, (i / (across - 1)) * (n - 1)), 0);
      g.drawImage(one, i * w, 0);
    }
    place(it, it.at, false);
  }
};
const show = () => {
  if (!props.value?.rows) return;
  value = props.value;
  code = GE.unpackCode(value.z);
  while (rows.length < value.rows.length) rows.push(make());
  while (rows.length > value.rows.length) rows.pop().row.remove();
  value.rows.forEach((data, i) => {
    const it = rows[i];
    it.data = data;
    it.sprite = GE.unpack(data.sprite);
    it.at = along(it);
    it.note.textContent = data.note;
    it.strip.setAttribute('aria-label', `Dimension ${data.name}, ${data.note}`);
    it.strip.setAttribute('aria-valuemin', -reach(it));
    it.strip.setAttribute('aria-valuemax', reach(it));
  });
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
