// Where a picture falls among others, and what a threshold among them is worth. All of it is local:
// the server sends scores, not curves. Higher is stranger.
const $ = query => element.querySelector(query);
const SIDE = 26,
  HEAD = 48,
  FOOT = 42;
const [spread, roc] = element.querySelectorAll('svg');
const said = $('.said'),
  select = $('select'),
  chips = $('.sets');
let value = null,
  sets = [],
  shown = new Set(),
  against = '',
  alarm = 0.05,
  limit = null,
  run = null;
let low = 0,
  high = 1,
  width = 0;
// Far outliers would press everything else together: then the axis is the inverse hyperbolic sine,
// straight among the model's own pictures and logarithmic far out.
let warp = v => v,
  unwarp = v => v,
  bent = '';

const make = GE.svg,
  { rank, before, share, quantile, auroc, density } = GE.ranks;
// The least score such that at most this share of the own pictures lies above it.
const limitOf = share =>
  own().values[
    Math.max(
      0,
      Math.min(own().values.length - 1, Math.ceil((1 - share) * own().values.length - 1e-9) - 1),
    )
  ];
const own = () => sets[0];
const other = () => sets.find(s => s.key === against);
// Of what is nearly all or nearly nothing a digit more: 99.7 % is not 100 %.
const percent = v => {
  const near = (v > 0 && v < 0.0995) || (v > 0.9905 && v < 1);
  return (near && v > 0.5 ? Math.min(99.9, 100 * v) : 100 * v).toFixed(near ? 1 : 0) + ' %';
};
const number = v => {
  const size = Math.abs(v);
  const text =
    size >= 1000
      ? Math.round(v).toLocaleString('en')
      : size >= 100
        ? v.toFixed(0)
        : size >= 10
          ? v.toFixed(1)
          : size === 0
            ? '0'
            : size >= 0.1
              ? v.toFixed(2)
              : v.toPrecision(2);
  return text.replace('-', '−');
};
const across = v => SIDE + ((warp(v) - low) / (high - low)) * (width - 2 * SIDE);
const back = x => unwarp(low + ((x - SIDE) / (width - 2 * SIDE)) * (high - low));

// Round numbers along the axis, no two nearer than words need.
const marks = () => {
  if (!bent) return GE.ticks(low, high, width > 520 ? 7 : 4);
  const found = [0];
  for (let p = -2; p < 14; p++)
    for (const m of [1, 3]) for (const s of [-1, 1]) found.push(s * m * 10 ** p);
  const placed = [];
  for (const v of found.sort((a, b) => Math.abs(b) - Math.abs(a))) {
    const x = across(v);
    if (warp(v) < low || warp(v) > high || placed.some(other => Math.abs(across(other) - x) < 62))
      continue;
    placed.push(v);
  }
  return placed;
};
const inView = () => sets.filter(s => s === own() || s.key === against || shown.has(s.key));
const range = () => {
  const visible = inView();
  const ends = visible.flatMap(s => [quantile(s.values, 0.005), quantile(s.values, 0.995)]);
  const ours = [0.005, 0.5, 0.995].map(q => quantile(own().values, q)),
    near = (ours[2] - ours[0]) / 2 || 1;
  const far =
    Math.max(...ends, value.value ?? -Infinity) - Math.min(...ends, value.value ?? Infinity);
  bent = far > 20 * near ? `${ours[1]} ${near}` : '';
  warp = bent ? v => Math.asinh((v - ours[1]) / near) : v => v;
  unwarp = bent ? u => ours[1] + near * Math.sinh(u) : u => u;
  low = warp(Math.min(...ends));
  high = warp(Math.max(...ends));
  const room = high - low || Math.abs(high) || 1,
    v = value.value == null ? null : warp(value.value);
  // A picture far off is named at the edge rather than pressing everything else together.
  if (v != null) {
    low = Math.max(Math.min(low, v), low - 2 * room);
    high = Math.min(Math.max(high, v), high + 2 * room);
  }
  const air = 0.05 * (high - low) || 0.5;
  low -= air;
  high += air;
};
const drawSpread = () => {
  width = spread.clientWidth;
  spread.replaceChildren();
  if (!width) return;
  const tall = SETUP.tall,
    floor = tall - FOOT,
    points = Array.from({ length: 161 }, (_, k) => low + ((high - low) * k) / 160);
  spread.style.height = tall + 'px';
  spread.setAttribute('viewBox', `0 0 ${width} ${tall}`);
  const x = Math.max(SIDE, Math.min(width - SIDE, across(limit)));
  make(
    'rect',
    { class: 'flagged', x, y: HEAD - 12, width: width - SIDE - x, height: floor - HEAD + 12 },
    spread,
  );
  for (const set of [...inView()].reverse()) {
    set.curve ??= {};
    const key = `${low} ${high} ${bent}`;
    if (set.curve.key !== key)
      set.curve = {
        key,
        heights: density(bent ? set.values.map(warp) : set.values, points, (high - low) / 200),
      };
    const step = (width - 2 * SIDE) / 160;
    const path = set.curve.heights.map(
      (h, k) => `${(SIDE + k * step).toFixed(1)} ${(floor - h * (floor - HEAD)).toFixed(1)}`,
    );
    const kind = set === own() ? 'own' : set.key === against ? 'against' : '';
    make(
      'path',
      {
        class: 'area ' + kind,
        style: set === own() ? '' : `--ink: ${set.ink}`,
        d: `M${SIDE} ${floor}L${path.join('L')}L${width - SIDE} ${floor}`,
      },
      spread,
    );
  }
  make('line', { class: 'axis', x1: SIDE, x2: width - SIDE, y1: floor, y2: floor }, spread);
  for (const v of marks()) {
    make('line', { class: 'axis', x1: across(v), x2: across(v), y1: floor, y2: floor + 4 }, spread);
    make(
      'text',
      { x: across(v), y: floor + 18, 'text-anchor': 'middle' },
      spread,
      (+v.toPrecision(6))
        .toLocaleString('en', { notation: Math.abs(v) >= 1e5 ? 'compact' : 'standard' })
        .replace('-', '−'),
    );
  }
  make(
    'text',
    { x: width - SIDE, y: floor + 36, 'text-anchor': 'end' },
    spread,
    `${value.unit ? value.unit + ', ' : ''}stranger →`,
  );
  make('text', { x: SIDE, y: floor + 36 }, spread, '← more ordinary');
  const bar = make('g', { class: 'limit' }, spread);
  make('line', { x1: x, x2: x, y1: HEAD - 12, y2: floor }, bar);
  make('circle', { cx: x, cy: floor, r: 8 }, bar);
  make(
    'text',
    { x, y: HEAD - 16, 'text-anchor': x > width - 90 ? 'end' : x < 90 ? 'start' : 'middle' },
    bar,
    'threshold',
  );
  if (value.value != null) drawMine(floor);
};
const drawMine = floor => {
  const v = value.value,
    off = warp(v) > high ? 1 : warp(v) < low ? -1 : 0;
  const x = Math.max(SIDE, Math.min(width - SIDE, across(v)));
  const mine = make('g', { class: 'mine' }, spread);
  make('line', { x1: x, x2: x, y1: 18, y2: floor }, mine);
  make(
    'path',
    {
      d: off
        ? `M${x - 8 * off} 12L${x + 4 * off} 19L${x - 8 * off} 26Z`
        : `M${x - 7} ${floor + 1}L${x + 7} ${floor + 1}L${x} ${floor - 11}Z`,
    },
    mine,
  );
  const right = x > width / 2;
  make(
    'text',
    { class: 'mine', x: x + (right ? -8 : 8), y: 13, 'text-anchor': right ? 'end' : 'start' },
    mine,
    `${value.mark}: ${number(v)}${off ? ', far off' : ''}`,
  );
};
const drawRoc = () => {
  const set = other(),
    side = Math.min(SETUP.tall - 4, element.clientWidth - 50, 250),
    edge = side - 40;
  element.classList.toggle('alone', !set);
  roc.replaceChildren();
  if (!set) return;
  roc.style.width = roc.style.height = side + 'px';
  roc.setAttribute('viewBox', `0 0 ${side} ${side}`);
  const at = (a, b) => [34 + a * edge, 8 + (1 - b) * edge];
  const ours = own().values,
    theirs = set.values,
    points = [
      [0, 0],
      [0, share(theirs, ours[ours.length - 1])],
    ];
  // A threshold just below each own score, from the strangest down.
  for (const v of [...ours].reverse())
    points.push([1 - before(ours, v) / ours.length, 1 - before(theirs, v) / theirs.length]);
  for (const [a, b] of [
    [at(0, 0), at(1, 0)],
    [at(0, 0), at(0, 1)],
  ])
    make('line', { class: 'axis', x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, roc);
  const [c, d] = [at(0, 0), at(1, 1)];
  make('line', { class: 'chance', x1: c[0], y1: c[1], x2: d[0], y2: d[1] }, roc);
  const path = [...points, [1, 1]].map(([a, b]) =>
    at(a, b)
      .map(v => v.toFixed(1))
      .join(' '),
  );
  make('path', { class: 'curve', style: `--ink: ${set.ink}`, d: 'M' + path.join('L') }, roc);
  const [x, y] = at(share(ours, limit), share(set.values, limit));
  make('line', { class: 'guide', x1: x, x2: x, y1: y, y2: c[1] }, roc);
  make('line', { class: 'guide', x1: c[0], x2: x, y1: y, y2: y }, roc);
  make('circle', { class: 'dot', cx: x, cy: y, r: 6 }, roc);
  make('text', { x: 34 + edge / 2, y: side - 4, 'text-anchor': 'middle' }, roc, 'false alarms');
  make(
    'text',
    { transform: `translate(12 ${8 + edge / 2}) rotate(-90)`, 'text-anchor': 'middle' },
    roc,
    'found',
  );
  for (const [v, words] of [
    [0, '0'],
    [1, '1'],
  ]) {
    make('text', { x: at(v, 0)[0], y: c[1] + 16, 'text-anchor': 'middle' }, roc, words);
    if (v) make('text', { x: 28, y: at(0, v)[1] + 4, 'text-anchor': 'end' }, roc, words);
  }
  set.area ??= auroc(ours, set.values);
  roc.previousElementSibling.lastElementChild.textContent = `AUROC ${set.area.toFixed(3)}`;
  roc.setAttribute('aria-label', `ROC curve against ${set.name}, AUROC ${set.area.toFixed(3)}`);
};
const bold = (text, kind) => {
  const node = document.createElement('b');
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
};
const tell = () => {
  const ours = own().values,
    set = other(),
    v = value.value,
    parts = [];
  const alarms = share(ours, limit),
    many = ours.length.toLocaleString('en');
  if (v != null) {
    const strange = v > limit;
    parts.push(
      bold(strange ? 'Strange. ' : 'Ordinary. ', strange ? 'strange' : ''),
      'Stranger than ',
      bold(percent(rank(ours, v))),
      ` of ${many} ${own().short}. `,
    );
  }
  parts.push(
    'At this threshold: ',
    bold(percent(alarms)),
    v == null ? ` of ${many} ${own().short} are false alarms` : ' false alarms',
  );
  if (set)
    parts.push(
      ', ',
      bold(percent(1 - share(set.values, limit))),
      ` of ${set.values.length.toLocaleString('en')} ${set.short} missed`,
    );
  parts.push('.');
  said.replaceChildren(...parts);
  const told =
    `${number(limit)}: ${percent(alarms)} false alarms` +
    (set ? `, ${percent(1 - share(set.values, limit))} missed` : '');
  for (const [key, words] of Object.entries({
    label: 'Threshold',
    valuemin: Math.min(unwarp(low), limit),
    valuemax: Math.max(unwarp(high), limit),
    valuenow: limit,
    valuetext: told,
  })) {
    spread.setAttribute('aria-' + key, words);
  }
};
const paint = () => {
  if (!value || !element.clientWidth) return;
  element.classList.toggle('narrow', element.clientWidth < 620);
  drawRoc();
  drawSpread();
  tell();
};
const send = () =>
  document.dispatchEvent(
    new CustomEvent('ge:row-picked', {
      detail: {
        rows: SETUP.choice,
        picked: `${+share(own().values, limit).toFixed(4)}~${against}`,
      },
    }),
  );
const moveTo = v => {
  limit = v;
  alarm = share(own().values, limit);
  paint();
};

let held = null;
const drag = (svg, move) => {
  svg.addEventListener('pointerdown', event => {
    if (event.button || !value) return;
    held = svg;
    svg.setPointerCapture(event.pointerId);
    move(event);
  });
  svg.addEventListener('pointermove', event => {
    if (held === svg) move(event);
  });
  for (const end of ['pointerup', 'pointercancel']) {
    svg.addEventListener(end, () => {
      if (held === svg) {
        held = null;
        send();
      }
    });
  }
};
drag(spread, event => {
  const { x } = GE.at(event, spread);
  moveTo(back(Math.max(SIDE, Math.min(width - SIDE, x))));
});
drag(roc, event => {
  const { x, width: edge } = GE.at(event, roc);
  moveTo(limitOf(Math.max(0, Math.min(1, (x - 34) / (edge - 40)))));
});
spread.addEventListener('keydown', event => {
  const step = event.shiftKey ? 0.05 : 0.005;
  const to = {
    ArrowRight: alarm - step,
    ArrowUp: alarm - step,
    ArrowLeft: alarm + step,
    ArrowDown: alarm + step,
    Home: 1,
    End: 0,
  }[event.key];
  if (to === undefined || !value) return;
  event.preventDefault();
  moveTo(limitOf(Math.max(0, Math.min(1, to))));
  send();
});
select.onchange = () => {
  against = select.value;
  range();
  paint();
  dress();
  send();
};

const dress = () => {
  select.replaceChildren(
    ...sets.slice(1).map(set => {
      const option = document.createElement('option');
      option.value = set.key;
      option.textContent = set.name;
      option.selected = set.key === against;
      return option;
    }),
  );
  chips.replaceChildren(
    ...sets.map(set => {
      const chip = document.createElement('button'),
        always = set === own() || set.key === against;
      chip.type = 'button';
      chip.style.setProperty('--ink', set.ink);
      chip.setAttribute('aria-pressed', always || shown.has(set.key));
      chip.append(document.createElement('i'), set.name);
      chip.onclick = () => {
        if (always) return;
        if (!shown.delete(set.key)) shown.add(set.key);
        chip.setAttribute('aria-pressed', shown.has(set.key));
        range();
        paint();
      };
      return chip;
    }),
  );
};
const show = () => {
  value = props.value?.sets?.length ? props.value : null;
  element.classList.toggle('empty', !value);
  element.style.minHeight = SETUP.tall + 130 + 'px';
  if (!value) {
    said.textContent = props.value?.note ?? '\u00a0';
    return;
  }
  if (run !== value.run) {
    sets = value.sets.map((set, k) => ({
      ...set,
      values: GE.floats(set.values).sort(),
      ink: GE.ink(SETUP.palette, k),
    }));
    if (run === null || value.shown) shown = new Set(value.shown ?? []);
    run = value.run;
    limit = null;
  }
  const known = sets.slice(1).map(set => set.key);
  if (!known.includes(against))
    against = known.includes(value.against) ? value.against : (known[0] ?? '');
  if (limit === null) limit = limitOf(alarm);
  const [title, note] = spread.previousElementSibling.children;
  title.textContent = value.title;

  range();
  note.textContent =
    value.note ||
    `each curve as high as its peak${bent ? '; the axis is logarithmic far out' : ''}`;
  dress();
  paint();
};

$('.save').onclick = () => {
  const set = other(),
    versus = set ? `, against ${set.name}: AUROC ${set.area.toFixed(3)}` : '';
  const file = value.file ?? 'scores.png';
  GE.saveFigure($('.both'), [spread, roc], value.title + versus, said, file);
};
// A threshold and a set that came with a link.
GE.on(element, 'ge:row-given', event => {
  if (event.detail.rows !== SETUP.choice || !event.detail.picked) return;
  const [wanted, key] = event.detail.picked.split('~');
  if (value && +wanted === +share(own().values, limit).toFixed(4) && key === against) return;
  alarm = +wanted;
  against = key;
  if (value) {
    limit = null;
    show();
  }
});
new ResizeObserver(paint).observe(element);
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:row-ask', { detail: SETUP.choice }));
