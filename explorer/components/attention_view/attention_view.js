// One place is pointed at in all pictures at once; each shows where its network looks from there.
const box = element.querySelector('.looks'),
  where = element.querySelector('.where'),
  ramp = element.querySelector('.under canvas');
box.setAttribute('aria-label', props.label);
const HEAT = props.heat.map(c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16)));
const colour = v => {
  const x = Math.max(0, Math.min(1, v)) * (HEAT.length - 1),
    i = Math.min(HEAT.length - 2, Math.floor(x));
  return HEAT[i].map((c, k) => c + (HEAT[i + 1][k] - c) * (x - i));
};
let value = null,
  sprite = null,
  figures = [],
  pin = null,
  hover = null;
const at = () => hover ?? pin;
const named = k => `row ${Math.floor(k / value.w) + 1}, column ${(k % value.w) + 1}`;

const frame = (g, k, wide, tall) => {
  const x = (k % value.w) * wide,
    y = Math.floor(k / value.w) * tall,
    t = Math.max(2, wide / 7);
  g.lineWidth = t;
  g.strokeStyle = '#fff';
  g.strokeRect(x - t / 2, y - t / 2, wide + t, tall + t);
  g.strokeStyle = '#111';
  g.strokeRect(x + t / 2, y + t / 2, wide - t, tall - t);
};
const paint = ({ canvas, small, attention, most, spread, said }) => {
  const { h, w } = sprite,
    n = value.h * value.w,
    j = at();
  small.width = w;
  small.height = h;
  const g = small.getContext('2d'),
    image = g.createImageData(w, h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const k = y * w + x,
        place = Math.floor((y * value.h) / h) * value.w + Math.floor((x * value.w) / w),
        grey = [0, 1, 2].map(i => sprite.bytes[k * sprite.c + (sprite.c === 3 ? i : 0)]),
        c = j == null ? grey : colour(attention[j * n + place] / 255);
      for (let i = 0; i < 3; i++)
        image.data[4 * k + i] = j == null ? c[i] : 0.66 * c[i] + 0.34 * grey[i];
      image.data[4 * k + 3] = 255;
    }
  g.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.round((canvas.clientWidth * (devicePixelRatio || 1)) / w));
  canvas.width = w * scale;
  canvas.height = h * scale;
  const big = canvas.getContext('2d');
  big.imageSmoothingEnabled = false;
  big.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (j == null) return;
  frame(big, j, canvas.width / value.w, canvas.height / value.h);
  let best = 0;
  for (let i = 1; i < n; i++) if (attention[j * n + i] > attention[j * n + best]) best = i;
  const share = (100 * most[j]).toFixed(1);
  said.textContent =
    `It looks at ${spread[j].toFixed(0)} of ${n} places in effect, ` +
    `most at ${named(best)}: ${share} %.`;
};
const paintAll = () => {
  for (const figure of figures) paint(figure);
  const j = at();
  where.textContent = j == null ? '' : `The place in ${named(j)}. Click to keep it.`;
};
const makeFigure = ({ name, note, attention, most, spread }) => {
  const node = document.createElement('figure');
  node.innerHTML =
    '<figcaption><b></b><span></span></figcaption>' +
    '<canvas tabindex="0" role="application"></canvas><p></p>';
  const canvas = node.querySelector('canvas');
  node.querySelector('b').textContent = name;
  node.querySelector('span').textContent = note;
  canvas.setAttribute('aria-label', `${name}: arrow keys point at places`);
  const place = event => {
    const b = canvas.getBoundingClientRect(),
      clip = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v * n)));
    return (
      clip((event.clientY - b.top) / b.height, value.h) * value.w +
      clip((event.clientX - b.left) / b.width, value.w)
    );
  };
  canvas.onpointermove = event => {
    const k = place(event);
    if (k === hover) return;
    hover = k;
    paintAll();
  };
  canvas.onpointerleave = () => {
    hover = null;
    paintAll();
  };
  canvas.onclick = event => {
    pin = place(event);
    hover = null;
    paintAll();
  };
  canvas.onkeydown = event => {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
      event.key
    ];
    if (!move) return;
    event.preventDefault();
    const row = Math.floor(at() / value.w) + move[0],
      column = (at() % value.w) + move[1];
    if (row < 0 || row >= value.h || column < 0 || column >= value.w) return;
    pin = row * value.w + column;
    hover = null;
    paintAll();
  };
  box.append(node);
  return {
    canvas,
    small: document.createElement('canvas'),
    said: node.querySelector('p'),
    attention: new Uint8Array(GE.bytes(attention)),
    most: GE.floats(most),
    spread: GE.floats(spread),
  };
};
const layout = () => {
  const room = element.clientWidth;
  if (!value || !room) return;
  const n = figures.length,
    beside = room >= 560 ? n : 1,
    each = Math.min(props.largest, (room - 28 * (beside - 1)) / beside),
    side = GE.crisp(sprite.w, each);
  box.style.setProperty('--side', side + 'px');
  box.style.setProperty('--tall', (side * sprite.h) / sprite.w + 'px');
  paintAll();
};
const show = () => {
  value = props.value?.looks ? props.value : null;
  element.classList.toggle('empty', !value);
  box.replaceChildren();
  figures = [];
  hover = null;
  if (!value) {
    where.textContent = '';
    return;
  }
  sprite = GE.unpack(value.picture);
  const middle = Math.floor(value.h / 2) * value.w + Math.floor(value.w / 2);
  if (pin == null || pin >= value.h * value.w) pin = middle;
  figures = value.looks.map(makeFigure);
  layout();
};
const g = ramp.getContext('2d');
for (let x = 0; x < 128; x++) {
  g.fillStyle = `rgb(${colour(x / 127).join(',')})`;
  g.fillRect(x, 0, 1, 1);
}
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
