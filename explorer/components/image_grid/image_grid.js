const box = element.querySelector('.cells');
box.setAttribute('aria-label', props.label);
let sprite = null,
  selected = props.selected ?? -1,
  cells = [],
  columns = 1;

// Tells whoever follows this grid which picture is selected. by: "person" or "update".
const tell = by =>
  document.dispatchEvent(
    new CustomEvent('ge:picked', {
      detail: { grid: props.grid, index: selected, sprite, by },
    }),
  );
const mark = () =>
  cells.forEach((cell, i) => {
    cell.setAttribute('aria-selected', i === selected);
    cell.tabIndex = i === Math.max(selected, 0) ? 0 : -1;
  });
const pick = (i, focus) => {
  selected = i;
  mark();
  if (focus) cells[i].focus();
  tell('person');
};
const makeCell = i => {
  const cell = document.createElement('button');
  cell.type = 'button';
  cell.setAttribute('role', 'option');
  cell.setAttribute('aria-label', 'Picture ' + (i + 1));
  cell.append(document.createElement('canvas'));
  cell.onclick = () => pick(i);
  return cell;
};

// As many columns as make the pictures largest in the room between here and the window's foot.
const GAP = 3;
const layout = () => {
  if (!sprite || !element.clientWidth) return;
  const { n, w, h } = sprite,
    width = element.clientWidth;
  const height = Math.max(300, GE.below(element) - 16);
  let best = null;
  for (let across = 1; across <= n; across++) {
    const down = Math.ceil(n / across);
    const side = GE.crisp(w, Math.min(width / across - GAP, ((height / down - GAP) * w) / h));
    const score = side - 0.01 * Math.abs(across - down) - (n % across ? 0.5 : 0);
    if (side >= 8 && (!best || score > best.score)) best = { score, across, side };
  }
  // Too many to fit: small pictures, and the page scrolls.
  best ??= { across: Math.max(1, Math.floor(width / (w + GAP))), side: Math.min(w, width - GAP) };
  columns = best.across;
  box.style.gridTemplateColumns = `repeat(${columns}, ${best.side}px)`;
  box.style.setProperty('--side', best.side + 'px');
  box.style.setProperty('--tall', (best.side * h) / w + 'px');
};
const show = () => {
  sprite = GE.unpack(props.value);
  const n = sprite?.n ?? 0;
  while (cells.length < n) box.append(cells[cells.push(makeCell(cells.length)) - 1]);
  while (cells.length > n) cells.pop().remove();
  for (let k = 0; k < n; k++) GE.draw(cells[k].firstElementChild, sprite, k);
  if (n && selected >= n) selected = 0; // what is selected at first waits for the pictures
  mark();
  layout();
  if (sprite && selected >= 0) tell('update');
};
box.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  const to =
    event.key === 'Home'
      ? 0
      : event.key === 'End'
        ? cells.length - 1
        : step && Math.max(selected, 0) + step;
  if (to === undefined || !cells[to]) return;
  event.preventDefault();
  pick(to, true);
});
new ResizeObserver(layout).observe(element);
GE.on(element, 'resize', layout, window);
watch('value', show);
show();
// Followers that appear later ask for the state.
GE.on(element, 'ge:follow', e => e.detail === props.grid && sprite && tell('update'));
