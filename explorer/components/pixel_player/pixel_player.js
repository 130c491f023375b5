const $ = query => element.querySelector(query);
const picture = $('.picture'),
  surprise = $('.surprise'),
  range = $('input'),
  play = $('.play'),
  said = $('output');
const speed = $('select'),
  loop = $('.loop'),
  where = $('.where');
const REST = 1.2,
  GAP = 20;
$('.bar').setAttribute('aria-label', props.label + ': space plays and pauses, arrows step');
picture.setAttribute(
  'aria-label',
  'The picture as it is written: arrow keys point at its pixels, space plays',
);
// What the probe beside it, and whoever else, may read: GE.writing[id].
const s = (GE.writing[props.player] = {
  value: null,
  n: 0,
  at: 0,
  order: [],
  levels: [],
  nats: [],
  sums: [0],
  step: [],
  pin: null,
  hover: null,
  reply: null,
  looks: true,
  live: false,
});
let value = null,
  W = 28,
  H = 28,
  C = 1,
  D = 0,
  area = 784,
  playing = false,
  own = false;
let clock = 0,
  last = 0,
  rest = 0,
  halted = null,
  dressed = false;
const paper = document.createElement('canvas'),
  heat = document.createElement('canvas');
let inked = null,
  heated = null,
  bits = new Float32Array(0),
  count = new Uint8Array(0),
  was = null,
  field = null;

// -- colours
const stops = props.palette.map(c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16)));
const colour = t => {
  const at = Math.min(1, Math.max(0, t)) * (stops.length - 1),
    k = Math.min(stops.length - 2, Math.floor(at));
  return stops[k].map((v, i) => Math.round(v + (stops[k + 1][i] - v) * (at - k)));
};
$('.scale').style.background = `linear-gradient(to right, ${props.palette.join(', ')})`;

// -- the state after `at` values, changed by as many as the playhead moves
const warm = pixel => {
  const [r, g, b] = colour(bits[pixel] / value.most),
    i = 4 * pixel,
    on = count[pixel] ? 255 : 0;
  heated.data.set([r, g, b, on], i);
};
const put = (k, on) => {
  const place = s.order[k],
    pixel = place % area,
    channel = Math.floor(place / area),
    i = 4 * pixel;
  const level = on ? Math.round((255 * s.levels[k]) / value.top) : 0;
  if (C === 1) inked.data.fill(level, i, i + 3);
  else inked.data[i + channel] = level;
  count[pixel] += on ? 1 : -1;
  bits[pixel] = count[pixel] ? bits[pixel] + (on ? s.nats[k] : -s.nats[k]) : 0;
  inked.data[i + 3] = count[pixel] ? 255 : 0;
  warm(pixel);
};
const move = to => {
  while (s.at < to) put(s.at++, true);
  while (s.at > to) put(--s.at, false);
};
const reset = () => {
  paper.width = heat.width = W;
  paper.height = heat.height = H;
  inked = paper.getContext('2d').createImageData(W, H);
  heated = heat.getContext('2d').createImageData(W, H);
  bits = new Float32Array(area);
  count = new Uint8Array(area);
  s.at = 0;
};

// -- painting
const outline = (g, k, pixel, dark, light, wide = 1) => {
  const x = (pixel % W) * k,
    y = Math.floor(pixel / W) * k,
    t = wide * Math.max(1, Math.round(k / 9));
  g.lineWidth = t;
  g.strokeStyle = dark;
  g.strokeRect(x - 1.5 * t, y - 1.5 * t, k + 3 * t, k + 3 * t);
  g.strokeStyle = light;
  g.strokeRect(x - t / 2, y - t / 2, k + t, k + t);
};
const paintOne = (canvas, source) => {
  const g = canvas.getContext('2d'),
    k = canvas.width / W;
  g.imageSmoothingEnabled = false;
  GE.hatch(canvas, element);
  g.drawImage(source, 0, 0, canvas.width, canvas.height);
  if (canvas === picture && field && s.looks)
    for (let i = 0; i < area; i++) {
      if (field[i] < 3) continue;
      g.fillStyle = `rgba(46, 134, 222, ${Math.sqrt(field[i] / 255) * 0.85})`;
      g.fillRect((i % W) * k, Math.floor(i / W) * k, k, k);
    }
  if (was && canvas === picture) {
    g.fillStyle = getComputedStyle(element).getPropertyValue('--color-accent');
    const dot = Math.max(2, Math.round(k / 3));
    for (let j = 0; j < s.at; j++) {
      if (was[s.order[j]] === s.levels[j]) continue;
      const i = s.order[j] % area;
      g.fillRect((i % W) * k + (k - dot) / 2, Math.floor(i / W) * k + (k - dot) / 2, dot, dot);
    }
  }
  const accent = getComputedStyle(element).getPropertyValue('--color-accent') || '#b4400c';
  if (s.at > 0 && s.at < D) outline(g, k, s.order[s.at - 1] % area, '#fff', accent, 2);
  if (s.hover != null) outline(g, k, s.hover % area, '#111', '#fff');
  if (s.pin != null) outline(g, k, s.pin % area, '#111', '#fff', 1.6);
};
const announce = () => {
  GE.films[props.player] = D ? s.at / D : 0;
  const detail = { id: props.player, at: s.at, n: value ? s.n + 1 : 0, levels: null, playing };
  document.dispatchEvent(new CustomEvent('ge:film', { detail }));
};
const paint = () => {
  if (!value) return;
  paper.getContext('2d').putImageData(inked, 0, 0);
  heat.getContext('2d').putImageData(heated, 0, 0);
  paintOne(picture, paper);
  paintOne(surprise, heat);
  range.value = s.at;
  said.textContent = `${s.at} / ${D}`;
  const pixel = s.at ? s.order[s.at - 1] % area : null;
  where.textContent =
    s.at === 0
      ? 'nothing written yet'
      : s.at === D
        ? 'written'
        : `row ${Math.floor(pixel / W) + 1}, column ${(pixel % W) + 1}`;
  range.setAttribute('aria-valuetext', `${s.at} of ${D} values`);
  announce();
};
const go = to => {
  to = Math.max(0, Math.min(s.n, to));
  if (to === s.at || !value) return;
  move(to);
  paint();
};

// -- playing
const rate = () => +speed.value * C || Infinity;
const tick = now => {
  if (!playing) return;
  if (!element.isConnected) {
    playing = false;
    return;
  }
  const passed = Math.min(0.25, (now - last) / 1000);
  last = now;
  clock = rate() === Infinity ? D : clock + passed * rate();
  // What has not come yet is waited for.
  if (clock > s.n && s.n < D) clock = s.n;
  if (clock >= D) {
    go(D);
    if (loop.getAttribute('aria-pressed') !== 'true') {
      start(false);
      return;
    }
    rest += passed;
    if (rest > REST) {
      clock = rest = 0;
      go(0);
    }
  } else go(Math.floor(clock));
  GE.frame(element, tick);
};
const start = on => {
  if (on && !s.n && !s.live) return;
  if (on) {
    if (s.at >= s.n && !s.live) go(0);
    clock = s.at;
    rest = 0;
    last = performance.now();
  }
  if (on === playing) return;
  playing = on;
  play.textContent = on ? '❚❚' : '▶';
  play.setAttribute('aria-label', on ? 'Pause' : 'Play');
  if (on) GE.frame(element, tick);
  else announce();
};
const take = to => {
  own = true;
  start(false);
  go(to);
};
// All channels of a pixel are one step.
const same = (a, b) => s.order[a] % area === s.order[b] % area;
const on = () => {
  let k = s.at + 1;
  while (k < s.n && same(k, k - 1)) k++;
  take(k);
};
const back = () => {
  let k = s.at - 1;
  while (k > 0 && same(k, k - 1)) k--;
  take(k);
};
const toggle = () => {
  own = true;
  start(!playing);
};
play.onclick = toggle;
$('.back').onclick = back;
$('.on').onclick = on;
range.oninput = () => take(+range.value);
speed.onchange = () => {
  if (playing) start(true);
};
loop.onclick = () =>
  loop.setAttribute('aria-pressed', loop.getAttribute('aria-pressed') !== 'true');

// -- pointing
const tell = () => document.dispatchEvent(new CustomEvent('ge:writing', { detail: props.player }));
const ask = () => {
  if (s.pin == null || s.live) return;
  document.dispatchEvent(
    new CustomEvent('ge:pixel', { detail: { id: props.player, place: s.pin, field: s.looks } }),
  );
};
const pin = place => {
  if (!value) return;
  if (place !== s.pin) {
    s.reply = null;
    field = null;
  }
  s.pin = place;
  paint();
  tell();
  ask();
};
const channelOf = () => (s.pin == null ? 0 : Math.floor(s.pin / area));
const under = event => {
  const b = event.currentTarget.getBoundingClientRect();
  const x = Math.floor(((event.clientX - b.left) / b.width) * W),
    y = Math.floor(((event.clientY - b.top) / b.height) * H);
  return Math.max(0, Math.min(H - 1, y)) * W + Math.max(0, Math.min(W - 1, x));
};
for (const canvas of [picture, surprise]) {
  canvas.addEventListener('pointermove', event => {
    if (!value || event.pointerType === 'touch') return;
    const place = under(event) + channelOf() * area;
    if (place === s.hover) return;
    s.hover = place;
    paint();
    tell();
  });
  canvas.addEventListener('pointerleave', () => {
    if (s.hover != null) {
      s.hover = null;
      paint();
      tell();
    }
  });
  canvas.addEventListener('click', event => pin(under(event) + channelOf() * area));
}
element.addEventListener('keydown', event => {
  if (
    event.target === range ||
    event.target === speed ||
    event.altKey ||
    event.ctrlKey ||
    event.metaKey
  )
    return;
  if (event.key === ' ' && event.target.tagName === 'BUTTON') return;
  let key = {
    ' ': toggle,
    ArrowLeft: back,
    ArrowRight: on,
    Home: () => take(0),
    End: () => take(s.n),
  }[event.key];
  if (event.target === picture && value) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (by)
      key = () => {
        const pixel = s.pin == null ? (s.at ? s.order[s.at - 1] % area : 0) : s.pin % area;
        const x = Math.max(0, Math.min(W - 1, (pixel % W) + by[0])),
          y = Math.max(0, Math.min(H - 1, Math.floor(pixel / W) + by[1]));
        pin(y * W + x + channelOf() * area);
      };
    if (event.key === 'Escape')
      key = () => {
        s.pin = s.reply = field = null;
        paint();
        tell();
      };
  }
  if (key) {
    event.preventDefault();
    key();
  }
});
GE.on(element, 'ge:writing-do', event => {
  const { id, what, value: to } = event.detail;
  if (id !== props.player) return;
  if (what === 'pin') pin(to);
  if (what === 'looks') {
    s.looks = to;
    if (to && !field) ask();
    paint();
  }
  if (what === 'reply') {
    field = to.field ? new Uint8Array(GE.bytes(to.field)) : null;
    paint();
  }
});

// -- room: two pictures side by side where both stay large, else one above the other
const layout = () => {
  const width = element.clientWidth;
  if (!width) return;
  const height = Math.max(220, GE.below($('.pictures')) - 52 - props.below);
  const room = Math.min(props.largest, (width - GAP) / 2 - 1, ((height - 30) * W) / H);
  const side = GE.crisp(W, Math.max(room, Math.min(140, (width - GAP) / 2 - 1)));
  for (const canvas of [picture, surprise]) GE.fit(canvas, W, H, side);
  element.style.setProperty('--side', side + 'px');
  element.classList.toggle('narrow', width < 430);
  paint();
};
const show = () => {
  const next = props.value;
  if (!next?.order) return;
  // What was on its way when a person stopped the run.
  if (next.running && next.run === halted) return;
  halted = null;
  const fresh = !value || next.run !== value.run,
    other = !value || next.base !== value.base,
    here = s.at;
  const resized = next.w !== W || next.h !== H || next.c !== C;
  value = s.value = next;
  [W, H, C] = [next.w, next.h, next.c];
  area = W * H;
  s.order = new Uint16Array(GE.bytes(next.order));
  s.levels = new Uint8Array(GE.bytes(next.levels));
  s.nats = new Float32Array(GE.bytes(next.nats));
  was = next.was ? new Uint8Array(GE.bytes(next.was)) : null;
  D = s.order.length;
  s.n = s.levels.length;
  s.sums = [0];
  for (const v of s.nats) s.sums.push(s.sums[s.sums.length - 1] + v);
  if (fresh)
    s.step = Array.from(s.order).reduce((to, place, k) => {
      to[place] = k;
      return to;
    }, []);
  const over = s.live && !next.running;
  s.live = !!next.running;
  if (s.pin != null && s.pin >= D) s.pin = null;
  if (fresh) {
    own = false;
    s.reply = field = null;
    start(false);
    reset();
    if (next.at != null) move(Math.min(next.at, s.n));
    else if (!other) move(Math.min(here, s.n));
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (other || next.at != null) {
      if (still) move(s.n);
      else start(true);
    }
  } else if (matchMedia('(prefers-reduced-motion: reduce)').matches && !own) move(s.n);
  range.max = D;
  $('.ends').textContent = `0 – ${next.most}+ nats`;
  for (const control of $('.bar').querySelectorAll('button, input, select'))
    control.disabled = !s.n;
  element.dataset.running = s.live;
  if (resized || !dressed) {
    dressed = true;
    layout();
  } else paint();
  tell();
  if (fresh ? !s.live : over) ask();
};
GE.on(element, 'ge:film-seek', e => e.detail.id === props.player && take(e.detail.at));
GE.on(element, 'ge:film-ask', e => e.detail === props.player && announce());
GE.on(element, 'ge:film-stop', e => {
  if (e.detail !== props.player) return;
  halted = s.live ? value?.run : null;
  s.live = false;
  element.dataset.running = false;
});
new ResizeObserver(layout).observe(element);
GE.on(element, 'resize', layout, window);
new MutationObserver(paint).observe(document.body, {
  attributes: true,
  attributeFilter: ['class'],
});
watch('value', show);
layout();
show();
