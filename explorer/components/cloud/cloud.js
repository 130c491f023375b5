// Made pictures among real ones. Real points are pale; the made one that is pointed at is shown.
const field = element.querySelector('.field'),
  face = element.querySelector('figure canvas');
const said = element.querySelector('figcaption'),
  keys = element.querySelector('.keys');
const AIR = 14,
  HINT = 'Outlined dots are generated: point at one or tap it.';
let value = null,
  real = [],
  made = [],
  sprite = null,
  at = null;
field.setAttribute('aria-label', SETUP.label);

const points = ({ xy, labels }) => {
  const all = GE.floats(xy);
  return labels.map((label, k) => ({ x: all[2 * k], y: all[2 * k + 1], label }));
};
const ink = label => SETUP.palette[label % SETUP.palette.length];
const draw = () => {
  const width = field.clientWidth,
    tall = Math.min(SETUP.tall, Math.max(300, width)),
    ratio = window.devicePixelRatio || 1;
  if (!value || !width) return;
  field.style.height = tall + 'px';
  field.width = width * ratio;
  field.height = tall * ratio;
  const all = real.concat(made),
    xs = all.map(p => p.x),
    ys = all.map(p => p.y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  // One scale for both axes: distances on a map are to be compared.
  const scale = Math.min((width - 2 * AIR) / (x1 - x0 || 1), (tall - 2 * AIR) / (y1 - y0 || 1));
  const g = field.getContext('2d'),
    edge = getComputedStyle(element).getPropertyValue('--body-text-color');
  g.scale(ratio, ratio);
  for (const p of all) {
    p.cx = width / 2 + (p.x - (x0 + x1) / 2) * scale;
    p.cy = tall / 2 - (p.y - (y0 + y1) / 2) * scale;
  }
  const dot = (p, r) => {
    g.beginPath();
    g.arc(p.cx, p.cy, r, 0, 2 * Math.PI);
  };
  g.globalAlpha = 0.28;
  for (const p of real) {
    g.fillStyle = ink(p.label);
    dot(p, 3);
    g.fill();
  }
  g.globalAlpha = 1;
  g.strokeStyle = edge;
  g.lineWidth = 1.2;
  for (const p of made) {
    g.fillStyle = ink(p.label);
    dot(p, 4.2);
    g.fill();
    g.stroke();
  }
  if (at != null) {
    g.lineWidth = 3;
    dot(made[at], 9);
    g.stroke();
  }
};
const point = k => {
  at = k;
  draw();
  GE.draw(face, sprite, k);
  face.style.width = GE.crisp(sprite.w, 128) + 'px';
  const judged = value.classes[made[k].label] ?? made[k].label;
  said.textContent = `generated picture ${k + 1}\nto the judge: ${judged}`;
};
field.onpointermove = event => {
  if (!made.length) return;
  const { x, y } = GE.at(event, field);
  const far = p => (p.cx - x) ** 2 + (p.cy - y) ** 2;
  point(made.reduce((best, p, k) => (far(p) < far(made[best]) ? k : best), 0));
};
field.onkeydown = event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || !made.length) return;
  event.preventDefault();
  point(at == null ? 0 : (at + step + made.length) % made.length);
};
const show = () => {
  value = props.value?.made ? props.value : null;
  element.style.visibility = value ? '' : 'hidden';
  element.style.minHeight = value ? '' : SETUP.tall + 'px';
  real = value ? points(value.real) : [];
  made = value ? points(value.made) : [];
  sprite = GE.unpack(value?.made.sprite);
  at = null;
  face.width = face.height = 0;
  said.textContent = HINT;
  const seen = [...new Set(real.map(p => p.label))].sort((a, b) => a - b);
  keys.replaceChildren(
    ...seen.map(label => {
      const item = document.createElement('li'),
        swatch = document.createElement('i');
      swatch.style.setProperty('--ink', ink(label));
      item.append(swatch, value.classes[label] ?? String(label));
      return item;
    }),
  );
  draw();
};
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
