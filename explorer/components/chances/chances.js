const box = element.querySelector('.panels');
box.setAttribute('aria-label', props.label);
let panels = [],
  value = null,
  at = null;
const FOOT = 20;

const make = GE.svg;
const percent = p =>
  (p >= 0.0995
    ? (100 * p).toFixed(0)
    : p >= 0.00095
      ? (100 * p).toFixed(1)
      : p > 0
        ? 'below 0.1'
        : '0') + '\u00a0%';
const named = k => value.names?.[k] ?? `level ${k}`;
const tell = panel => {
  const p = panel.data.p,
    k = at ?? value.there ?? p.indexOf(Math.max(...p));
  const there = k === value.there ? ', as in the picture' : '';
  panel.said.textContent = `${named(k)}: ${percent(p[k])}${there}`;
  for (const [i, bar] of panel.bars.entries()) bar.classList.toggle('at', i === at);
};
const draw = panel => {
  const { svg, data } = panel,
    width = svg.clientWidth,
    height = props.tall,
    n = data.p.length;
  svg.replaceChildren();
  svg.style.height = height + 'px';
  if (!width) return;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const highest = Math.max(...value.panels.flatMap(other => other.p)),
    few = n <= 8;
  const step = few ? Math.min(96, width / n) : width / n,
    gap = few ? 0.3 * step : n <= 64 ? 0.15 * step : 0;
  const top = few ? 20 : 4,
    room = height - FOOT - top;
  panel.step = step;
  panel.bars = data.p.map((p, k) => {
    const tall = Math.max(p > 0 ? 1 : 0, (p / highest) * room);
    return make(
      'rect',
      {
        class: k === value.there ? 'there' : '',
        x: k * step + gap / 2,
        width: Math.max(0.6, step - gap),
        y: height - FOOT - tall,
        height: tall,
      },
      svg,
    );
  });
  make('line', { x1: 0, x2: few ? n * step : width, y1: height - FOOT, y2: height - FOOT }, svg);
  data.p.forEach((p, k) => {
    if (!few && k % Math.ceil(n / 4) && k !== n - 1) return;
    if (!few && k !== n - 1 && n - 1 - k < n / 8) return;
    const anchor = few ? 'middle' : k === 0 ? 'start' : k === n - 1 ? 'end' : 'middle';
    const x = few ? (k + 0.5) * step : k === 0 ? 0 : k === n - 1 ? width : (k + 0.5) * step;
    make('text', { x, y: height - 5, 'text-anchor': anchor }, svg, value.names?.[k] ?? k);
    if (few)
      make(
        'text',
        {
          class: 'number',
          x,
          y: height - FOOT - (p / highest) * room - 5,
          'text-anchor': 'middle',
        },
        svg,
        percent(p),
      );
  });
  // The level that stands in the picture, also where its bar is too low to be seen.
  if (!few && value.there != null) {
    const x = (value.there + 0.5) * step;
    make('path', { class: 'there', d: `M${x} ${height - FOOT + 1}l4 6h-8z` }, svg);
  }
  tell(panel);
};
const point = k => {
  at = k;
  panels.forEach(tell);
};
const makePanel = () => {
  const figure = document.createElement('figure');
  figure.innerHTML = '<figcaption><b></b></figcaption>';
  const svg = make('svg', { role: 'img', tabindex: 0 }, figure),
    said = document.createElement('p');
  figure.append(said);
  box.append(figure);
  const panel = { figure, svg, said, title: figure.querySelector('b'), bars: [], step: 1 };
  svg.onpointermove = event => {
    const k = Math.floor(GE.at(event, svg).x / panel.step);
    point(k >= 0 && k < panel.bars.length ? k : null);
  };
  svg.onpointerleave = () => point(null);
  svg.onblur = () => point(null);
  svg.onkeydown = event => {
    const n = panel.bars.length,
      from = at ?? value?.there ?? 0;
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: n - 1 }[event.key];
    if (to === undefined || !n) return;
    event.preventDefault();
    point(Math.max(0, Math.min(n - 1, to)));
  };
  return panel;
};
const show = () => {
  value = props.value?.panels ? props.value : null;
  const given = value?.panels ?? [];
  while (panels.length > given.length) panels.pop().figure.remove();
  while (panels.length < given.length) panels.push(makePanel());
  at = null;
  given.forEach((data, k) => {
    const panel = panels[k];
    panel.data = data;
    panel.title.textContent = data.name;
    const likeliest = data.p.indexOf(Math.max(...data.p));
    panel.svg.setAttribute(
      'aria-label',
      `${data.name}: likeliest is ${named(likeliest)}, ${percent(data.p[likeliest])}`,
    );
    draw(panel);
  });
};
box.style.minHeight = props.tall + 42 + 'px';
new ResizeObserver(() => {
  if (value) panels.forEach(draw);
}).observe(element);
watch('value', show);
show();
