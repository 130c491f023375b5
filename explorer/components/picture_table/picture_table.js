const table = element.querySelector('.table');
table.setAttribute('aria-label', props.label);
let value = null,
  sprite = null,
  cells = [];

const words = (kind, title, note) => {
  const box = document.createElement('div'),
    b = document.createElement('b'),
    s = document.createElement('span');
  box.className = kind;
  b.textContent = title ?? '';
  s.textContent = note ?? '';
  box.append(b, s);
  return box;
};
const build = () => {
  const { columns, rows, notes, axis } = value,
    named = rows.some(r => r.name);
  const parts = [];
  cells = [];
  rows.forEach(row => {
    if (named) parts.push(words('row', row.name, row.note));
    columns.forEach(title => {
      const canvas = document.createElement('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute(
        'aria-label',
        [row.name, axis, title].filter(x => x || x === 0).join(' '),
      );
      cells.push(canvas);
      parts.push(canvas);
    });
  });
  if (named) {
    const corner = document.createElement('div');
    corner.className = 'axis';
    corner.textContent = axis ?? '';
    parts.push(corner);
  }
  columns.forEach((title, i) => parts.push(words('column', title, notes?.[i])));
  table.replaceChildren(...parts);
};
const layout = () => {
  if (!value || !element.clientWidth) return;
  const n = value.columns.length,
    room = element.clientWidth,
    named = value.rows.some(r => r.name);
  const narrow = room < 480,
    aside = !named || narrow ? 0 : 124;
  table.classList.toggle('narrow', narrow);
  const h = sprite?.h ?? value.h,
    w = sprite?.w ?? value.w;
  const each = Math.min(props.room, (room - aside - n * 4) / n);
  // Where whole pixels would waste a third of the room, a few uneven ones do less harm.
  const crisp = GE.crisp(w, each),
    side = crisp > 0.67 * each ? crisp : Math.floor(each);
  table.style.gridTemplateColumns = (aside ? aside + 'px ' : '') + `repeat(${n}, ${side}px)`;
  table.style.setProperty('--side', side + 'px');
  table.style.setProperty('--tall', (side * h) / w + 'px');
};
const show = () => {
  value = props.value?.columns ? props.value : null;
  sprite = GE.unpack(value?.sprite);
  if (!value) {
    table.replaceChildren();
    return;
  }
  build();
  for (const k of value.blank ?? []) cells[k].style.visibility = 'hidden';
  // Places whose picture is still to come keep their room: `places` says where each picture goes.
  if (sprite)
    for (let k = 0; k < sprite.n; k++) {
      const cell = cells[value.places?.[k] ?? k];
      if (cell) GE.draw(cell, sprite, k);
    }
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
