const canvas = element.querySelector('canvas'),
  note = element.querySelector('span');
let shown = null,
  target = null,
  began = 0;
const MOVE = 400; // ms that dots take to their new places

const paint = points => {
  const side = canvas.clientWidth,
    ratio = window.devicePixelRatio || 1;
  if (!side) return;
  canvas.width = canvas.height = Math.round(side * ratio);
  const g = canvas.getContext('2d'),
    { labels, colours } = props.value;
  g.scale(ratio, ratio);
  const reach = 1.1 * Math.max(2, ...points.flat().map(Math.abs)),
    at = v => ((v / reach + 1) / 2) * side;
  g.strokeStyle = getComputedStyle(element).getPropertyValue('--border-color-primary');
  g.beginPath();
  g.moveTo(side / 2, 0);
  g.lineTo(side / 2, side);
  g.moveTo(0, side / 2);
  g.lineTo(side, side / 2);
  g.stroke();
  points.forEach(([a, b], k) => {
    g.fillStyle = colours[labels.length ? labels[k] % colours.length : 0];
    g.beginPath();
    g.arc(at(a), side - at(b), 2.4, 0, 7);
    g.fill();
  });
};
const move = now => {
  if (!target || !element.isConnected) return;
  const t = Math.min(1, (now - began) / MOVE);
  const between = target.map(([a, b], k) => {
    const [c, d] = shown[k] ?? [a, b];
    return [c + (a - c) * t, d + (b - d) * t];
  });
  paint(between);
  if (t < 1) requestAnimationFrame(move);
  else {
    shown = target;
    target = null;
  }
};
const show = () => {
  const value = props.value;
  element.hidden = !value;
  if (!value) {
    shown = target = null;
    return;
  }
  note.textContent = `step ${value.step.toLocaleString('en')}`;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (!shown || shown.length !== value.points.length || still) {
    shown = value.points;
    target = null;
    paint(shown);
    return;
  }
  shown = target ?? shown;
  target = value.points;
  began = performance.now();
  requestAnimationFrame(move);
};
new ResizeObserver(() => shown && !target && paint(shown)).observe(element);
watch('value', show);
show();
