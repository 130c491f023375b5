// A cell is chosen first, then the entry that takes the place of its own.
const find = selector => element.querySelector(selector);
const box = find('.cells'),
  book = find('.book'),
  told = find('.cell');
box.setAttribute('aria-label', props.label);
book.setAttribute('aria-label', 'Entries of the codebook');
let value = null,
  pictures = null,
  cells = [],
  entries = [],
  chosen = 0,
  last = null; // the name of the picture that the cell was chosen in

const make = (parent, role) => {
  const made = document.createElement('button');
  made.type = 'button';
  made.setAttribute('role', role);
  parent.append(made);
  return made;
};
const percent = part => (100 * part).toFixed(part < 0.0995 ? 1 : 0) + '\u00a0%';
const mark = () => {
  cells.forEach((cell, k) => {
    cell.classList.toggle('at', k === chosen);
    cell.classList.toggle('changed', value.codes[k] !== value.was[k]);
    cell.tabIndex = k === chosen ? 0 : -1;
    const where = `Row ${Math.floor(k / value.w) + 1}, column ${(k % value.w) + 1}`;
    cell.setAttribute('aria-label', `${where}: code ${value.codes[k]}`);
    cell.setAttribute('aria-selected', k === chosen);
    cell.textContent = value.codes[k];
  });
  entries.forEach((entry, k) => {
    entry.setAttribute('aria-selected', k === value.codes[chosen]);
    entry.tabIndex = k === value.codes[chosen] ? 0 : -1;
  });
  const now = value.codes[chosen],
    was = value.was[chosen];
  told.textContent =
    `Row ${Math.floor(chosen / value.w) + 1}, column ${(chosen % value.w) + 1}: code ${now}` +
    (now === was ? '.' : `, was ${was}.`) +
    ' Choose another from the codebook.';
};
const choose = (k, focus) => {
  chosen = k;
  mark();
  if (focus) cells[k].focus();
};
const put = code => {
  const changes = new Map(
    value.changes
      ? value.changes
          .slice(value.changes.lastIndexOf(':') + 1)
          .split('-')
          .map(pair => pair.split('.').map(Number))
      : [],
  );
  if (code === value.was[chosen]) changes.delete(chosen);
  else changes.set(chosen, code);
  const text = [...changes].map(pair => pair.join('.')).join('-');
  document.dispatchEvent(
    new CustomEvent('ge:code-change', {
      detail: { grid: props.grid, changes: text ? `${value.name}:${text}` : '' },
    }),
  );
};
const layout = () => {
  if (!pictures || !element.clientWidth) return;
  const { w, h } = pictures,
    narrow = element.clientWidth < 620;
  const room = narrow ? element.clientWidth - 4 : Math.min(448, element.clientWidth * 0.46);
  const side = GE.crisp(w, room);
  find('.over').style.width = side + 'px';
  find('.over').style.height = (side * h) / w + 'px';
  const small = GE.crisp(w, side / 3);
  find('.given').style.width = small + 'px';
};
const show = () => {
  value = props.value?.codes ? props.value : null;
  element.classList.toggle('empty', !value);
  if (!value) return;
  pictures = GE.unpack(value.pictures);
  GE.draw(find('.now'), pictures, 0);
  GE.draw(find('.given'), pictures, 1);
  const n = value.codes.length;
  while (cells.length < n) {
    const k = cells.length,
      cell = make(box, 'option');
    cell.onclick = () => choose(k);
    cells.push(cell);
  }
  while (cells.length > n) cells.pop().remove();
  box.style.gridTemplateColumns = `repeat(${value.w}, 1fr)`;
  const sprite = GE.unpack(value.book);
  book.replaceChildren();
  entries = Array.from({ length: sprite.n }, (_, k) => {
    const entry = make(book, 'option'),
      canvas = document.createElement('canvas'),
      bar = document.createElement('i');
    const words = `Code ${k}, ${percent(value.use[k])} of all codes`;
    entry.setAttribute('aria-label', words);
    entry.title = words;
    bar.style.width = `${(100 * value.use[k]) / Math.max(...value.use)}%`;
    entry.append(canvas, bar);
    GE.draw(canvas, sprite, k);
    entry.onclick = () => put(k);
    return entry;
  });
  if (last !== value.name) chosen = Math.floor(n / 2);
  last = value.name;
  chosen = Math.min(chosen, n - 1);
  mark();
  layout();
};
box.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: value?.w, ArrowUp: -value?.w }[event.key];
  if (!step || !cells[chosen + step]) return;
  event.preventDefault();
  choose(chosen + step, true);
});
book.addEventListener('keydown', event => {
  const from = entries.indexOf(document.activeElement),
    across = entries.filter(entry => entry.offsetTop === entries[0].offsetTop).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
  if (from < 0 || !step || !entries[from + step]) return;
  event.preventDefault();
  entries[from + step].focus();
});
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
