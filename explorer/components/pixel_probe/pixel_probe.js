const $ = query => element.querySelector(query);
const numbers = $('.numbers'),
  head = $('h2'),
  svg = $('.chances'),
  drawn = $('.drawn'),
  looks = $('.looks input');
const change = $('.change'),
  level = $('.level input'),
  read = $('.level output'),
  doIt = $('.do'),
  undo = $('.undo');
let WIDE = 240;
const send = (what, value) =>
  document.dispatchEvent(
    new CustomEvent('ge:writing-do', { detail: { id: props.player, what, value } }),
  );
const state = () => GE.writing[props.player];
const make = (tag, set, text) => GE.svg(tag, set, svg, text);
const percent = p =>
  (p >= 0.9995 && p < 1 ? '> 99.9' : p > 0 && p < 0.0005 ? '< 0.1' : (100 * p).toFixed(1)) + ' %';
const nats = v => (v < 0.0005 ? '0.000' : v < 10 ? v.toFixed(3) : v.toFixed(2));

// The numbers at the playhead.
const cells = {};
const cell = (name, text) => {
  if (!cells[name]) {
    const pair = document.createElement('div'),
      term = document.createElement('dt');
    term.textContent = name;
    cells[name] = document.createElement('dd');
    pair.append(term, cells[name]);
    numbers.append(pair);
  }
  cells[name].parentNode.hidden = text == null;
  cells[name].textContent = text ?? '';
};
const count = s => {
  const k = s.at;
  cell('Surprise so far', `${s.sums[k]?.toFixed(2) ?? '0.00'} nats`);
  cell('Bits a value', s.value?.bits ? (k ? (s.sums[k] / Math.LN2 / k).toFixed(3) : '–') : null);
};

// Black and white: two bars, as wide as they are likely. Levels: a bar each.
const two = (chances, value) => {
  svg.setAttribute('viewBox', `0 0 ${WIDE} 60`);
  ['black', 'white'].forEach((name, k) => {
    const y = 4 + 28 * k,
      on = value === k;
    make('text', { x: 0, y: y + 16, class: on ? 'on' : '' }, name);
    make('rect', { x: 44, y, width: WIDE - 44 - 66, height: 22, class: 'room' });
    make('rect', {
      x: 44,
      y,
      width: Math.max(0.5, chances[k] * (WIDE - 44 - 66)),
      height: 22,
      class: on ? 'bar on' : 'bar',
    });
    make(
      'text',
      { x: WIDE, y: y + 16, 'text-anchor': 'end', class: on ? 'on' : '' },
      percent(chances[k]),
    );
  });
};
const many = (chances, value, other) => {
  const tall = 96,
    most = Math.max(...chances),
    n = chances.length,
    step = WIDE / n;
  svg.setAttribute('viewBox', `0 0 ${WIDE} ${tall + 20}`);
  let path = `M0 ${tall}`;
  chances.forEach((p, k) => {
    const y = (tall - ((tall - 14) * p) / most).toFixed(2);
    path += `L${(k * step).toFixed(2)} ${y}L${((k + 1) * step).toFixed(2)} ${y}`;
  });
  make('path', { d: path + `L${WIDE} ${tall}Z`, class: 'bar' });
  make('line', { x1: 0, x2: WIDE, y1: tall, y2: tall, class: 'foot' });
  if (other != null && other !== value)
    make('line', {
      x1: (other + 0.5) * step,
      x2: (other + 0.5) * step,
      y1: 12,
      y2: tall,
      class: 'other',
    });
  if (value != null)
    make('line', {
      x1: (value + 0.5) * step,
      x2: (value + 0.5) * step,
      y1: 4,
      y2: tall,
      class: 'drawn',
    });
  make('text', { x: 0, y: tall + 15 }, '0');
  make('text', { x: WIDE / 2, y: tall + 15, 'text-anchor': 'middle' }, `peak ${percent(most)}`);
  make('text', { x: WIDE, y: tall + 15, 'text-anchor': 'end' }, String(n - 1));
};
const called = (s, value) => (s.value.top === 1 ? ['black', 'white'][value] : `level ${value}`);

const paint = () => {
  const s = state();
  if (!s?.value) return;
  count(s);
  const v = s.value,
    area = v.w * v.h,
    pinned = s.pin != null;
  // What is pointed at; else what is being written.
  const place = s.hover ?? s.pin ?? (s.at ? s.order[s.at - 1] : null);
  svg.replaceChildren();
  WIDE = Math.round(svg.clientWidth) || WIDE;
  if (place == null) {
    head.textContent = 'Point at a pixel';
    drawn.textContent = 'It shows what the model held likely there, and what it looked at.';
  } else {
    const step = s.step[place],
      pixel = place % area,
      there = step < s.n;
    const title = `Row ${Math.floor(pixel / v.w) + 1}, column ${(pixel % v.w) + 1}`;
    head.textContent =
      title + (v.c === 3 ? `, ${['red', 'green', 'blue'][Math.floor(place / area)]}` : '');
    const reply = s.reply?.place === place ? s.reply : null;
    const value = there ? s.levels[step] : null,
      p = there ? Math.exp(-s.nats[step]) : null;
    // Of two levels what one was drawn with tells both.
    const chances = v.top === 1 && there ? (value ? [1 - p, p] : [p, 1 - p]) : reply?.chances;
    if (chances)
      (v.top === 1 ? two : many)(
        chances,
        value,
        place === s.pin && !change.hidden ? +level.value : null,
      );
    svg.setAttribute(
      'aria-label',
      `${head.textContent}: ` +
        (chances && v.top === 1 ? `white ${percent(chances[1])}` : 'chances of all levels'),
    );
    drawn.textContent = there
      ? `Value ${step + 1} of ${s.order.length}: ${called(s, value)}, which had ${percent(p)}, ` +
        `${nats(s.nats[step])} nats.`
      : 'Still to be written.';
  }
  svg.classList.toggle('empty', !svg.childNodes.length);
  svg.classList.toggle('many', v.top !== 1);
  $('.channel').hidden = v.c !== 3 || !pinned;
  if (pinned) $('.channel select').value = Math.floor(s.pin / area);
  $('.looks').hidden = !pinned;
  const able = pinned && !s.live && s.step[s.pin] < s.n - 1;
  change.hidden = !pinned && !v.changes;
  $('.level').hidden = !pinned || v.top === 1;
  doIt.hidden = !pinned;
  doIt.disabled = level.disabled = !able;
  undo.hidden = !v.changes;
  doIt.textContent =
    v.top === 1 && pinned
      ? `Make it ${['white', 'black'][s.levels[s.step[s.pin]] ?? 0]}`
      : 'Set it';
};
let shown = null;
const fit = () => {
  const s = state();
  if (!s?.value || s.pin == null) return;
  const key = `${s.value.run} ${s.pin} ${s.live}`;
  if (key === shown) return;
  shown = key;
  level.max = s.value.top;
  level.value = s.levels[s.step[s.pin]] ?? 0;
  read.textContent = level.value;
};
level.oninput = () => {
  read.textContent = level.value;
  paint();
};
const alter = to => {
  const s = state(),
    v = s.value;
  if (s.pin == null || to === s.levels[s.step[s.pin]]) return;
  const changes = (v.changes ? v.changes + '-' : v.name + ':') + `${s.pin}.${to}`;
  document.dispatchEvent(
    new CustomEvent('ge:pixel-change', { detail: { id: props.player, changes } }),
  );
};
doIt.onclick = () => {
  const s = state();
  alter(s.value.top === 1 ? 1 - s.levels[s.step[s.pin]] : +level.value);
};
undo.onclick = () =>
  document.dispatchEvent(
    new CustomEvent('ge:pixel-change', { detail: { id: props.player, changes: '' } }),
  );
looks.onchange = () => send('looks', looks.checked);
$('.channel select').onchange = event => {
  const s = state(),
    area = s.value.w * s.value.h;
  send('pin', +event.target.value * area + (s.pin % area));
};
GE.on(element, 'ge:film', e => {
  if (e.detail.id === props.player) paint();
});
GE.on(element, 'ge:writing', e => {
  if (e.detail === props.player) {
    fit();
    paint();
  }
});
const answer = () => {
  const s = state(),
    reply = props.value;
  if (!s?.value || !reply || reply.run !== s.value.run || reply.place !== s.pin) return;
  s.reply = reply;
  send('reply', reply);
  paint();
};
watch('value', answer);
paint();
