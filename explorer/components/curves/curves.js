const box = element.querySelector('.plots'),
  legend = element.querySelector('.legend');
const LEFT = 40,
  RIGHT = 10,
  TOP = 8,
  FOOT = 22;
let plots = [],
  playhead = null;

const make = GE.svg;
// 1, 10, 100 ... between two powers of ten; 2 and 5 as well where those are few.
const decades = (low, high) => {
  const found = [];
  for (let p = Math.floor(low); p <= high; p++) {
    for (const s of high - low < 2 ? [1, 2, 5] : [1]) {
      const v = s * 10 ** p;
      if (Math.log10(v) >= low - 1e-9 && Math.log10(v) <= high + 1e-9) found.push(v);
    }
  }
  return found;
};
const words = v => {
  if (v == null) return '–';
  const size = Math.abs(v);
  const text =
    size === 0
      ? '0'
      : size >= 100
        ? v.toFixed(0)
        : size >= 10
          ? v.toFixed(1)
          : size >= 1
            ? v.toFixed(2)
            : size >= 0.001
              ? v.toFixed(3)
              : v.toExponential(1);
  return text.replace('-', '−');
};
const round = v => String(+v.toPrecision(6)).replace('-', '−');

const raised = v => [...String(v)].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]).join('');
const power = v => (v >= -3 ? round(10 ** v) : '10⁻' + raised(-v));

const makePlot = () => {
  const figure = document.createElement('figure');
  figure.innerHTML = '<figcaption><b></b> <span></span></figcaption>';
  const svg = make('svg', { role: 'img', tabindex: 0 }, figure);
  const said = document.createElement('p');
  said.setAttribute('aria-live', 'polite');
  figure.append(said);
  box.append(figure);
  const plot = {
    figure,
    svg,
    said,
    title: figure.querySelector('b'),
    note: figure.querySelector('span'),
    pointed: null,
  };
  const nearest = event => {
    const at = GE.at(event, svg),
      { data, low, high } = plot;
    const x = low + ((at.x - LEFT) / (at.width - LEFT - RIGHT)) * (high - low);
    const off = k => Math.abs(plot.along(data.x[k]) - x);
    let best = 0;
    data.x.forEach((_, k) => {
      if (off(k) < off(best)) best = k;
    });
    return best;
  };
  const point = k => {
    plot.pointed = k;
    // The same place in all plots that have it: they share their x.
    for (const other of plots) {
      if (other !== plot)
        other.pointed = k != null && other.data.x.length === plot.data.x.length ? k : null;
      mark(other);
    }
  };
  const seek = k =>
    SETUP.follows &&
    document.dispatchEvent(
      new CustomEvent('ge:film-seek', { detail: { id: SETUP.follows, at: k } }),
    );
  svg.onpointermove = event => {
    if (!plot.data?.x.length) return;
    point(nearest(event));
    if (event.buttons & 1) seek(plot.pointed);
  };
  svg.onpointerleave = () => point(null);
  svg.onpointerdown = event => {
    if (plot.data?.x.length && !event.button) seek(nearest(event));
  };
  svg.onblur = () => point(null);
  svg.onkeydown = event => {
    const last = (plot.data?.x.length ?? 0) - 1,
      at = plot.pointed ?? playhead ?? 0;
    const step = Math.max(1, Math.round(last / 40));
    const to = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const k = Math.max(0, Math.min(last, to));
    point(k);
    seek(k);
  };
  return plot;
};

// The rule, a dot on each line, and the numbers there.
const mark = plot => {
  const { data, said } = plot,
    k = plot.pointed ?? playhead;
  plot.over?.replaceChildren();
  // A chart that is not laid out yet has no places to mark.
  if (!data || !plot.across || k == null || k >= data.x.length) {
    said.textContent = '\u00a0';
    return;
  }
  const x = plot.across(data.x[k]),
    chosen = props.value.chosen ?? 0;
  make('line', { class: 'rule', x1: x, x2: x, y1: TOP, y2: plot.height - FOOT }, plot.over);
  const texts = [];
  data.lines.forEach((line, i) => {
    if (line.y[k] == null || line.thin) return;
    make(
      'circle',
      {
        class: i === chosen ? 'dot on' : 'dot',
        cx: x,
        cy: plot.down(line.y[k]),
        r: i === chosen ? 4.5 : 3,
      },
      plot.over,
    );
    const one = document.createElement(i === chosen ? 'b' : 'span');
    one.textContent =
      (data.lines.length > 1 && line.name ? line.name + ' ' : '') +
      words(line.y[k]) +
      (data.unit ? '\u00a0' + data.unit : '');
    texts.push(one);
  });
  const place = data.x[k];
  said.replaceChildren(`${data.x_name} = ${Number.isInteger(place) ? place : words(place)}: `);
  texts.forEach((one, i) => said.append(i ? ' · ' : '', one));
};
const draw = plot => {
  const { svg, data } = plot,
    width = svg.clientWidth,
    height = SETUP.tall;
  svg.replaceChildren();
  svg.style.height = height + 'px';
  if (!width || !data) return;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const scale = data.log ? Math.log10 : v => v;
  const ys = data.lines
    .flatMap(line => line.y)
    .filter(v => v != null)
    .map(scale);
  plot.along = data.log_x ? Math.log10 : v => v;
  const [low, high] = (data.range ?? [Math.min(...data.x), Math.max(...data.x)]).map(plot.along);
  let bottom = data.log
    ? Math.floor(Math.min(0, ...ys))
    : data.fit
      ? Math.min(...ys)
      : Math.min(0, ...ys);
  let top = Math.max(bottom + 1e-9, ...ys);
  const room = 0.04 * (top - bottom);
  if ((bottom < 0 || data.fit) && !data.log) bottom -= room;
  top += room;
  Object.assign(plot, { low, high, height });
  plot.across = v => LEFT + ((plot.along(v) - low) / (high - low || 1)) * (width - LEFT - RIGHT);
  const rise = v => height - FOOT - ((v - bottom) / (top - bottom)) * (height - FOOT - TOP);
  plot.down = v => rise(scale(v));
  const axes = make('g', { class: 'axes' }, svg);
  const heights = data.log
    ? GE.ticks(bottom, top, top - bottom)
    : GE.ticks(bottom, top, height > 180 ? 5 : 4);
  for (const v of heights) {
    make('line', { x1: LEFT, x2: width - RIGHT, y1: rise(v), y2: rise(v) }, axes);
    make('text', { x: LEFT - 6, y: rise(v) + 4, 'text-anchor': 'end' }, axes).textContent = data.log
      ? power(v)
      : round(v);
  }
  const marks = data.log_x
    ? decades(low, high)
    : GE.ticks(low, high, width > 420 ? 10 : 5, data.x.every(Number.isInteger));
  const last = data.log_x ? null : high;
  for (const v of marks) {
    if (width - RIGHT - plot.across(v) < 26 && v !== last) continue;
    // The first has words before it.
    if (v !== marks[0] && plot.across(v) - plot.across(marks[0]) < 44) continue;
    make(
      'text',
      { x: plot.across(v), y: height - 6, 'text-anchor': v === last ? 'end' : 'middle' },
      axes,
    ).textContent = v === marks[0] ? `${data.x_name} = ${round(v)}` : round(v);
  }
  const chosen = props.value.chosen ?? 0;
  const order = data.lines
    .map((_, i) => i)
    .filter(i => i !== chosen)
    .concat(chosen);
  for (const i of order) {
    const line = data.lines[i];
    if (!line) continue;
    let path = '',
      pen = 'M';
    line.y.forEach((v, k) => {
      if (v == null) {
        pen = 'M';
        return;
      }
      path += `${pen}${plot.across(data.x[k]).toFixed(1)} ${plot.down(v).toFixed(1)}`;
      pen = 'L';
    });
    const kind = i === chosen ? 'on' : line.thin ? 'thin' : `other k${i}`;
    make('path', { d: path, class: `line ${kind}` }, svg);
    if (i === chosen && data.x.length <= 40 && SETUP.follows) {
      line.y.forEach(
        (v, k) =>
          v != null &&
          make(
            'circle',
            {
              class: 'point',
              cx: plot.across(data.x[k]),
              cy: plot.down(v),
              r: 2,
            },
            svg,
          ),
      );
    }
  }
  plot.over = make('g', {}, svg);
  mark(plot);
};
const show = () => {
  const given = props.value?.plots ?? [];
  legend.replaceChildren(
    ...(props.value?.legend ? (given[0]?.lines ?? []) : []).map((line, i) => {
      const item = document.createElement('li'),
        sample = make('svg', { viewBox: '0 0 34 10' });
      const on = i === (props.value.chosen ?? 0);
      make('path', { d: 'M0 5H34', class: on ? 'line on' : `line other k${i}` }, sample);
      item.append(sample, line.name);
      item.classList.toggle('on', on);
      return item;
    }),
  );
  while (plots.length < given.length) plots.push(makePlot());
  while (plots.length > given.length) plots.pop().figure.remove();
  given.forEach((data, i) => {
    const plot = plots[i];
    plot.data = data.x.length ? data : null;
    plot.pointed = null;
    plot.said.style.minHeight = data.lines.filter(line => !line.thin).length > 1 ? '36px' : '';
    plot.title.textContent = data.title;
    plot.note.textContent = data.note ?? '';
    const names = data.lines.map(l => l.name).filter(Boolean);
    plot.svg.setAttribute('aria-label', `${data.title}: ${names.join(', ')}`);
    draw(plot);
  });
};
box.style.setProperty('--least', SETUP.wide + 'px');
box.style.minHeight = SETUP.tall + 44 + 'px';
new ResizeObserver(() => plots.forEach(draw)).observe(element);
if (SETUP.follows) {
  GE.on(element, 'ge:film', e => {
    if (e.detail.id !== SETUP.follows) return;
    playhead = e.detail.n ? e.detail.at : null;
    plots.forEach(mark);
  });
  document.dispatchEvent(new CustomEvent('ge:film-ask', { detail: SETUP.follows }));
}
watch('value', show);
show();
