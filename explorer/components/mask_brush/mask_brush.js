const $ = query => element.querySelector(query);
const easel = $('.easel'),
  canvas = $('.picture'),
  veil = $('.veil'),
  size = $('.size input');
const read = $('.size output'),
  count = $('.count'),
  modes = [...element.querySelectorAll('[data-mode]')];
veil.setAttribute('aria-label', props.label + ': arrow keys move the brush, space paints');
let sprite = null,
  W = 0,
  H = 0,
  hidden = null,
  mode = 'hide',
  at = null,
  held = false,
  last = null;
let draws = 0,
  waiting = null;

// -- the mask: one byte a pixel here, bits in a text "H.W.base64url" for the server and the address
const pack = () => {
  const bytes = new Uint8Array(Math.ceil((W * H) / 8));
  hidden.forEach((on, i) => {
    if (on) bytes[i >> 3] |= 128 >> (i & 7);
  });
  return (
    `${H}.${W}.` +
    btoa(String.fromCharCode(...bytes))
      .replace(/\+/g, '-')
      .replace(/\//g, '_')
      .replace(/=+$/, '')
  );
};
const unpack = text => {
  const [h, w, b64] = String(text ?? '').split('.');
  if (+h !== H || +w !== W) return null;
  try {
    const bytes = atob((b64 ?? '').replace(/-/g, '+').replace(/_/g, '/'));
    if (bytes.length !== Math.ceil((W * H) / 8)) return null;
    return Uint8Array.from(
      { length: W * H },
      (_, i) => (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1,
    );
  } catch {
    return null;
  }
};
const tell = () => {
  const n = hidden.reduce((a, b) => a + b, 0);
  count.textContent = `${n} of ${W * H} pixels hidden (${Math.round((100 * n) / (W * H))} %)`;
  document.dispatchEvent(
    new CustomEvent('ge:mask', { detail: { brush: props.brush, mask: pack() } }),
  );
};

// A new random mask at each press, and the same ones in the same order after a reload.
const chance = seed => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const fill = test => {
  hidden = Uint8Array.from({ length: W * H }, (_, i) => +test(i % W, (i / W) | 0, i));
};
const presets = {
  lower: () => fill((x, y) => y >= H / 2),
  left: () => fill(x => x < W / 2),
  centre: () =>
    fill((x, y) => Math.abs(x + 0.5 - W / 2) < W / 4 && Math.abs(y + 0.5 - H / 2) < H / 4),
  random: () => {
    const next = chance(++draws),
      order = Array.from({ length: W * H }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    const chosen = new Set(order.slice(0, Math.round(0.75 * W * H)));
    fill((x, y, i) => chosen.has(i));
  },
  invert: () => {
    const old = hidden;
    fill((x, y, i) => !old[i]);
  },
  clear: () => fill(() => false),
};

// -- painting what is hidden: hatched in the accent colour, the picture faint below
const paint = () => {
  if (!sprite) return;
  const ratio = window.devicePixelRatio || 1,
    k = Math.max(1, Math.round((easel.clientWidth * ratio) / W));
  if (veil.width !== W * k || veil.height !== H * k) {
    veil.width = W * k;
    veil.height = H * k;
  }
  const g = veil.getContext('2d'),
    accent = getComputedStyle(element).getPropertyValue('--color-accent') || '#b4400c';
  g.clearRect(0, 0, veil.width, veil.height);
  g.save();
  g.beginPath();
  for (let i = 0; i < W * H; i++) if (hidden[i]) g.rect((i % W) * k, ((i / W) | 0) * k, k, k);
  g.clip();
  g.fillStyle = 'rgba(20, 18, 17, .62)';
  g.fillRect(0, 0, veil.width, veil.height);
  g.globalAlpha = 0.9;
  g.strokeStyle = accent;
  g.lineWidth = Math.max(1.5, 2 * ratio);
  const step = Math.max(6, 9 * ratio);
  g.beginPath();
  for (let d = -veil.height; d < veil.width; d += step) {
    g.moveTo(d, veil.height);
    g.lineTo(d + veil.height, 0);
  }
  g.stroke();
  g.restore();
  if (at) {
    const [left, top, side] = brushAt(...at);
    g.lineWidth = 2 * ratio;
    g.strokeStyle = '#fff';
    g.strokeRect(left * k, top * k, side * k, side * k);
    g.lineWidth = ratio;
    g.strokeStyle = '#111';
    g.strokeRect(
      left * k - 1.5 * ratio,
      top * k - 1.5 * ratio,
      side * k + 3 * ratio,
      side * k + 3 * ratio,
    );
  }
};
// The square of the brush round pixel (x, y): left, top, side.
const brushAt = (x, y) => {
  const side = +size.value;
  return [x - (side >> 1), y - (side >> 1), side];
};
const dab = (x, y) => {
  const [left, top, side] = brushAt(x, y);
  for (let j = Math.max(0, top); j < Math.min(H, top + side); j++)
    for (let i = Math.max(0, left); i < Math.min(W, left + side); i++)
      hidden[j * W + i] = +(mode === 'hide');
};
const stroke = (from, to) => {
  const n = Math.max(1, Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]));
  for (let i = 0; i <= n; i++)
    dab(...[0, 1].map(c => Math.round(from[c] + ((to[c] - from[c]) * i) / n)));
};
const pixel = event => {
  const b = veil.getBoundingClientRect();
  return [
    Math.floor(((event.clientX - b.left) / b.width) * W),
    Math.floor(((event.clientY - b.top) / b.height) * H),
  ];
};
veil.addEventListener('pointerdown', event => {
  if (event.button || !sprite) return;
  veil.setPointerCapture(event.pointerId);
  held = true;
  last = at = pixel(event);
  dab(...last);
  paint();
});
veil.addEventListener('pointermove', event => {
  if (!sprite) return;
  const moves = held ? (event.getCoalescedEvents?.() ?? []) : [];
  for (const e of moves.length ? moves : [event]) {
    const to = pixel(e);
    if (held) {
      stroke(last, to);
      last = to;
    }
    at = to;
  }
  paint();
});
const lift = () => {
  if (held) {
    held = false;
    tell();
  }
};
veil.addEventListener('pointerup', lift);
veil.addEventListener('pointercancel', lift);
veil.addEventListener('pointerleave', () => {
  if (!held) {
    at = null;
    paint();
  }
});
veil.addEventListener('focus', () => {
  if (sprite && veil.matches(':focus-visible')) {
    at ??= [W >> 1, H >> 1];
    paint();
  }
});
veil.addEventListener('blur', () => {
  at = null;
  paint();
});
veil.addEventListener('keydown', event => {
  if (!sprite) return;
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
    event.key
  ];
  if (!move && event.key !== ' ') return;
  event.preventDefault();
  at ??= [W >> 1, H >> 1];
  if (move)
    at = [
      Math.min(W - 1, Math.max(0, at[0] + move[0])),
      Math.min(H - 1, Math.max(0, at[1] + move[1])),
    ];
  else {
    dab(...at);
    tell();
  }
  paint();
});

// -- tools
const choose = to => {
  mode = to;
  for (const b of modes) {
    b.setAttribute('aria-checked', b.dataset.mode === to);
    b.tabIndex = b.dataset.mode === to ? 0 : -1;
  }
};
for (const b of modes) {
  b.onclick = () => choose(b.dataset.mode);
  b.addEventListener('keydown', event => {
    if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
    choose(b.dataset.mode === 'hide' ? 'show' : 'hide');
    modes.find(m => m.dataset.mode === mode).focus();
  });
}
choose('hide');
size.oninput = () => {
  read.textContent = size.value;
  paint();
};
read.textContent = size.value;
for (const b of element.querySelectorAll('[data-preset]'))
  b.onclick = () => {
    if (!sprite) return;
    presets[b.dataset.preset]();
    paint();
    tell();
  };

const layout = () => {
  if (!sprite || !element.clientWidth) return;
  const across = GE.crisp(W, Math.min(props.room, element.clientWidth));
  easel.style.setProperty('--across', across + 'px');
  element.style.setProperty('--across', across + 'px');
  easel.style.setProperty('--down', (across * H) / W + 'px');
  paint();
};
const show = () => {
  const next = GE.unpack(props.value);
  if (!next) return;
  const other = next.w !== W || next.h !== H;
  sprite = next;
  [W, H] = [sprite.w, sprite.h];
  if (other) {
    hidden = waiting && unpack(waiting);
    if (!hidden) presets[props.first]();
  }
  GE.draw(canvas, sprite, 0);
  layout();
  if (other) tell();
};
// A mask from outside: a link was opened.
GE.on(element, 'ge:mask-given', event => {
  if (event.detail.brush !== props.brush) return;
  waiting = event.detail.mask;
  const given = sprite && unpack(waiting);
  if (given) {
    hidden = given;
    paint();
    tell();
  }
});
new ResizeObserver(layout).observe(element);
new MutationObserver(paint).observe(document.body, {
  attributes: true,
  attributeFilter: ['class'],
});
watch('value', show);
show();
