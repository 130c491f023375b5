const $ = query => element.querySelector(query);
const field = $('.field'),
  ground = $('.ground'),
  over = $('.over'),
  picture = $('.picture');
const read = $('output'),
  state = $('.state'),
  tiles = $('.tiles'),
  showDots = $('.dots');
let pad = null,
  atlas = null,
  dots = [],
  side = 480;
let at = [0, 0],
  hover = null,
  near = -1,
  dragging = null,
  preview = null;
let scheduled = false,
  restTimer = 0;

// -- the plane ------------------------------------------------------------------------------------

const spot = () => hover ?? at;
const codeAt = ([a, b]) => pad.origin.map((o, i) => o + a * pad.u[i] + b * pad.v[i]);
const clamp = value => Math.max(-pad.reach, Math.min(pad.reach, value));
const toPad = event => {
  const box = field.getBoundingClientRect();
  return [
    clamp((((event.clientX - box.left) / box.width) * 2 - 1) * pad.reach),
    clamp((1 - ((event.clientY - box.top) / box.height) * 2) * pad.reach),
  ];
};
const toPixels = ([a, b]) => [
  ((clamp(a) / pad.reach + 1) / 2) * side,
  ((1 - clamp(b) / pad.reach) / 2) * side,
];

// The blend of the four pictures of the atlas around a point, by how near each is.
const blend = ([a, b]) => {
  const n = pad.side,
    last = n - 1;
  const x = ((clamp(a) / pad.reach + 1) / 2) * last,
    y = ((1 - clamp(b) / pad.reach) / 2) * last;
  const i = Math.min(last - 1, Math.floor(x)),
    j = Math.min(last - 1, Math.floor(y));
  const s = x - i,
    t = y - j,
    k = j * n + i;
  return GE.mix(atlas, [
    [k, (1 - s) * (1 - t)],
    [k + 1, s * (1 - t)],
    [k + n, (1 - s) * t],
    [k + n + 1, s * t],
  ]);
};

// -- the exact picture: one request in flight, only the newest remembered
// ----------------------------

let busy = false,
  wanted = null,
  exact = { text: '', sprite: null };
const ask = async () => {
  if (busy || !wanted) return;
  const { text, model, label } = wanted;
  wanted = null;
  busy = true;
  try {
    const b64 = await server.decode(model, text, label);
    if (b64 && model === pad.model && label === pad.label) {
      exact = { text, sprite: GE.unpack({ b64, n: 1, h: atlas.h, w: atlas.w, c: atlas.c }) };
      draw();
    }
  } catch {
    state.textContent = 'blended';
  } finally {
    busy = false;
    ask();
  }
};
const want = () => {
  clearTimeout(restTimer);
  if (!pad || preview) return;
  const text = GE.pack(codeAt(spot()));
  if (text === exact.text) return;
  wanted = { text, model: pad.model, label: pad.label };
  ask();
};
const wantAtRest = () => {
  clearTimeout(restTimer);
  restTimer = setTimeout(want, 40);
};

// -- drawing
// ----------------------------------------------------------------------------------------

const draw = () => {
  scheduled = false;
  if (!pad) return;
  const here = spot();
  if (preview) {
    GE.draw(picture, preview.sprite, 0);
    read.textContent = preview.words;
    state.textContent = 'blended';
  } else {
    const isExact = exact.sprite && exact.text === GE.pack(codeAt(here));
    GE.draw(picture, isExact ? exact.sprite : blend(here), 0);
    picture.dataset.exact = isExact ? exact.text : '';
    state.textContent = isExact ? 'exact' : 'blended';
    read.textContent = words(here);
  }
  drawOver();
};
const schedule = () => {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(draw);
};
const signed = value => (value < 0 ? '−' : '') + Math.abs(value).toFixed(2);
const words = here => {
  if (near >= 0 && !dragging) {
    const name = pad.classes[dots[near].label];
    return (name ? `Test picture: ${name}.` : 'A test picture.') + ' Click to go there.';
  }
  return `${pad.axes[0].short} ${signed(here[0])}   ${pad.axes[1].short} ${signed(here[1])}`;
};

const colour = dot => pad.colours[dot.label % pad.colours.length] ?? '#ffffff';
const drawGround = () => {
  if (!pad) return;
  const ratio = window.devicePixelRatio || 1,
    g = ground.getContext('2d');
  ground.width = over.width = Math.round(side * ratio);
  ground.height = over.height = Math.round(side * ratio);
  g.scale(ratio, ratio);
  g.fillStyle = '#111010';
  g.fillRect(0, 0, side, side);
  if (tiles.checked) drawTiles(g);
  g.strokeStyle = '#ffffff38';
  g.beginPath();
  for (const line of [0, 1, 2, 3, 4, 5, 6]) {
    const p = Math.round((line / 6) * side) + 0.5;
    if (line !== 3 && tiles.checked) continue;
    g.moveTo(p, 0);
    g.lineTo(p, side);
    g.moveTo(0, p);
    g.lineTo(side, p);
  }
  g.stroke();
  if (showDots.checked) {
    g.globalAlpha = 0.85;
    for (const dot of dots) {
      g.fillStyle = colour(dot);
      g.beginPath();
      g.arc(dot.x, dot.y, 2.4, 0, 7);
      g.fill();
    }
    g.globalAlpha = 1;
  }
  drawOver();
};
// Every picture stands where its code is; as many as fit at a size one can recognise.
const drawTiles = g => {
  const n = pad.side,
    one = document.createElement('canvas');
  const strides = [1, 2, 4, 5, 10, 20].filter(s => (n - 1) % s === 0);
  const stride = strides.find(s => (side / (n - 1)) * s >= 38) ?? 1;
  const size = (side / (n - 1)) * stride;
  g.globalAlpha = 0.42;
  for (let j = 0; j < n; j += stride)
    for (let i = 0; i < n; i += stride) {
      GE.draw(one, atlas, j * n + i);
      g.drawImage(
        one,
        (i / (n - 1)) * side - size / 2,
        (j / (n - 1)) * side - size / 2,
        size,
        size,
      );
    }
  g.globalAlpha = 1;
};
const ring = (g, [x, y], radius, stroke, width) => {
  for (const [style, extra] of [
    ['#000000b0', 2.5],
    [stroke, 0],
  ]) {
    g.strokeStyle = style;
    g.lineWidth = width + extra;
    g.beginPath();
    g.arc(x, y, radius, 0, 7);
    g.stroke();
  }
};
const drawOver = () => {
  const g = over.getContext('2d'),
    ratio = over.width / side;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, side, side);
  g.font = GE.font(13, 600);
  for (const corner of pad.corners) {
    const [x, y] = toPixels([corner.a, corner.b]);
    ring(g, [x, y], 5, '#ffffff', 2);
    g.fillStyle = '#ffffff';
    g.shadowColor = '#000000';
    g.shadowBlur = 4;
    g.fillText(corner.name, x + 10, y + 5);
    g.shadowBlur = 0;
  }
  const [x, y] = toPixels(at);
  ring(g, [x, y], 9, '#ff9a57', 3);
  if (hover && !dragging) {
    if (near >= 0) ring(g, [dots[near].x, dots[near].y], 6, colour(dots[near]), 2.5);
    else ring(g, toPixels(hover), 6, '#ffffff', 1.5);
  }
};

// -- pointer and keys -----------------------------------------------------------------------------

const nearest = event => {
  if (!showDots.checked) return -1;
  const { x, y } = GE.at(event, field);
  let best = -1,
    least = 36;
  for (let i = 0; i < dots.length; i++) {
    const d = (dots[i].x - x) ** 2 + (dots[i].y - y) ** 2;
    if (d < least) {
      least = d;
      best = i;
    }
  }
  return best;
};
const commit = () => GE.latent(pad.model, GE.pack(codeAt(at)), 'moved');

field.addEventListener('pointerdown', event => {
  if (!pad || event.button) return;
  field.setPointerCapture(event.pointerId);
  dragging = { x: event.clientX, y: event.clientY, far: false, from: at, near: nearest(event) };
  hover = null;
  if (dragging.near < 0) at = toPad(event);
  schedule();
  want();
});
field.addEventListener('pointermove', event => {
  if (!pad) return;
  if (dragging) {
    dragging.far ||= Math.hypot(event.clientX - dragging.x, event.clientY - dragging.y) > 4;
    if (dragging.far || dragging.near < 0) at = toPad(event);
  } else {
    if (event.pointerType !== 'mouse') return;
    hover = toPad(event);
    near = nearest(event);
  }
  schedule();
  wantAtRest();
});
field.addEventListener('pointerup', () => {
  if (!dragging) return;
  const { far, near: dot } = dragging;
  dragging = null;
  if (!far && dot >= 0) {
    at = [dots[dot].a, dots[dot].b];
    GE.latent(pad.model, dots[dot].text(), 'jumped');
  } else commit();
  schedule();
  want();
});
field.addEventListener('pointercancel', () => {
  if (dragging) at = dragging.from;
  dragging = null;
  schedule();
});
field.addEventListener('pointerleave', () => {
  hover = null;
  near = -1;
  schedule();
  want();
});
let keyTimer = 0;
field.addEventListener('keydown', event => {
  if (!pad) return;
  const step = pad.reach / (event.shiftKey ? 6 : 60);
  const move = {
    ArrowRight: [step, 0],
    ArrowLeft: [-step, 0],
    ArrowUp: [0, step],
    ArrowDown: [0, -step],
  }[event.key];
  if (!move && event.key !== 'Home') return;
  event.preventDefault();
  hover = null;
  at = move ? [clamp(at[0] + move[0]), clamp(at[1] + move[1])] : [0, 0];
  schedule();
  want();
  clearTimeout(keyTimer);
  keyTimer = setTimeout(commit, 200);
});
$('.centre').onclick = () =>
  pad && GE.latent(pad.model, GE.pack(pad.origin.map(() => 0)), 'jumped');
tiles.onchange = showDots.onchange = drawGround;
element.querySelectorAll('.put').forEach((button, slot) => {
  button.setAttribute('aria-label', 'Keep this picture as ' + 'ABC'[slot]);
  button.onclick = () =>
    pad &&
    document.dispatchEvent(
      new CustomEvent('ge:latent-keep', {
        detail: { model: pad.model, slot, text: GE.pack(codeAt(at)) },
      }),
    );
});
element.querySelectorAll('.face').forEach((button, slot) => {
  button.onclick = () => GE.kept && GE.latent(GE.kept.model, GE.kept.codes[slot], 'jumped');
});
const showKept = () =>
  element.querySelectorAll('.face canvas').forEach((canvas, slot) => {
    if (GE.kept) GE.draw(canvas, GE.kept.faces, slot);
  });
GE.on(element, 'ge:kept', showKept);
showKept();
GE.on(element, 'ge:latent-preview', event => {
  preview = event.detail.sprite ? event.detail : null;
  schedule();
  if (!preview) want();
});

// -- layout and values
// ------------------------------------------------------------------------------

const layout = () => {
  const room = element.clientWidth;
  if (!room) return;
  const narrow = window.innerWidth <= 720;
  const height = Math.max(320, GE.below(element) - 96);
  side = Math.floor(narrow ? room - 32 : Math.min(560, height, (room - 70) * 0.57));
  element.style.setProperty('--side', side + 'px');
  const left = narrow ? 168 : Math.min(room - side - 74, side);
  if (atlas) {
    const wide = GE.crisp(atlas.w, left);
    picture.style.width = wide + 'px';
    picture.style.height = (wide * atlas.h) / atlas.w + 'px';
    if (!narrow) $('figure').style.width = '';
  }
  for (const dot of dots) [dot.x, dot.y] = toPixels([dot.a, dot.b]);
  drawGround();
};
const show = () => {
  const value = props.value;
  if (!value?.atlas) return;
  pad = value;
  atlas = GE.unpack(pad.atlas);
  at = [...pad.at];
  hover = null;
  near = -1;
  dragging = null;
  preview = null;
  exact = { text: GE.pack(codeAt(at)), sprite: GE.unpack(pad.exact) };
  const { a = [], b = [], labels = [], z = '' } = pad.dots ?? {};
  const D = pad.origin.length;
  let all = null;
  dots = a.map((_, i) => ({
    a: a[i],
    b: b[i],
    label: labels[i] ?? 0,
    text: () => GE.pack((all ??= GE.unpackCode(z)).slice(i * D, (i + 1) * D)),
  }));
  $('.with-dots').style.visibility = dots.length ? '' : 'hidden';
  for (const [query, axis] of [
    ['.across', pad.axes[0]],
    ['.up', pad.axes[1]],
  ]) {
    $(query + ' b').textContent = axis.name;
    $(query + ' span').textContent = axis.note;
  }
  const end = pad.reach.toFixed(pad.reach === 3 ? 0 : 1);
  for (const name of ['high', 'top']) $('.' + name).textContent = end;
  for (const name of ['low', 'bottom']) $('.' + name).textContent = '−' + end;
  layout();
  draw();
  want();
};
new ResizeObserver(layout).observe(element);
GE.on(element, 'resize', layout, window);
watch('value', show);
show();
