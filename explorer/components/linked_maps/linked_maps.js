// Two maps side by side. One picture at a time is marked in both.
const figures = [...element.querySelectorAll('.map')];
const face = element.querySelector('.seen canvas'), said = element.querySelector('.seen p');
const keys = element.querySelector('.keys');
const AIR = 14, HINT = 'Point at a picture in one map: it is marked in the other.';
let value = null, maps = [], sprite = null, at = null, from = 0;

const ink = k => {
  const label = value.labels?.[k];
  return label == null ? '#888' : SETUP.palette[label % SETUP.palette.length];
};
// Where the points of a map lie in a field of this size: one scale for both axes.
const place = (map, width, tall) => {
  const { xs, ys } = map, [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((width - 2 * AIR) / (x1 - x0 || 1), (tall - 2 * AIR) / (y1 - y0 || 1));
  map.cx = xs.map(x => width / 2 + (x - (x0 + x1) / 2) * scale);
  map.cy = ys.map(y => tall / 2 - (y - (y0 + y1) / 2) * scale);
};
const draw = () => {
  if (!value) return;
  const style = getComputedStyle(element), text = style.getPropertyValue('--body-text-color');
  const accent = style.getPropertyValue('--color-accent');
  maps.forEach((map, m) => {
    const field = figures[m].querySelector('canvas'), width = field.clientWidth;
    if (!width) return;
    const tall = Math.min(SETUP.tall, Math.max(280, width)), ratio = window.devicePixelRatio || 1;
    field.style.height = tall + 'px';
    field.width = width * ratio;
    field.height = tall * ratio;
    place(map, width, tall);
    const g = field.getContext('2d');
    g.scale(ratio, ratio);
    const dot = (k, r) => {
      g.beginPath();
      g.arc(map.cx[k], map.cy[k], r, 0, 2 * Math.PI);
    };
    g.globalAlpha = at == null ? 0.75 : 0.35;
    for (let k = 0; k < map.cx.length; k++) {
      g.fillStyle = ink(k);
      dot(k, 2.8);
      g.fill();
    }
    if (at == null) return;
    // The neighbours are those in the map that is pointed at, in both.
    g.globalAlpha = 1;
    g.lineWidth = 1.5;
    g.strokeStyle = text;
    for (const k of maps[from].near[at]) {
      g.fillStyle = ink(k);
      dot(k, 5);
      g.fill();
      g.stroke();
    }
    g.lineWidth = 3;
    g.strokeStyle = accent;
    dot(at, 9);
    g.stroke();
  });
};
const point = (k, m) => {
  [at, from] = [k, m];
  draw();
  GE.draw(face, sprite, k);
  face.style.width = GE.crisp(sprite.w, 112) + 'px';
  const [here, there] = [maps[m].near[k], maps[1 - m].near[k]];
  const shared = here.filter(other => there.includes(other)).length;
  const label = value.labels?.[k], name = label == null ? '' : value.classes[label] ?? label;
  face.setAttribute('aria-label', `test picture ${k + 1}`);
  const [mine, other] = [value.maps[m].name, value.maps[1 - m].name];
  said.textContent = `Test picture ${k + 1}${name === '' ? '' : ', class ' + name}. ${other} ` +
    `shares ${shared} of the ${here.length} codes nearest to it in ${mine}.`;
};
figures.forEach((figure, m) => {
  const field = figure.querySelector('canvas');
  field.onpointermove = event => {
    const map = maps[m];
    if (!map?.cx) return;
    const box = field.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = 0, least = Infinity;
    for (let k = 0; k < map.cx.length; k++) {
      const far = (map.cx[k] - x) ** 2 + (map.cy[k] - y) ** 2;
      if (far < least) [best, least] = [k, far];
    }
    if (best !== at || m !== from) point(best, m);
  };
  field.onpointerdown = field.onpointermove;
  field.addEventListener('keydown', event => {
    const map = maps[m];
    if (!map?.cx) return;
    const turn = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [dx, dy] = turn[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    if (at == null) { point(0, m); return; }
    // The nearest one that lies that way more than aside.
    let best = null, least = Infinity;
    for (let k = 0; k < map.cx.length; k++) {
      const [x, y] = [map.cx[k] - map.cx[at], map.cy[k] - map.cy[at]];
      const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along > Math.max(1, aside) && along ** 2 + aside ** 2 < least) {
        [best, least] = [k, along ** 2 + aside ** 2];
      }
    }
    if (best != null) point(best, m);
  });
});
const show = () => {
  value = props.value?.maps ? props.value : null;
  element.classList.toggle('empty', !value);
  at = null;
  sprite = GE.unpack(value?.sprite);
  maps = (value?.maps ?? []).map(({ xy, near, k }) => {
    const all = GE.floats(xy), xs = [], ys = [], rows = [];
    for (let i = 0; i < all.length; i += 2) { xs.push(all[i]); ys.push(all[i + 1]); }
    for (let i = 0; i < near.length; i += k) rows.push(near.slice(i, i + k));
    return { xs, ys, near: rows };
  });
  figures.forEach((figure, m) => {
    const map = value?.maps[m], caption = figure.querySelector('figcaption');
    const bold = document.createElement('b');
    bold.textContent = map?.name ?? '';
    caption.replaceChildren(bold, ` ${map?.note ?? ''}`);
    figure.querySelector('canvas').setAttribute('aria-label',
      map ? `${SETUP.label}: ${map.name}; arrow keys go from picture to picture` : SETUP.label);
  });
  face.width = face.height = 1;
  face.setAttribute('aria-label', 'no picture yet');
  said.textContent = value ? HINT : '';
  const there = [...new Set(value?.labels ?? [])].sort((a, b) => a - b);
  keys.replaceChildren(...there.map(label => {
    const item = document.createElement('li'), dot = document.createElement('i');
    dot.style.background = SETUP.palette[label % SETUP.palette.length];
    item.append(dot, value.classes[label] ?? String(label));
    return item;
  }));
  draw();
};
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
