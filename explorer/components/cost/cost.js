const body = element.querySelector('tbody'),
  against = element.querySelector('.against'),
  svg = element.querySelector('svg');
const LEFT = 52,
  RIGHT = 466,
  TOP = 12,
  FOOT = 214;
// The chart's room, in powers of ten: 1 to 200 evaluations, 0.1 to 100 per cent.
const X = [Math.log10(0.8), Math.log10(250)],
  Y = [-3.3, 0];
let rows = [],
  lines = [],
  about = null;

const make = (tag, set, text) => GE.svg(tag, set, null, text);
const x = n =>
  LEFT + ((Math.min(X[1], Math.max(X[0], Math.log10(n))) - X[0]) / (X[1] - X[0])) * (RIGHT - LEFT);
const y = e =>
  FOOT -
  ((Math.min(Y[1], Math.max(Y[0], Math.log10(Math.max(e, 1e-9)))) - Y[0]) / (Y[1] - Y[0])) *
    (FOOT - TOP);
const percent = e => (100 * e).toFixed(e < 0.0095 ? 2 : 1) + ' %';

const table = () => {
  body.replaceChildren(
    ...rows.map((row, k) => {
      const tr = document.createElement('tr'),
        number = document.createElement('b'),
        name = document.createElement('td');
      number.textContent = k + 1;
      name.append(number, `${row.name}, ${row.steps} ${row.steps === 1 ? 'step' : 'steps'}`);
      const cell = text => {
        const td = document.createElement('td');
        td.textContent = text;
        return td;
      };
      const difference = cell(row.difference === undefined ? '…' : percent(row.difference));
      if (row.own_way) {
        difference.className = 'own-way';
        difference.title =
          'Another picture, not an error: this sampler adds fresh noise on its way.';
        difference.textContent += ' *';
      }
      tr.append(
        name,
        cell(row.evaluations ?? '…'),
        cell(row.seconds === undefined ? '…' : row.seconds.toFixed(2)),
        difference,
      );
      return tr;
    }),
  );
};
const chart = () => {
  const parts = [];
  for (const n of [1, 2, 5, 10, 20, 50, 100, 200])
    parts.push(
      make('line', { class: 'grid', x1: x(n), x2: x(n), y1: TOP, y2: FOOT }),
      make('text', { class: 'tick', x: x(n), y: FOOT + 17, 'text-anchor': 'middle' }, n),
    );
  for (const e of [0.001, 0.01, 0.1, 1])
    parts.push(
      make('line', { class: 'grid', x1: LEFT, x2: RIGHT, y1: y(e), y2: y(e) }),
      make(
        'text',
        { class: 'tick', x: LEFT - 7, y: y(e) + 4, 'text-anchor': 'end' },
        (100 * e).toPrecision(1) * 1 + ' %',
      ),
    );
  parts.push(
    make(
      'text',
      { class: 'axis', x: (LEFT + RIGHT) / 2, y: FOOT + 36, 'text-anchor': 'middle' },
      'evaluations of the network',
    ),
    make(
      'text',
      {
        class: 'axis',
        x: 13,
        y: (TOP + FOOT) / 2,
        'text-anchor': 'middle',
        transform: `rotate(-90 13 ${(TOP + FOOT) / 2})`,
      },
      'difference',
    ),
  );
  lines.forEach((line, k) => {
    const colour = props.colours[k % props.colours.length];
    parts.push(
      make('path', {
        class: 'line',
        stroke: colour,
        d: 'M' + line.points.map(([n, e]) => `${x(n)} ${y(e)}`).join('L'),
      }),
    );
    for (const [n, e] of line.points)
      parts.push(make('circle', { cx: x(n), cy: y(e), r: 4, fill: colour }));
  });
  rows.forEach((row, k) => {
    if (row.difference === undefined) return;
    const at = { x: x(row.evaluations), y: y(row.difference) },
      hollow = row.own_way ? '-hollow' : '';
    parts.push(
      make('circle', { class: 'dot' + hollow, cx: at.x, cy: at.y, r: 10 }),
      make('text', { class: 'number' + hollow, x: at.x, y: at.y + 4.5 }, k + 1),
    );
  });
  // A legend in the free corner: errors are large at few evaluations, so the upper right is empty.
  lines.forEach((line, k) => {
    const colour = props.colours[k % props.colours.length],
      top = TOP + 8 + 20 * k;
    const words =
      line.order === undefined ? line.name : `${line.name}: order ${line.order.toFixed(1)}`;
    parts.push(
      make('rect', { x: RIGHT - 206, y: top - 2, width: 18, height: 4, fill: colour }),
      make('text', { x: RIGHT - 180, y: top + 5 }, words),
    );
  });
  svg.replaceChildren(...parts);
  const told = rows
    .filter(r => r.difference !== undefined)
    .map(r => `${r.name}: ${percent(r.difference)} at ${r.evaluations} evaluations`);
  svg.setAttribute(
    'aria-label',
    'Difference from the reference over evaluations of the network. ' + told.join('; '),
  );
};
const show = () => {
  const v = props.value;
  if (!v) {
    table();
    chart();
    return;
  }
  if (v.about !== about) lines = [];
  about = v.about;
  if (v.lines) lines = v.lines;
  if (v.rows) {
    rows = v.rows;
    against.textContent = !v.reference
      ? '\u00a0'
      : `Difference: root mean square, from the same noise by ${v.reference}.` +
        (rows.some(r => r.own_way)
          ? ' * Another picture, not an error: fresh noise on the way.'
          : '');
    table();
  }
  chart();
};
watch('value', show);
show();
