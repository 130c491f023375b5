const $ = query => element.querySelector(query);
const box = $('.maps'),
  where = $('.where'),
  keys = $('.keys'),
  ramp = $('.scale canvas');
box.setAttribute('aria-label', props.label);
let figures = [],
  value = null,
  at = null,
  marked = null;

const rgb = list => list.map(c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16)));
const SURPRISE = rgb(props.palette),
  HEAT = rgb(props.heat),
  SIGNED = rgb(props.signed),
  [BLIND] = rgb([props.blind]);
const colour = (stops, v) => {
  const x = Math.max(0, Math.min(1, v)) * (stops.length - 1),
    i = Math.min(stops.length - 2, Math.floor(x));
  return stops[i].map((c, k) => c + (stops[i + 1][k] - c) * (x - i));
};

const words = v => v.toFixed(value.digits ?? 2).replace('-', '−');
const told = figure => {
  const { data, values, blind } = figure,
    k = at;
  if (k == null) return data.note ?? '';
  if (blind?.[k] === 2) return 'not written yet';
  if (blind?.[k] === 1) return 'never seen';
  if (blind?.[k] === 3) return 'the pixel itself';
  const numbers = figure.told ?? values;
  if (!numbers) return '\u00a0';
  return value.words
    ? value.words.replace('#', words(numbers[k]))
    : `${words(numbers[k])}\u00a0${value.unit} here`;
};
const point = k => {
  at = k;
  for (const figure of figures) {
    figure.note.textContent = told(figure);
    paint(figure);
  }
  const row = Math.floor(k / value?.w),
    column = k % value?.w;
  where.textContent = k == null ? '\u00a0' : `Row ${row + 1}, column ${column + 1}`;
};
const choose = k => {
  if (!props.pick || k === marked) return;
  marked = k;
  for (const figure of figures) paint(figure);
  const at = [Math.floor(k / value.w) + 1, (k % value.w) + 1];
  document.dispatchEvent(new CustomEvent('ge:place', { detail: { maps: props.maps, at } }));
};

// Frames round pixels are drawn on a canvas of many screen pixels a pixel.
const frame = (g, k, scale, outer, inner) => {
  const x = (k % value.w) * scale,
    y = Math.floor(k / value.w) * scale,
    t = Math.max(1.5, scale / 7);
  g.lineWidth = t;
  g.strokeStyle = outer;
  g.strokeRect(x - t / 2, y - t / 2, scale + t, scale + t);
  g.strokeStyle = inner;
  g.strokeRect(x + t / 2, y + t / 2, scale - t, scale - t);
};
const paint = figure => {
  const { canvas, small, data, values, blind, sprite } = figure,
    { h, w } = value;
  if (small.width !== w || small.height !== h) {
    small.width = w;
    small.height = h;
  }
  const g = small.getContext('2d'),
    image = g.createImageData(w, h),
    out = image.data;
  for (let k = 0; k < h * w; k++) {
    let c = null;
    const c0 = sprite
      ? [0, 1, 2].map(j => sprite.bytes[k * sprite.c + (sprite.c === 3 ? j : 0)])
      : [40, 40, 40];
    if (data.field) {
      const state = blind[k];
      if (state === 1) c = BLIND.map((v, j) => 0.72 * v + 0.28 * c0[j]);
      else if (state === 2) c = c0.map(v => 92 + 0.22 * v);
      else if (state === 3) c = c0;
      else c = colour(HEAT, values[k]).map((v, j) => 0.78 * v + 0.22 * c0[j]);
    } else if (values && Number.isFinite(values[k])) {
      c = value.signed
        ? colour(SIGNED, 0.5 + values[k] / value.high / 2)
        : colour(SURPRISE, values[k] / value.high);
      if (data.over) c = c.map((v, j) => 0.75 * v + 0.25 * c0[j]);
    } else c = c0;
    for (let j = 0; j < 3; j++) out[4 * k + j] = c[j];
    out[4 * k + 3] = 255;
  }
  g.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.round((figure.side * (window.devicePixelRatio || 1)) / w));
  if (canvas.width !== w * scale || canvas.height !== h * scale) {
    canvas.width = w * scale;
    canvas.height = h * scale;
  }
  const big = canvas.getContext('2d');
  big.imageSmoothingEnabled = false;
  big.drawImage(small, 0, 0, w * scale, h * scale);
  if (marked != null) frame(big, marked, scale, '#fff', '#111');
  if (at != null && at !== marked)
    frame(big, at, scale, 'rgba(255,255,255,.75)', 'rgba(0,0,0,.75)');
};
const makeFigure = () => {
  const node = document.createElement('figure');
  node.innerHTML =
    '<figcaption><b></b></figcaption><canvas tabindex="0" role="application"></canvas><p></p>';
  const canvas = node.querySelector('canvas');
  const figure = {
    node,
    canvas,
    name: node.querySelector('b'),
    note: node.querySelector('p'),
    small: document.createElement('canvas'),
    side: props.largest,
  };
  const pixel = event => {
    const b = canvas.getBoundingClientRect(),
      { h, w } = value;
    const clip = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v * n)));
    return (
      clip((event.clientY - b.top) / b.height, h) * w + clip((event.clientX - b.left) / b.width, w)
    );
  };
  canvas.onpointermove = event => {
    if (value) point(pixel(event));
  };
  canvas.onpointerleave = () => {
    if (document.activeElement !== canvas || !props.pick) point(null);
  };
  canvas.onblur = () => point(null);
  canvas.onclick = event => {
    if (value) {
      point(pixel(event));
      choose(pixel(event));
    }
  };
  canvas.onkeydown = event => {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
      event.key
    ];
    if (!value || !move) return;
    event.preventDefault();
    const from = at ?? marked ?? Math.floor(value.h / 2) * value.w + Math.floor(value.w / 2);
    const row = Math.floor(from / value.w) + move[0],
      column = (from % value.w) + move[1];
    if (row < 0 || row >= value.h || column < 0 || column >= value.w) return;
    point(row * value.w + column);
    choose(at);
  };
  box.append(node);
  return figure;
};
const layout = () => {
  const room = element.clientWidth;
  if (!value || !room) return;
  const n = value.count ?? figures.length,
    GAP = 18;
  // As large as lets all stand in as few lines as that takes at about 110 pixels each.
  const lines = Math.max(1, Math.ceil(n / Math.max(1, Math.floor((room + GAP) / (110 + GAP)))));
  const across = Math.ceil(n / lines);
  const each = Math.min(props.largest, (room - GAP * (across - 1)) / across),
    crisp = GE.crisp(value.w, each);
  const side = crisp > 0.8 * each ? crisp : Math.floor(each);
  box.style.setProperty('--side', side + 'px');
  box.style.setProperty('--tall', (side * value.h) / value.w + 'px');
  for (const figure of figures) {
    figure.side = side;
    paint(figure);
  }
};
const show = () => {
  value = props.value?.maps ? props.value : null;
  element.style.visibility = value ? '' : 'hidden';
  element.style.minHeight = value ? '' : '180px';
  const given = value?.maps ?? [];
  while (figures.length > given.length) figures.pop().node.remove();
  while (figures.length < given.length) figures.push(makeFigure());
  if (!value) return;
  marked = value.mark ?? null;
  if (at != null && at >= value.h * value.w) at = null;
  given.forEach((data, k) => {
    const figure = figures[k];
    Object.assign(figure, {
      data,
      values: data.values ? GE.floats(data.values) : null,
      told: data.told ? GE.floats(data.told) : null,
      sprite: GE.unpack(data.picture),
      blind: data.blind ? new Uint8Array(GE.bytes(data.blind)) : null,
    });
    figure.name.textContent = data.name;
    figure.note.textContent = told(figure);
    figure.canvas.setAttribute('aria-label', `${data.name}: arrow keys point at pixels`);
  });
  const g = ramp.getContext('2d'),
    stops = value.signed ? SIGNED : given.some(m => m.field) ? HEAT : SURPRISE;
  for (let x = 0; x < 128; x++) {
    g.fillStyle = `rgb(${colour(stops, x / 127).join(',')})`;
    g.fillRect(x, 0, 1, 1);
  }
  $('.scale').style.display = value.legend == null ? 'none' : '';
  $('.what').textContent = value.legend ?? '';
  $('.low').textContent = value.ends?.[0] ?? '0';
  $('.high').textContent = value.ends?.[1] ?? `${words(value.high)} ${value.unit} or more`;
  keys.replaceChildren(
    ...(value.keys ?? []).map(([c, text]) => {
      const key = document.createElement('span'),
        swatch = document.createElement('i');
      swatch.className = 'swatch';
      swatch.style.background = c;
      key.append(swatch, text);
      return key;
    }),
  );
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
