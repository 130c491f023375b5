const table = element.querySelector('table'),
  head = table.tHead,
  body = table.tBodies[0];
table.setAttribute('aria-label', props.label);
let rows = [],
  picked = '',
  value = null;

const make = (kind, parent, text) => {
  const node = document.createElement(kind);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
};
const say = key =>
  document.dispatchEvent(
    new CustomEvent('ge:row-picked', { detail: { rows: props.rows, picked: key } }),
  );
const mark = () => {
  const all = rows.flatMap(row => row.cells);
  const on =
    all.find(cell => cell.dataset.key === picked) ??
    all.find(cell => cell.dataset.key === value?.first);
  for (const cell of all) {
    cell.setAttribute('aria-pressed', cell === on);
    cell.tabIndex = cell === (on ?? all[0]) ? 0 : -1;
  }
};
const pick = (cell, focus) => {
  picked = cell.dataset.key;
  mark();
  if (focus) cell.focus();
  say(picked);
};
const makeRow = () => {
  const line = make('tr', body),
    name = make('th', line);
  name.scope = 'row';
  const row = {
    line,
    title: make('b', name),
    note: make('span', name),
    long: make('ul', name),
    facts: [],
    cells: [],
  };
  row.pictures = make('td', line);
  row.pictures.className = 'pictures';
  return row;
};
const fill = (row, data) => {
  row.line.classList.toggle('on', !!data.on);
  row.title.textContent = data.name;
  row.note.textContent = data.note ?? '';
  row.long.replaceChildren(...data.long.map(text => make('li', null, text)));
  for (const fact of row.facts) fact.remove();
  row.facts = data.facts.map(text => {
    const cell = make('td', null, text);
    cell.className = 'fact';
    row.line.insertBefore(cell, row.pictures);
    return cell;
  });
  while (row.cells.length > value.count) row.cells.pop().remove();
  while (row.cells.length < value.count) {
    const cell = make('button', row.pictures);
    cell.type = 'button';
    make('canvas', cell);
    cell.onclick = () => pick(cell);
    row.cells.push(cell);
  }
  const sprite = GE.unpack(data.sprite);
  row.cells.forEach((cell, k) => {
    cell.dataset.key = `${data.key}:${k}`;
    cell.setAttribute('aria-label', `${data.name}, picture ${k + 1}`);
    cell.disabled = !sprite;
    const canvas = cell.firstElementChild;
    if (sprite) GE.draw(canvas, sprite, k);
    else ((canvas.width = value.w), (canvas.height = value.h));
  });
};
const layout = () => {
  const room = element.clientWidth;
  if (!value || !room) return;
  const narrow = room < 560,
    wide = room >= 900,
    n = value.count,
    GAP = 4;
  table.classList.toggle('narrow', narrow);
  table.classList.toggle('wide', wide);
  const words = narrow ? 0 : wide ? 190 + 118 * (value.heads?.length ?? 0) : 196;
  const each = Math.min(112, (room - words) / n - GAP),
    crisp = GE.crisp(value.w, each);
  // Where whole pixels would waste a third of the room, a few uneven ones do less harm.
  const side = !narrow && crisp > 0.67 * each ? crisp : Math.floor(each);
  table.style.setProperty('--side', side + 'px');
  table.style.setProperty('--tall', (side * value.h) / value.w + 'px');
};
const show = () => {
  value = props.value?.rows ? props.value : null;
  element.style.minHeight = value ? '' : props.expected * 76 + 'px';
  const given = value?.rows ?? [];
  while (rows.length > given.length) rows.pop().line.remove();
  while (rows.length < given.length) rows.push(makeRow());
  head.replaceChildren();
  if (value) {
    const line = make('tr', head);
    for (const text of ['Model', ...value.heads, 'Pictures']) make('th', line, text).scope = 'col';
    line.lastChild.classList.add('last');
  }
  given.forEach((data, k) => fill(rows[k], data));
  mark();
  layout();
};
body.addEventListener('keydown', event => {
  const r = rows.findIndex(row => row.cells.includes(event.target));
  if (r < 0) return;
  const k = rows[r].cells.indexOf(event.target),
    last = rows[r].cells.length - 1;
  const to = {
    ArrowRight: [r, k + 1],
    ArrowLeft: [r, k - 1],
    ArrowDown: [r + 1, k],
    ArrowUp: [r - 1, k],
    Home: [r, 0],
    End: [r, last],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  const cell = rows[to[0]]?.cells[to[1]];
  if (cell && !cell.disabled) pick(cell, true);
});
GE.on(element, 'ge:row-given', event => {
  if (event.detail.rows !== props.rows) return;
  picked = event.detail.picked;
  mark();
});
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:row-ask', { detail: props.rows }));
