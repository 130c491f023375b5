// The plane of codes: test pictures as dots, the prior as two circles, q(z given x) as an ellipse.
const plane = element.querySelector('.plane'), said = element.querySelector('p');
const row = element.querySelector('.draws');
let value = null, dots = [];

const draw = () => {
  const side = plane.clientWidth, ratio = window.devicePixelRatio || 1;
  if (!value || !side) return;
  plane.width = plane.height = side * ratio;
  const g = plane.getContext('2d'), style = getComputedStyle(element);
  const colour = name => style.getPropertyValue(name);
  const [text, accent] = [colour('--body-text-color'), colour('--color-accent')];
  const far = Math.max(3.2, ...value.mean.map((m, k) => Math.abs(m) + 2.5 * value.std[k]));
  const scale = side / 2 / far, x = a => side / 2 + a * scale, y = b => side / 2 - b * scale;
  g.scale(ratio, ratio);
  g.globalAlpha = 0.45;
  for (const { a, b, label } of dots) {
    g.fillStyle = label == null ? text : SETUP.palette[label % SETUP.palette.length];
    g.beginPath();
    g.arc(x(a), y(b), 2, 0, 7);
    g.fill();
  }
  const oval = ([a, b], [s, t], width, ink, dash) => {
    g.beginPath();
    g.setLineDash(dash);
    g.strokeStyle = ink;
    g.lineWidth = width;
    g.ellipse(x(a), y(b), s * scale, t * scale, 0, 0, 7);
    g.stroke();
  };
  g.globalAlpha = 0.7;
  for (const k of [1, 2]) oval([0, 0], [k, k], 1, text, [4, 4]);
  g.globalAlpha = 1;
  const { mean, std } = value;
  for (const k of [1, 2]) oval(mean, std.map(s => k * s), k === 1 ? 3 : 1.5, accent, []);
  g.fillStyle = accent;
  g.setLineDash([]);
  for (const [a, b] of value.draws) {
    g.beginPath();
    g.arc(x(a), y(b), 2, 0, 7);
    g.fill();
  }
  if (Math.max(...std) * scale < 16) enlarge(g, side, [text, accent], style, scale);
};
// An ellipse that is no more than a dot stands in a corner as well, so much larger that it is one.
const enlarge = (g, side, [text, accent], style, scale) => {
  const { mean, std, draws } = value, size = Math.round(0.36 * side), left = side - size;
  const near = size / 2 / (3.2 * Math.max(...std));
  g.save();
  g.beginPath();
  g.rect(left, 0, size, size);
  g.clip();
  g.fillStyle = style.getPropertyValue('--body-background-fill');
  g.fillRect(left, 0, size, size);
  g.translate(left + size / 2, size / 2);
  g.strokeStyle = accent;
  for (const k of [1, 2]) {
    g.lineWidth = k === 1 ? 3 : 1.5;
    g.beginPath();
    g.ellipse(0, 0, k * std[0] * near, k * std[1] * near, 0, 0, 7);
    g.stroke();
  }
  g.fillStyle = accent;
  for (const [a, b] of draws) {
    g.beginPath();
    g.arc((a - mean[0]) * near, (mean[1] - b) * near, 2.5, 0, 7);
    g.fill();
  }
  g.restore();
  g.strokeStyle = text;
  g.lineWidth = 1;
  g.strokeRect(left, 0, size, size);
  g.fillStyle = text;
  g.font = '13px system-ui, sans-serif';
  g.fillText(`${Math.round(near / scale)} × larger`, left + 6, size - 8);
};
const show = () => {
  value = props.value?.mean ? props.value : null;
  element.classList.toggle('empty', !value);
  said.textContent = value?.note ?? '';
  plane.setAttribute('aria-label', value?.note ?? 'No picture yet');
  const all = value?.dots ? GE.floats(value.dots.xy) : [];
  const labels = value?.dots?.labels ?? [];
  dots = labels.map((label, k) => ({ a: all[2 * k], b: all[2 * k + 1], label }));
  const sprite = GE.unpack(value?.sprite);
  row.replaceChildren(...Array.from({ length: sprite?.n ?? 0 }, (_, k) => {
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `what code ${k + 1} drawn from q gives`);
    GE.draw(canvas, sprite, k);
    return canvas;
  }));
  draw();
};
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
