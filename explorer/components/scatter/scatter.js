// Pictures as points; the one that is pointed at is shown.
const svg = element.querySelector('svg'),
  canvas = element.querySelector('canvas');
const said = element.querySelector('figcaption'),
  keys = element.querySelector('.keys');
const LEFT = 52,
  RIGHT = 10,
  TOP = 24,
  FOOT = 44;
let value = null,
  points = [],
  at = null,
  ring = null;

const make = GE.svg;
const words = v => String(+v.toPrecision(3)).replace('-', '−');
const ink = k => GE.ink(SETUP.palette, k);

const point = k => {
  at = k;
  ring?.remove();
  if (k == null || !points[k]) return;
  const p = points[k];
  ring = make('circle', { class: 'at', cx: p.cx, cy: p.cy, r: 8 }, svg);
  GE.draw(canvas, p.sprite, p.k);
  said.textContent = `${p.name}\n${value.x_name}: ${words(p.x)}\n${value.y_name}: ${words(p.y)}`;
};
const draw = () => {
  element.classList.toggle('empty', !value);
  element.style.minHeight = SETUP.tall + 40 + 'px';
  const width = svg.clientWidth,
    tall = SETUP.tall;
  svg.replaceChildren();
  svg.style.height = tall + 'px';
  if (!value || !width) return;
  svg.setAttribute('viewBox', `0 0 ${width} ${tall}`);
  const xs = points.map(p => p.x),
    ys = points.map(p => p.y);
  let [x0, x1, y0, y1] = [0, Math.max(...xs), Math.min(0, ...ys), Math.max(...ys)];
  x1 += 0.04 * (x1 - x0 || 1);
  y1 += 0.04 * (y1 - y0 || 1);
  const across = v => LEFT + ((v - x0) / (x1 - x0)) * (width - LEFT - RIGHT);
  const down = v => tall - FOOT - ((v - y0) / (y1 - y0)) * (tall - FOOT - TOP);
  for (const v of GE.ticks(x0, x1, width > 420 ? 7 : 4))
    make('text', { x: across(v), y: tall - FOOT + 18, 'text-anchor': 'middle' }, svg, words(v));
  for (const v of GE.ticks(y0, y1, 5))
    make('text', { x: LEFT - 8, y: down(v) + 4, 'text-anchor': 'end' }, svg, words(v));
  make('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: down(y0), y2: down(y0) }, svg);
  make('line', { class: 'axis', x1: LEFT, x2: LEFT, y1: TOP, y2: down(y0) }, svg);
  make(
    'text',
    { class: 'name', x: width - RIGHT, y: tall - 6, 'text-anchor': 'end' },
    svg,
    `${value.x_name} →`,
  );
  make('text', { class: 'name', x: 0, y: 12 }, svg, `↑ ${value.y_name}`);
  if (value.diagonal) {
    const a = Math.max(x0, y0),
      b = Math.min(x1, y1);
    make('line', { class: 'level', x1: across(a), y1: down(a), x2: across(b), y2: down(b) }, svg);
  }
  for (const p of points) {
    p.cx = across(p.x);
    p.cy = down(p.y);
    make('circle', { class: 'point', cx: p.cx, cy: p.cy, r: 4.5, style: `--ink: ${p.ink}` }, svg);
  }
  point(at ?? 0);
};
svg.addEventListener('pointermove', event => {
  const { x, y } = GE.at(event, svg);
  let best = 0;
  points.forEach((p, k) => {
    if ((p.cx - x) ** 2 + (p.cy - y) ** 2 < (points[best].cx - x) ** 2 + (points[best].cy - y) ** 2)
      best = k;
  });
  if (points.length) point(best);
});
svg.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || !points.length) return;
  event.preventDefault();
  const order = points.map((_, k) => k).sort((a, b) => points[a].x - points[b].x);
  const to = order[order.indexOf(at ?? order[0]) + step];
  if (to !== undefined) point(to);
});
const show = () => {
  value = props.value?.groups ? props.value : null;
  at = null;
  points = (value?.groups ?? []).flatMap((group, g) => {
    const sprite = GE.unpack(group.sprite);
    return group.x.map((x, k) => ({ x, y: group.y[k], name: group.name, sprite, k, ink: ink(g) }));
  });
  keys.replaceChildren(
    ...(value?.groups ?? []).map((group, g) => {
      const item = document.createElement('li');
      item.style.setProperty('--ink', ink(g));
      item.append(document.createElement('i'), group.name);
      return item;
    }),
  );
  if (value?.diagonal) {
    const item = document.createElement('li');
    item.append(value.diagonal);
    keys.append(item);
  }
  svg.setAttribute(
    'aria-label',
    value
      ? `${value.y_name} over ${value.x_name}; arrow keys point at pictures`
      : 'No pictures yet',
  );
  draw();
};
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
