// Models as points with their errors and names.
const svg = element.querySelector('svg'), keys = element.querySelector('.keys');
const says = element.querySelector('.says'), others = element.querySelector('.others');
const LEFT = 52, RIGHT = 18, TOP = 14, FOOT = 24;
let value = null, at = null, focused = false;

const words = v => {
  const size = Math.abs(v);
  if (size >= 1e6) return +(v / 1e6).toPrecision(3) + ' M';
  if (size >= 1e4) return +(v / 1e3).toPrecision(3) + ' k';
  return String(+v.toPrecision(3)).replace('-', '−');
};
const linearTicks = (a, b, count) => {
  const rough = (b - a) / count, power = 10 ** Math.floor(Math.log10(rough)), found = [];
  const step = [1, 2, 2.5, 5, 10].find(s => s * power >= rough) * power;
  for (let v = Math.ceil(a / step - 1e-9) * step; v <= b + 1e-9 * step; v += step) found.push(v);
  return found;
};
const logTicks = (a, b) => {
  const found = [];
  for (let p = Math.floor(Math.log10(a)); p <= Math.ceil(Math.log10(b)); p++) {
    for (const m of b / a > 300 ? [1] : [1, 2, 5]) {
      if (m * 10 ** p >= a && m * 10 ** p <= b) found.push(m * 10 ** p);
    }
  }
  return found;
};
// An axis from the numbers on it: where a number lies, and the ticks.
const scale = (axis, numbers, from, to, count) => {
  const turn = axis.log ? Math.log10 : v => v;
  let [a, b] = [Math.min(...numbers), Math.max(...numbers)].map(turn);
  const room = 0.08 * (b - a) || Math.max(0.1, 0.1 * Math.abs(b));
  [a, b] = [a - room, b + room];
  const back = axis.log ? v => 10 ** v : v => v;
  const ticks = axis.log ? logTicks(back(a), back(b)) : linearTicks(a, b, count);
  return { place: v => from + (turn(v) - a) / (b - a) * (to - from), ticks, low: back(a) };
};
const spread = name => value.points.flatMap(p => {
  const e = p[name + '_error'] ?? 0, v = p[name];
  return value[name].log ? [v] : [v - e, v, v + e];
});
const mark = (p, parent) => {
  if (p.kind === 'lower bound') {
    // The truth lies further left of what is a bound along x, further down along y.
    const shape = value.x.bound ? 'M-8,0 L5,-6 L5,6 Z' : 'M0,8 L-6,-5 L6,-5 Z';
    return GE.svg('path', { class: 'mark', d: shape }, parent);
  }
  const ring = p.kind === 'estimate' ? ' ring' : '';
  return GE.svg('circle', { class: 'mark' + ring, r: 5.5 }, parent);
};
const tell = k => {
  const p = value?.points[k];
  says.textContent = p ? p.says : '';
};
const choose = k => {
  at = k;
  if (value.points[k]) GE.choose(value.points[k].key);
};
// Names beside their points, where they hide no other; at the right if all places are taken.
const nameAll = (width, tall) => {
  const taken = value.points.map(p => [p.cx - 8, p.cy - 8, p.cx + 8, p.cy + 8]);
  const free = box => box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= tall - FOOT + 4 &&
    taken.every(t => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
  for (const p of value.points) {
    const w = 7 * p.name.length, h = 15;
    const places = [[11, 5, 'start'], [-11, 5, 'end'], [0, -11, 'middle'], [0, 21, 'middle'],
                    [9, -8, 'start'], [9, 17, 'start'], [-9, -8, 'end'], [-9, 17, 'end']];
    const boxes = places.map(([dx, dy, anchor]) => {
      const x = p.cx + dx - (anchor === 'end' ? w : anchor === 'middle' ? w / 2 : 0);
      return [x, p.cy + dy - h + 3, x + w, p.cy + dy + 3];
    });
    const best = Math.max(0, boxes.findIndex(free));
    taken.push(boxes[best]);
    const [dx, dy, anchor] = places[best];
    GE.svg('text', { class: 'name', x: dx, y: dy, 'text-anchor': anchor }, p.node, p.name);
  }
};
const axes = (across, down, width, tall) => {
  const foot = tall - FOOT;
  for (const v of across.ticks) {
    const x = across.place(v);
    GE.svg('line', { class: 'grid', x1: x, x2: x, y1: TOP, y2: foot }, svg);
    GE.svg('text', { x, y: foot + 17, 'text-anchor': 'middle' }, svg, words(v));
  }
  for (const v of down.ticks) {
    const y = down.place(v);
    GE.svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y, y2: y }, svg);
    GE.svg('text', { x: LEFT - 8, y: y + 4, 'text-anchor': 'end' }, svg, words(v));
  }
};
const draw = () => {
  const width = element.clientWidth, tall = props.tall;
  svg.replaceChildren();
  svg.style.height = tall + 'px';
  if (!value || !width) return;
  svg.setAttribute('viewBox', `0 0 ${width} ${tall}`);
  if (!value.points.length) {
    const middle = { x: width / 2, y: tall / 2, 'text-anchor': 'middle' };
    GE.svg('text', middle, svg, 'No model has both numbers: choose another axis.');
    return;
  }
  const across = scale(value.x, spread('x'), LEFT, width - RIGHT, width > 600 ? 8 : 4);
  const down = scale(value.y, spread('y'), tall - FOOT, TOP, 6);
  axes(across, down, width, tall);
  value.points.forEach((p, k) => {
    p.cx = across.place(p.x);
    p.cy = down.place(p.y);
    const node = p.node = GE.svg('g', {
      class: 'point' + (p.on ? ' on' : ''), role: 'button', tabindex: k === (at ?? 0) ? 0 : -1,
      transform: `translate(${p.cx},${p.cy})`, 'aria-label': p.says, 'aria-pressed': !!p.on,
    }, svg);
    GE.svg('circle', { class: 'reach', r: 16 }, node);
    const bar = (name, place, from) => {
      const e = p[name + '_error'], v = p[name];
      if (!e) return;
      const low = value[name].log ? Math.max(v - e, place.low) : v - e;
      const [a, b] = [place.place(low) - from, place.place(v + e) - from];
      const line = name === 'x' ? { x1: a, x2: b, y1: 0, y2: 0 } : { x1: 0, x2: 0, y1: a, y2: b };
      GE.svg('line', { class: 'error', ...line }, node);
    };
    bar('x', across, p.cx);
    bar('y', down, p.cy);
    mark(p, node);
    node.addEventListener('pointerenter', () => tell(k));
    node.addEventListener('focus', () => tell(k));
    node.addEventListener('click', () => choose(k));
  });
  nameAll(width, tall);
  if (focused) value.points[at]?.node.focus();
};
svg.addEventListener('keydown', event => {
  const k = value.points.findIndex(p => p.node === event.target);
  if (k < 0) return;
  if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    choose(k);
    return;
  }
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const order = value.points.map((_, i) => i).sort((a, b) => value.points[a].x - value.points[b].x);
  const to = order[order.indexOf(k) + step];
  if (to === undefined) return;
  value.points.forEach((p, i) => p.node.setAttribute('tabindex', i === to ? 0 : -1));
  at = to;
  value.points[to].node.focus();
});
svg.addEventListener('focusin', () => { focused = true; });
svg.addEventListener('focusout', event => { if (event.relatedTarget) focused = false; });
const KINDS = { exact: 'exact', estimate: 'an estimate',
                'lower bound': 'a bound: the truth lies where it points' };
const show = () => {
  value = props.value?.points ? props.value : null;
  element.style.minHeight = value ? '' : props.tall + 70 + 'px';
  const on = value?.points.findIndex(p => p.on) ?? -1;
  at = on >= 0 ? on : 0;
  svg.setAttribute('aria-label', value
    ? `${props.label}: ${value.y.name} over ${value.x.name}; arrow keys go from model to model`
    : props.label);
  const kinds = Object.keys(KINDS).filter(kind => value?.points.some(p => p.kind === kind));
  keys.replaceChildren(...kinds.map(kind => {
    const item = document.createElement('li');
    mark({ kind }, GE.svg('svg', { viewBox: '-9 -9 18 18', 'aria-hidden': true }, item));
    item.append(KINDS[kind]);
    return item;
  }));
  const left = value?.others ?? [];
  others.hidden = !left.length;
  others.replaceChildren(left.length ? 'Not on these axes: ' : '', ...left.map(other => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = other.name;
    button.setAttribute('aria-pressed', !!other.on);
    button.onclick = () => GE.choose(other.key);
    return button;
  }));
  element.querySelector('.up').textContent = value ? `↑ ${value.y.name}` : '';
  element.querySelector('.across').textContent = value ? `${value.x.name} →` : '';
  draw();
  tell(on);
};
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
