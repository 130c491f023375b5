// Points on their way through a training. `at` is a moment, or between two while it moves there.
const $ = query => element.querySelector(query);
const field = $('.field'),
  face = $('figure canvas'),
  said = $('figcaption'),
  keys = $('.keys'),
  range = $('input'),
  play = $('.play'),
  word = $('output');
const AIR = 10,
  PACE = 700, // milliseconds from one moment to the next
  HINT = 'Point at a dot or tap it: its picture, and its way so far.';
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
let value = null,
  xy = null,
  labels = null,
  pale = null,
  paleLabels = null,
  picture = null,
  at = 0,
  to = 0,
  last = 0,
  running = false,
  moving = false,
  pointed = null;
field.setAttribute('aria-label', SETUP.label);

const ink = label => SETUP.palette[label % SETUP.palette.length];
const end = () => (value ? value.moments.length - 1 : 0);
// The moment that is spoken of: where it goes, so that a slider stays under the finger.
const now = () => (running ? Math.round(at) : to);
const label = k => labels[now() * value.count + k];
// Where a point is at a moment, which may lie between two: in the units of the map.
const place = (k, when) => {
  const before = Math.floor(when),
    part = when - before,
    [i, j] = [before, Math.min(end(), before + 1)].map(t => 2 * (t * value.count + k));
  return [0, 1].map(c => (1 - part) * xy[i + c] + part * xy[j + c]);
};
// From the map to the canvas: one scale for both axes.
const lens = () => {
  const width = field.clientWidth,
    tall = Math.min(SETUP.tall, Math.max(300, width)),
    [x0, y0, x1, y1] = value.box;
  const scale = Math.min((width - 2 * AIR) / (x1 - x0), (tall - 2 * AIR) / (y1 - y0));
  const within = (v, most) => Math.max(5, Math.min(most - 5, v));
  return {
    width,
    tall,
    see: ([x, y]) => [
      within(width / 2 + (x - (x0 + x1) / 2) * scale, width),
      within(tall / 2 - (y - (y0 + y1) / 2) * scale, tall),
    ],
  };
};
const draw = () => {
  if (!value || !field.clientWidth) return;
  const { width, tall, see } = lens(),
    ratio = window.devicePixelRatio || 1,
    pen = field.getContext('2d'),
    css = getComputedStyle(element);
  field.style.height = tall + 'px';
  field.width = width * ratio;
  field.height = tall * ratio;
  pen.scale(ratio, ratio);
  const dot = ([x, y], r) => {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
  };
  pen.globalAlpha = 0.28;
  paleLabels.forEach((each, k) => {
    pen.fillStyle = ink(each);
    dot(see([pale[2 * k], pale[2 * k + 1]]), 3);
    pen.fill();
  });
  const outlined = paleLabels.length > 0;
  pen.globalAlpha = outlined ? 1 : 0.85;
  pen.strokeStyle = css.getPropertyValue('--body-text-color');
  pen.lineWidth = 1.2;
  for (let k = 0; k < value.count; k++) {
    pen.fillStyle = ink(label(k));
    dot(see(place(k, at)), outlined ? 4.2 : 3.4);
    pen.fill();
    if (outlined) pen.stroke();
  }
  if (pointed == null) return;
  pen.globalAlpha = 1;
  pen.strokeStyle = css.getPropertyValue('--body-text-color');
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(...see(place(pointed, 0)));
  for (let t = 1; t <= Math.floor(at); t++) pen.lineTo(...see(place(pointed, t)));
  pen.lineTo(...see(place(pointed, at)));
  pen.stroke();
  dot(see(place(pointed, at)), 9);
  pen.lineWidth = 3;
  pen.stroke();
};
const announce = () =>
  document.dispatchEvent(
    new CustomEvent('ge:film', {
      detail: { id: SETUP.film, at: now(), n: value ? value.moments.length : 0, playing: running },
    }),
  );
// The picture of the point that is pointed at: where pictures change, that of this moment.
const tell = () => {
  if (pointed == null || !picture?.complete) return;
  const { h, w, columns, n } = value.sheet,
    k = n > value.count ? now() * value.count + pointed : pointed;
  face.width = w;
  face.height = h;
  face.style.width = GE.crisp(w, 128) + 'px';
  face
    .getContext('2d')
    .drawImage(picture, (k % columns) * w, Math.floor(k / columns) * h, w, h, 0, 0, w, h);
  const name = value.classes[label(pointed)] ?? label(pointed);
  said.textContent = `${value.what} ${pointed + 1}\n${value.reads}${name}`;
};
let heard = -1;
const paint = () => {
  draw();
  if (now() === heard) return;
  heard = now();
  range.value = heard;
  word.textContent = value?.moments[heard] ?? '\u00a0';
  range.setAttribute('aria-valuetext', word.textContent);
  tell();
  announce();
};
const tick = time => {
  if (!moving || !element.isConnected) {
    moving = false;
    return;
  }
  const passed = Math.min(100, time - last);
  last = time;
  // Through several moments at once as quickly as through one.
  const stride = (passed / PACE) * Math.max(1, Math.abs(to - at) > 1.01 && !running ? 6 : 1);
  at = at < to ? Math.min(to, at + stride) : Math.max(to, at - stride);
  paint();
  if (at === to && running) {
    if (to < end()) to++;
    else run(false);
  }
  if (at === to && !running) moving = false;
  if (moving) GE.frame(element, tick);
};
const move = () => {
  if (still() && !running) {
    at = to;
    paint();
    return;
  }
  if (moving) return;
  moving = true;
  last = performance.now();
  GE.frame(element, tick);
};
const go = moment => {
  if (!value) return;
  to = Math.max(0, Math.min(end(), moment));
  paint();
  move();
};
function run(on) {
  running = on && end() > 0;
  play.textContent = running ? '❚❚' : '▶';
  play.setAttribute('aria-label', running ? 'Pause' : 'Play');
  if (!running) return;
  if (to >= end()) at = 0;
  go(Math.floor(at) + 1);
}
// Whatever was playing ends, and the points go to a moment.
const halt = moment => {
  run(false);
  go(moment);
};
play.onclick = () => (running ? halt(now()) : run(true));
$('.back').onclick = () => halt(now() - 1);
$('.on').onclick = () => halt(now() + 1);
range.oninput = () => halt(+range.value);
const point = k => {
  pointed = k;
  draw();
  tell();
};
field.onpointermove = event => {
  if (!value) return;
  const mouse = GE.at(event, field),
    { see } = lens();
  let best = 0,
    least = Infinity;
  for (let k = 0; k < value.count; k++) {
    const [x, y] = see(place(k, at)),
      far = (x - mouse.x) ** 2 + (y - mouse.y) ** 2;
    if (far < least) [best, least] = [k, far];
  }
  if (best !== pointed) point(best);
};
field.onpointerdown = field.onpointermove;
field.onkeydown = event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (event.key === ' ') play.click();
  else if (step && value)
    point(pointed == null ? 0 : (pointed + step + value.count) % value.count);
  else return;
  event.preventDefault();
};
const bytes = b64 => new Uint8Array(GE.bytes(b64));
const show = () => {
  const given = props.value?.moments ? props.value : null;
  element.style.visibility = given ? '' : 'hidden';
  element.style.minHeight = given ? '' : SETUP.tall + 'px';
  value = given;
  run(false);
  moving = false;
  pointed = null;
  heard = -1;
  face.width = face.height = 0;
  said.textContent = HINT;
  for (const control of element.querySelectorAll('.bar button, .bar input'))
    control.disabled = end() < 1;
  range.max = end();
  if (!value) {
    announce();
    return;
  }
  xy = GE.floats(value.xy);
  labels = bytes(value.labels);
  pale = GE.floats(value.behind.xy);
  paleLabels = bytes(value.behind.labels);
  picture = new Image();
  picture.onload = tell;
  picture.src = `data:${value.sheet.media};base64,${value.sheet.b64}`;
  const seen = [...new Set([...labels, ...paleLabels])].sort((a, b) => a - b);
  keys.replaceChildren(
    ...(value.classes.length ? seen : []).map(each => {
      const item = document.createElement('li'),
        swatch = document.createElement('i');
      swatch.style.setProperty('--ink', ink(each));
      item.append(swatch, value.classes[each] ?? String(each));
      return item;
    }),
  );
  // The end of the training first, which is the model as it is; playing begins at its beginning.
  at = to = end();
  paint();
};
new ResizeObserver(draw).observe(element);
GE.on(element, 'ge:film-seek', e => e.detail.id === SETUP.film && halt(e.detail.at));
GE.on(element, 'ge:film-ask', e => e.detail === SETUP.film && announce());
watch('value', show);
show();
