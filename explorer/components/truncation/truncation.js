const svg = element.querySelector('svg'),
  said = element.querySelector('p');
const LEFT = 28,
  RIGHT = 8,
  TOP = 8,
  FOOT = 20,
  TALL = 104;
let at = null;
// A line's value between the measured thresholds.
const between = (x, ys, v) => {
  const k = Math.max(
      1,
      x.findIndex(limit => limit >= v),
    ),
    t = (v - x[k - 1]) / (x[k] - x[k - 1]);
  return ys[k - 1] + Math.max(0, Math.min(1, t)) * (ys[k] - ys[k - 1]);
};
const draw = () => {
  const v = props.value,
    width = svg.clientWidth;
  element.classList.toggle('empty', !v);
  svg.replaceChildren();
  if (!v || !width) return;
  const end = v.x.at(-1),
    across = x => LEFT + (x / end) * (width - LEFT - RIGHT);
  const down = y => TALL - FOOT - y * (TALL - FOOT - TOP);
  svg.setAttribute('viewBox', `0 0 ${width} ${TALL}`);
  for (const y of [0, 0.5, 1]) {
    GE.svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: down(y), y2: down(y) }, svg);
    GE.svg('text', { x: LEFT - 5, y: down(y) + 4, 'text-anchor': 'end' }, svg, y);
  }
  for (const x of [1, 2, 3])
    GE.svg('text', { x: across(x), y: TALL - 5, 'text-anchor': 'middle' }, svg, x);
  GE.svg('text', { x: width - RIGHT, y: TALL - 5, 'text-anchor': 'end' }, svg, 'none');
  v.lines.forEach((line, i) => {
    const d =
      'M' + line.y.map((y, k) => `${across(v.x[k]).toFixed(1)} ${down(y).toFixed(1)}`).join('L');
    GE.svg('path', { class: i ? 'line other' : 'line', d }, svg);
  });
  const here = Math.max(v.x[0], Math.min(end, at ?? end));
  GE.svg(
    'line',
    { class: 'rule', x1: across(here), x2: across(here), y1: TOP, y2: TALL - FOOT },
    svg,
  );
  v.lines.forEach((line, i) =>
    GE.svg(
      'circle',
      {
        class: i ? 'dot other' : 'dot',
        cx: across(here),
        cy: down(between(v.x, line.y, here)),
        r: 3.5,
      },
      svg,
    ),
  );
  const parts = v.lines.map((line, i) => {
    const one = document.createElement('span');
    one.className = i ? 'other' : '';
    one.textContent = `${line.name} ${between(v.x, line.y, here).toFixed(2)}`;
    return one;
  });
  said.replaceChildren(...parts);
  if (v.fd.every(f => f != null))
    said.append(` Fréchet distance ${between(v.x, v.fd, here).toFixed(1)} × its floor`);
  said.title =
    `Measured on ${v.n} samples at each of ${v.x.length} thresholds; ` + 'straight lines between.';
  svg.setAttribute('aria-label', `Over the truncation: ${said.textContent}`);
};
GE.on(element, 'ge:slider', event => {
  if (event.detail.id !== props.slider) return;
  at = event.detail.value;
  draw();
});
new ResizeObserver(draw).observe(element);
watch('value', draw);
draw();
