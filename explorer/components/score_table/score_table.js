// A table that sorts at once: by a column's head, within each group of rows.
const table = element.querySelector('table'),
  head = table.tHead,
  body = table.tBodies[0],
  box = table.parentElement;
box.setAttribute('aria-label', props.label);
box.style.setProperty('--most', props.most ? props.most + 'px' : 'none');
let value = null,
  sort = null;

const make = (kind, parent, text, name) => {
  const node = document.createElement(kind);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  parent?.append(node);
  return node;
};
const compare = (a, b) => {
  if (!sort) return 0;
  const [x, y] = [a, b].map(row => row.cells[sort.column]?.[1]);
  if (x == null || y == null) return (x == null) - (y == null);
  const order = typeof x === 'string' ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
  return sort.down ? -order : order;
};
const fill = () => {
  const pictures = GE.unpack(value.sprite),
    { columns } = value;
  const groups = [...new Set(value.rows.map(row => row.group ?? ''))];
  body.replaceChildren();
  for (const group of groups) {
    if (group) {
      const cell = make('th', make('tr', body, undefined, 'group'), group);
      cell.colSpan = columns.length + !!pictures;
      cell.scope = 'colgroup';
    }
    for (const row of value.rows.filter(r => (r.group ?? '') === group).sort(compare)) {
      const line = make('tr', body);
      line.classList.toggle('on', !!row.on);
      if (pictures) {
        const canvas = make('canvas', make('td', line, undefined, 'thumb'));
        if (row.picture != null) {
          GE.draw(canvas, pictures, row.picture);
          canvas.style.width = GE.crisp(pictures.w, props.thumb) + 'px';
        }
      }
      if (row.says) {
        make('th', line, row.cells[0][0]).scope = 'row';
        make('td', line, row.says).colSpan = columns.length - 1;
        continue;
      }
      row.cells.forEach(([text], k) => {
        const cell = make(k ? 'td' : 'th', line, text, columns[k].number ? 'number' : '');
        if (!k) cell.scope = 'row';
        if (columns[k].verdict) cell.classList.toggle('strange', row.cells[k][1] > 0);
      });
    }
  }
};
const heads = () => {
  const line = make('tr');
  if (value.sprite) make('td', line, undefined, 'thumb');
  value.columns.forEach((column, k) => {
    const cell = make('th', line, undefined, column.number ? 'number' : ''),
      button = make('button', cell, column.name);
    cell.scope = 'col';
    button.type = 'button';
    if (sort?.column === k) cell.setAttribute('aria-sort', sort.down ? 'descending' : 'ascending');
    button.onclick = () => {
      const down = sort?.column === k ? !sort.down : !!(column.number || column.verdict);
      sort = { column: k, down };
      heads();
      fill();
      head.querySelectorAll('button')[k].focus();
    };
  });
  head.replaceChildren(line);
};
const show = () => {
  value = props.value?.columns ? props.value : null;
  element.style.minHeight = value ? '' : props.room + 'px';
  if (!value) {
    head.replaceChildren();
    body.replaceChildren();
    return;
  }
  if (sort && sort.column >= value.columns.length) sort = null;
  sort ??= value.sort ? { column: value.sort[0], down: value.sort[1] } : null;
  heads();
  fill();
};
watch('value', show);
show();
