// Characters are coloured by bits; one that is pointed at shows what was held likely in its place.
const MOST = 8,
  DEEPEST = 52; // bits of the deepest colour, and how much of the accent that is
const page = element.querySelector('pre'),
  head = element.querySelector('h2'),
  bars = element.querySelector('.bars'),
  said = element.querySelector('.said'),
  rest = element.querySelector('.rest');
page.setAttribute('aria-label', props.label);
let value = null,
  cells = [], // a span for each character, and one for what would come next
  bits = new Float32Array(),
  likeliest = new Uint8Array(),
  chances = new Float32Array(),
  attention = null,
  width = 0, // alternatives of a place
  hover = null,
  pin = null;

const NAMES = { '\n': 'new line', ' ': 'space' };
const named = symbol => NAMES[symbol] ?? symbol;
const quoted = symbol => NAMES[symbol] ?? `“${symbol}”`;
const percent = p => (p < 0.0005 ? '< 0.1' : (100 * p).toFixed(p < 0.0995 ? 1 : 0)) + '\u00a0%';
const colour = part =>
  `color-mix(in srgb, var(--color-accent) ${(DEEPEST * part).toFixed(1)}%, transparent)`;

const makeCell = (symbol, k) => {
  const cell = document.createElement('span');
  cell.dataset.k = k;
  if (symbol === '\n') {
    const mark = document.createElement('i');
    mark.textContent = '↵';
    mark.ariaHidden = 'true';
    cell.append(mark, '\n');
  } else cell.textContent = symbol;
  return cell;
};
const at = () => hover ?? pin;
// Place k of the attention stands before character k: its row tells where the model looked.
const paint = () => {
  const place = at(),
    looking = attention && place != null,
    n = cells.length;
  for (let k = 0; k < n; k++) {
    const cell = cells[k];
    // What is looked at by the row of a place is each symbol that was read up to there.
    const part = looking
      ? k < place
        ? attention[place * n + k + 1] / 255
        : 0
      : k < bits.length
        ? Math.min(1, bits[k] / MOST)
        : 0;
    cell.style.background = part > 0.004 ? colour(part) : '';
    cell.classList.toggle('at', k === place);
    cell.classList.toggle('given', k < value.given);
  }
  element.classList.toggle('looking', !!looking);
  tell(place ?? n - 1, place == null);
};
const tell = (place, resting) => {
  const n = cells.length,
    there = value.text[place],
    probable = [...chances.subarray(place * width, (place + 1) * width)],
    symbols = [...likeliest.subarray(place * width, (place + 1) * width)].map(
      k => value.symbols[k],
    );
  head.textContent = place === n - 1 ? 'Comes next' : `Character ${place + 1}`;
  bars.replaceChildren(
    ...symbols.map((symbol, k) => {
      const row = document.createElement('div'),
        name = document.createElement('b'),
        bar = document.createElement('span'),
        number = document.createElement('em');
      row.classList.toggle('there', symbol === there);
      name.textContent = named(symbol);
      bar.style.width = `${(100 * probable[k]) / Math.max(probable[0], 1e-9)}%`;
      number.textContent = percent(probable[k]);
      const room = document.createElement('div');
      room.className = 'room';
      room.append(bar);
      row.append(name, room, number);
      return row;
    }),
  );
  bars.setAttribute(
    'aria-label',
    symbols.map((symbol, k) => `${named(symbol)} ${percent(probable[k])}`).join(', '),
  );
  if (there === undefined) {
    said.textContent = resting
      ? 'Point at a character, or go through the text with the arrow keys.'
      : 'Nothing is written here yet.';
    return;
  }
  const p = 2 ** -bits[place];
  said.textContent =
    `${quoted(there)} had ${percent(p)}: ${bits[place].toFixed(2)} bits.` +
    (attention ? ` Coloured is where ${value.head} looked before it was written.` : '');
};
const show = () => {
  value = props.value?.symbols ? props.value : null;
  element.classList.toggle('empty', !value);
  if (!value) return;
  bits = GE.floats(value.bits);
  chances = GE.floats(value.chances);
  likeliest = new Uint8Array(GE.bytes(value.likeliest));
  attention = value.attention ? new Uint8Array(GE.bytes(value.attention)) : null;
  const text = value.text;
  width = chances.length / (text.length + 1);
  // While it is written only the end is new.
  let same = 0;
  while (same < cells.length - 1 && cells[same].symbol === text[same] && same < text.length) same++;
  for (const cell of cells.splice(same)) cell.remove();
  for (let k = same; k <= text.length; k++) {
    const cell = k < text.length ? makeCell(text[k], k) : makeCell('\u00a0', k);
    cell.symbol = text[k];
    cells.push(cell);
  }
  cells.at(-1).className = 'next';
  page.append(...cells.slice(same));
  if (pin != null && pin >= cells.length) pin = null;
  hover = null;
  rest.textContent =
    (value.given ? 'Underlined is what was given. ' : '') +
    (attention ? `A character that is pointed at shows where ${value.head} looked.` : '');
  paint();
};
const over = event => event.target.closest?.('span[data-k]');
page.onpointermove = event => {
  const cell = over(event),
    k = cell ? +cell.dataset.k : null;
  if (value && k !== hover) {
    hover = k;
    paint();
  }
};
page.onpointerleave = () => {
  hover = null;
  if (value) paint();
};
page.onclick = event => {
  const cell = over(event);
  if (!value) return;
  const k = cell ? +cell.dataset.k : null;
  pin = k === pin ? null : k;
  hover = null;
  paint();
};
const lineOf = k => value.text.lastIndexOf('\n', k - 1) + 1;
const moved = (key, from) => {
  const n = value.text.length,
    begin = lineOf(from),
    column = from - begin;
  if (key === 'ArrowLeft') return Math.max(0, from - 1);
  if (key === 'ArrowRight') return Math.min(n, from + 1);
  if (key === 'Home') return 0;
  if (key === 'End') return n;
  if (key === 'ArrowUp')
    return begin ? Math.min(begin - 1, lineOf(begin - 1) + column) : 0;
  if (key === 'ArrowDown') {
    const end = value.text.indexOf('\n', from);
    if (end < 0) return n;
    const after = value.text.indexOf('\n', end + 1);
    return Math.min(end + 1 + column, after < 0 ? n : after);
  }
  return null;
};
page.onkeydown = event => {
  if (!value) return;
  if (event.key === 'Escape') pin = null;
  else {
    const to = moved(event.key, pin ?? value.given);
    if (to == null) return;
    pin = to;
  }
  event.preventDefault();
  hover = null;
  paint();
  if (pin != null) cells[pin].scrollIntoView({ block: 'nearest' });
};
watch('value', show);
show();
