const $ = query => element.querySelector(query);
const box = $('.rows'),
  range = $('input'),
  play = $('.play'),
  said = $('output');
const speed = $('select'),
  loop = $('.loop');
box.setAttribute('aria-label', props.label + ': space plays and pauses, arrows step');
// A film takes about three seconds at 1x, and rests on its last frame before it starts again.
const SECONDS = 3,
  SLOWEST = 6,
  REST = 0.9,
  GAP = 16;
let rows = [],
  n = 0,
  at = 0,
  run = null,
  playing = false,
  live = false,
  own = false;
let clock = 0,
  last = 0,
  columns = 1,
  halted = null;

const announce = () => {
  GE.films[props.film] = n > 1 ? at / (n - 1) : 0;
  document.dispatchEvent(
    new CustomEvent('ge:film', {
      detail: { id: props.film, at, n, levels: props.value?.levels ?? null, playing, run },
    }),
  );
};
// A bar under each picture of a mosaic, as long as its number from 0 to 1.
const mark = (canvas, { across, h, w, gap, values }, k) => {
  const pen = canvas.getContext('2d');
  values[k]?.forEach((value, i) => {
    const x = (i % across) * (w + gap),
      y = Math.floor(i / across) * (h + gap) + h;
    pen.fillStyle = '#262626';
    pen.fillRect(x, y, w, gap);
    pen.fillStyle = '#ff9a57';
    pen.fillRect(x, y, Math.round(value * w), gap);
  });
};
const paint = () => {
  for (const row of rows) {
    if (!row.sprite?.n) continue;
    const k = Math.min(at, row.sprite.n - 1);
    if (row.shown !== k) {
      GE.draw(row.canvas, row.sprite, k);
      if (row.data.marks) mark(row.canvas, row.data.marks, k);
    }
    row.shown = k;
    row.below.textContent = row.data.captions?.[k] ?? '';
  }
  range.value = at;
  range.setAttribute('aria-valuetext', `frame ${at + 1} of ${n}`);
  said.textContent = n ? `${at} / ${n - 1}` : '\u00a0';
  announce();
};
const go = k => {
  const to = Math.max(0, Math.min(n - 1, k));
  if (to === at || !n) return;
  at = to;
  paint();
};
// A person takes the playhead: it no longer follows the newest frame.
const take = k => {
  own = true;
  start(false);
  go(k);
};

const tick = now => {
  if (!playing) return;
  if (!element.isConnected) {
    playing = false;
    return;
  }
  clock += Math.min(0.25, (now - last) / 1000) * speed.value;
  last = now;
  const rate = Math.max(SLOWEST, (n - 1) / SECONDS),
    end = (n - 1) / rate;
  if (clock >= end + REST) {
    if (loop.getAttribute('aria-pressed') === 'true') clock = 0;
    else {
      go(n - 1);
      start(false);
      return;
    }
  }
  go(Math.min(n - 1, Math.floor(clock * rate)));
  GE.frame(element, tick);
};
const start = on => {
  if (on && n < 2) return;
  if (on) {
    const rate = Math.max(SLOWEST, (n - 1) / SECONDS);
    if (at >= n - 1) go(0);
    clock = at / rate;
    last = performance.now();
  }
  if (on === playing) return;
  playing = on;
  play.textContent = on ? '❚❚' : '▶';
  play.setAttribute('aria-label', on ? 'Pause' : 'Play');
  if (on) GE.frame(element, tick);
  else announce();
};
play.onclick = () => {
  own = true;
  start(!playing);
};
box.onclick = () => {
  own = true;
  start(!playing);
};
$('.back').onclick = () => take(at - 1);
$('.on').onclick = () => take(at + 1);
range.oninput = () => take(+range.value);
speed.onchange = () => {
  if (playing) start(true);
};
loop.onclick = () =>
  loop.setAttribute('aria-pressed', loop.getAttribute('aria-pressed') !== 'true');
element.addEventListener('keydown', event => {
  if (event.target === range || event.target === speed || event.altKey || event.ctrlKey) return;
  if (event.key === ' ' && event.target.tagName === 'BUTTON') return;
  const key = {
    ' ': () => {
      own = true;
      start(!playing);
    },
    ArrowLeft: () => take(at - 1),
    ArrowRight: () => take(at + 1),
    Home: () => take(0),
    End: () => take(n - 1),
  }[event.key];
  if (key) {
    event.preventDefault();
    key();
  }
});

const makeRow = () => {
  const figure = document.createElement('figure');
  figure.innerHTML =
    '<figcaption><b></b> <span></span></figcaption><canvas role="img" width="28" ' +
    'height="28"></canvas><p></p>';
  box.append(figure);
  return {
    figure,
    name: figure.querySelector('b'),
    note: figure.querySelector('span'),
    canvas: figure.querySelector('canvas'),
    below: figure.querySelector('p'),
    shown: -1,
  };
};
// As many columns as make the pictures largest in the room down to the window's foot.
const layout = () => {
  const first = rows.find(row => row.sprite);
  if (!element.clientWidth) return;
  const { w, h } = first?.sprite ?? { w: 28, h: 28 },
    width = element.clientWidth;
  const words = rows.some(row => row.data.captions) ? 46 : 26;
  const height = Math.max(220, GE.below(box) - 52 - props.below);
  element.classList.toggle('narrow', width < 300);
  element.classList.toggle('tight', width < 220);
  if (!first) {
    const room = (width - GAP * (props.expected - 1)) / props.expected;
    box.style.minHeight = GE.crisp(w, Math.min(room, height - 46, props.largest)) + 46 + 'px';
    return;
  }
  box.style.minHeight = '';
  let best = null;
  for (let across = 1; across <= rows.length; across++) {
    const down = Math.ceil(rows.length / across);
    const room = Math.min(
      (width - GAP * (across - 1)) / across,
      (((height - GAP * (down - 1)) / down - words) * w) / h,
      props.largest,
    );
    if (room < 24) continue;
    const side = GE.crisp(w, room);
    if (!best || side >= best.side) best = { side, across }; // as few rows as will do
  }
  // Too many to fit the window: the page scrolls.
  if (!best || (best.side < props.tile && rows.length > 1)) {
    const least = Math.min(props.tile, (width - GAP) / 2);
    const across = Math.max(1, Math.min(rows.length, Math.floor((width + GAP) / (least + GAP))));
    const side = GE.crisp(w, Math.min(props.largest, (width - GAP * (across - 1)) / across));
    if (!best || side > best.side) best = { side, across };
  }
  columns = best.across;
  box.style.gridTemplateColumns = `repeat(${columns}, ${best.side}px)`;
  for (const row of rows) {
    row.canvas.style.width = best.side + 'px';
    row.canvas.style.height = (best.side * h) / w + 'px';
  }
};
// Frames from the k-th on, behind those that are there.
const joined = (before, more, k) => {
  if (!k || !before) return more;
  const size = before.h * before.w * before.c,
    bytes = new Uint8Array((k + (more?.n ?? 0)) * size);
  bytes.set(before.bytes.subarray(0, k * size));
  if (more) bytes.set(more.bytes, k * size);
  return { ...before, bytes, n: k + (more?.n ?? 0) };
};
const show = () => {
  const value = props.value || null; // an empty one may come as '', whose .at is a method
  const from = value?.from ?? 0;
  if (from && (value.run !== run || value.rows.some((_, k) => (rows[k]?.sprite?.n ?? 0) < from)))
    return;
  // What was on its way when a person stopped the run; a run begun anew starts with one frame.
  if (value?.running && value.run === halted && value.rows[0]?.sprite?.n > 1) return;
  halted = null;
  const given = value?.rows ?? [],
    fresh = !value || value.run == null || value.run !== run;
  run = value?.run ?? null;
  while (rows.length < given.length) rows.push(makeRow());
  while (rows.length > given.length) rows.pop().figure.remove();
  given.forEach((data, k) => {
    const row = rows[k];
    const captions = data.captions && [
      ...(from ? row.data.captions.slice(0, from) : []),
      ...data.captions,
    ];
    Object.assign(row, {
      data: { ...data, captions },
      sprite: joined(row.sprite, GE.unpack(data.sprite), from),
      shown: -1,
    });
    row.name.textContent = data.name ?? '';
    row.note.textContent = data.note ?? '';
    row.canvas.setAttribute('aria-label', [data.name, data.note].filter(Boolean).join(', '));
  });
  n = Math.max(0, ...rows.map(row => row.sprite?.n ?? 0));
  const was = live;
  live = !!value?.running;
  if (fresh) {
    own = false;
    start(false);
    at = Math.max(0, Math.min(value?.at ?? 0, n - 1));
  }
  if (live && !own) at = n - 1;
  at = Math.max(0, Math.min(at, n - 1));
  range.max = Math.max(0, n - 1);
  for (const control of $('.bar').querySelectorAll('button, input, select'))
    control.disabled = n < 2;
  element.dataset.running = live;
  layout();
  paint();
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (!live && (fresh || was) && !own && props.autoplay && n > 1) {
    if (value.at == null && !still) {
      go(0);
      start(true);
    } else if (value.at == null) go(n - 1);
  }
};
GE.on(element, 'ge:film-seek', e => e.detail.id === props.film && take(e.detail.at));
GE.on(element, 'ge:film-ask', e => e.detail === props.film && announce());
GE.on(element, 'ge:film-stop', e => {
  if (e.detail !== props.film) return;
  halted = live ? run : null;
  live = false;
  element.dataset.running = false;
});
new ResizeObserver(layout).observe(element);
GE.on(element, 'resize', layout, window);
watch('value', show);
show();
