const sheet = element.querySelector('.sheet');
sheet.setAttribute('aria-label', props.label);
const make = (kind, text, parent) => {
  const node = document.createElement(kind);
  node.textContent = text ?? '';
  parent.append(node);
  return node;
};
let table = null,
  sprites = [];
const layout = () => {
  const first = sprites.find(Boolean);
  if (!first || !sheet.clientWidth) return;
  const { w, h } = first,
    count = Math.max(...sprites.map(s => s?.n ?? 0)),
    narrow = sheet.clientWidth < 560;
  const room = (sheet.clientWidth - (narrow ? 0 : 132)) / count - 8;
  const side = GE.crisp(w, Math.max(narrow ? 58 : 40, Math.min(props.largest, room)));
  for (const canvas of sheet.querySelectorAll('canvas')) {
    canvas.style.width = side + 'px';
    canvas.style.height = (side * h) / w + 'px';
  }
  sheet.classList.toggle('narrow', narrow);
};
const show = () => {
  const value = props.value ?? {},
    rows = value.rows ?? [];
  table = document.createElement('table');
  sprites = rows.map(row => GE.unpack(row.sprite));
  if (value.columns) {
    const head = make('tr', '', make('thead', '', table));
    make('td', '', head);
    for (const text of value.columns) make('th', text, head).scope = 'col';
  }
  const body = make('tbody', '', table);
  rows.forEach((row, r) => {
    const line = make('tr', '', body),
      name = make('th', '', line);
    name.scope = 'row';
    make('b', row.name, name);
    make('span', row.note, name);
    line.classList.toggle('on', r === value.chosen);
    for (let k = 0; k < (sprites[r]?.n ?? 0); k++) {
      const cell = make('td', '', line),
        canvas = make('canvas', '', cell);
      const words = [row.name, value.columns?.[k], row.captions?.[k]].filter(Boolean).join(', ');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', words);
      canvas.title = words;
      GE.draw(canvas, sprites[r], k);
      if (row.captions) make('p', row.captions[k], cell);
    }
  });
  sheet.replaceChildren(table);
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
