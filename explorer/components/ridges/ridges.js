// Sets of pictures along one number: a histogram each, on one axis. Pointing at a bar shows its
// pictures.
const svg = element.querySelector('svg'),
  box = element.querySelector('.pictures'),
  said = element.querySelector('figcaption');
const BINS = 64,
  SIDE = 8,
  TOP = 26,
  FOOT = 44,
  ROOM = 48;
const HINT = 'Point at a bar to see its pictures.';
let value = null,
  sets = [],
  mark = null,
  at = null,
  low = 0,
  high = 1,
  middle = 0,
  near = 1,
  width = 0;
svg.setAttribute('aria-label', SETUP.label);

const warp = v => Math.asinh((v - middle) / near),
  unwarp = u => middle + near * Math.sinh(u);
const across = v => SIDE + ((warp(v) - low) / (high - low)) * (width - 2 * SIDE);
const number = v =>
  (+v.toPrecision(Math.abs(v) >= 10 ? 3 : 2))
    .toLocaleString('en', { maximumSignificantDigits: 3 })
    .replace('-', '−');
const chance = d => {
  const p = 100 / (1 + Math.exp(-d));
  return p < 0.0999
    ? '<0.1 %'
    : p > 99.9001
      ? '>99.9 %'
      : `${p < 0.95 || p > 99.05 ? p.toFixed(1) : p.toFixed(0)} %`;
};
const quantile = (sorted, q) => sorted[Math.round(q * (sorted.length - 1))];
const ink = k => GE.ink(SETUP.palette, k);
const bin = v =>
  Math.max(0, Math.min(BINS - 1, Math.floor(((warp(v) - low) / (high - low)) * BINS)));

const range = () => {
  const own = Float32Array.from(sets[0].values).sort();
  middle = value.odds ? 0 : quantile(own, 0.5);
  near = value.odds ? 1 : (quantile(own, 0.95) - quantile(own, 0.05)) / 2 || 1;
  const all = sets
    .flatMap(set => [...set.values])
    .concat(mark?.value ?? [])
    .map(warp);
  low = Math.min(...all, value.odds ? -1 : Infinity);
  high = Math.max(...all, value.odds ? 1 : -Infinity);
  const air = 0.02 * (high - low) || 0.5;
  low -= air;
  high += air;
  for (const set of sets) {
    set.bins = Array.from({ length: BINS }, () => []);
    set.values.forEach((v, k) => set.bins[bin(v)].push(k));
  }
};
// Round numbers along the axis, or round probabilities, no two nearer than their words need.
const marks = () => {
  const found = value.odds
      ? [0.5, 0.1, 0.9, 0.01, 0.99, 0.001, 0.999].map(p => Math.log(p / (1 - p)))
      : [0],
    placed = [];
  if (!value.odds) {
    for (let p = -2; p < 7; p++)
      for (const m of [1, 2, 5]) for (const s of [-1, 1]) found.push(s * m * 10 ** p);
    found.sort((a, b) => Math.abs(b) - Math.abs(a));
  }
  for (const v of found) {
    const x = across(v);
    if (
      warp(v) < low ||
      warp(v) > high ||
      x < 24 ||
      x > width - 24 ||
      placed.some(other => Math.abs(across(other) - x) < 58)
    )
      continue;
    placed.push(v);
  }
  return placed;
};
const draw = () => {
  width = svg.clientWidth;
  svg.replaceChildren();
  const tall = TOP + sets.length * (SETUP.tall + 22) + FOOT,
    floor = tall - FOOT;
  svg.style.height = tall + 'px';
  if (!value || !width) return;
  svg.setAttribute('viewBox', `0 0 ${width} ${tall}`);
  if (value.odds)
    GE.svg('line', { class: 'even', x1: across(0), x2: across(0), y1: TOP, y2: floor }, svg);
  const step = (width - 2 * SIDE) / BINS;
  sets.forEach((set, row) => {
    const base = TOP + (row + 1) * (SETUP.tall + 22),
      most = Math.max(...set.bins.map(b => b.length));
    GE.svg('line', { x1: SIDE, x2: width - SIDE, y1: base, y2: base }, svg);
    set.bars = set.bins.map((inside, k) =>
      inside.length
        ? GE.svg(
            'rect',
            {
              style: `--ink: ${ink(row)}`,
              x: SIDE + k * step + 0.5,
              width: Math.max(1, step - 1),
              y: base - (inside.length / most) * SETUP.tall,
              height: (inside.length / most) * SETUP.tall,
            },
            svg,
          )
        : null,
    );
    const name = GE.svg(
      'text',
      { class: 'name', x: SIDE, y: base - SETUP.tall - 5 },
      svg,
      set.name + ' ',
    );
    GE.svg('tspan', {}, name, set.note ?? '');
  });
  for (const v of marks()) {
    GE.svg('line', { x1: across(v), x2: across(v), y1: floor, y2: floor + 5 }, svg);
    GE.svg(
      'text',
      { x: across(v), y: floor + 18, 'text-anchor': 'middle' },
      svg,
      value.odds ? chance(v) : number(v),
    );
  }
  GE.svg('text', { x: SIDE, y: floor + 38 }, svg, `← ${value.low}`);
  GE.svg('text', { x: width - SIDE, y: floor + 38, 'text-anchor': 'end' }, svg, `${value.high} →`);
  if (mark) {
    const x = across(mark.value),
      right = x > width / 2;
    GE.svg('line', { class: 'mark', x1: x, x2: x, y1: 4, y2: floor }, svg);
    GE.svg(
      'text',
      { class: 'mark', x: x + (right ? -8 : 8), y: 14, 'text-anchor': right ? 'end' : 'start' },
      svg,
      mark.name,
    );
  }
  if (at) point(at[0], at[1]);
};
const point = (row, k) => {
  for (const set of sets) set.bars?.forEach(bar => bar?.classList.remove('at'));
  const set = sets[row],
    inside = set?.bins[k];
  at = inside?.length ? [row, k] : null;
  if (!at) return;
  set.bars[k]?.classList.add('at');
  const ends = [k, k + 1]
    .map(edge => unwarp(low + ((high - low) * edge) / BINS))
    .map(value.odds ? chance : number);
  said.textContent =
    `${set.name}: ${inside.length} of ${set.values.length} ` + `from ${ends[0]} to ${ends[1]}`;
  const side = GE.crisp(set.pictures.w, ROOM),
    fit = Math.max(1, Math.floor(((element.clientWidth || 300) + 6) / (side + 6)));
  box.replaceChildren(
    ...inside.slice(0, fit).map(index => {
      const canvas = document.createElement('canvas');
      GE.draw(canvas, set.pictures, index);
      canvas.style.width = side + 'px';
      return canvas;
    }),
  );
};
// The filled bar of a set nearest to a bin.
const nearest = (row, k) => {
  const filled = sets[row].bins
    .map((inside, j) => [Math.abs(j - k), j, inside.length])
    .filter(each => each[2]);
  return filled.length ? filled.sort((a, b) => a[0] - b[0])[0][1] : k;
};
svg.onpointermove = event => {
  if (!value) return;
  const { x, y } = GE.at(event, svg),
    row = Math.floor((y - TOP + 8) / (SETUP.tall + 22));
  const k = Math.floor(((x - SIDE) / (width - 2 * SIDE)) * BINS);
  if (row >= 0 && row < sets.length) point(row, nearest(row, k));
};
svg.onkeydown = event => {
  const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
    event.key
  ];
  if (!move || !value) return;
  event.preventDefault();
  const [row, k] = at ?? [0, bin(quantile(Float32Array.from(sets[0].values).sort(), 0.5))];
  if (!at) return point(row, nearest(row, k));
  if (move[0]) {
    const next = Math.max(0, Math.min(sets.length - 1, row + move[0]));
    return point(next, nearest(next, k));
  }
  for (let j = k + move[1]; j >= 0 && j < BINS; j += move[1])
    if (sets[row].bins[j].length) return point(row, j);
};
const show = () => {
  value = props.value?.sets?.length ? props.value : null;
  element.style.visibility = value ? '' : 'hidden';
  sets = (value?.sets ?? []).map(set => ({
    ...set,
    values: GE.floats(set.values),
    pictures: GE.unpack(set.sprite),
  }));
  at = null;
  box.replaceChildren();
  said.textContent = HINT;
  if (value) range();
  draw();
};
GE.on(element, 'ge:ridge-mark', event => {
  if (event.detail.id !== SETUP.id) return;
  mark = event.detail.mark ?? null;
  if (value) range();
  draw();
});
new ResizeObserver(draw).observe(element);
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:ridge-ask', { detail: SETUP.id }));
