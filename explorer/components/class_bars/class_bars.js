const box = element.querySelector('.runs');
const ROW = 18,
  NAMES = 7,
  AFTER = 44;
let figures = [],
  playhead = 0;

const makeFigure = () => {
  const figure = document.createElement('figure');
  figure.innerHTML = '<figcaption><b></b><span></span></figcaption><p></p>';
  const svg = GE.svg('svg', { role: 'img' }, figure);
  box.append(figure);
  return {
    figure,
    svg,
    name: figure.querySelector('b'),
    said: figure.querySelector('span'),
    note: figure.querySelector('p'),
  };
};
const draw = ({ svg, name, said, note }, run) => {
  name.textContent = run.name;
  note.textContent = run.note;
  svg.replaceChildren();
  svg.style.height = run.note ? 0 : ROW * run.classes.length + 4 + 'px';
  said.textContent = '';
  const width = svg.clientWidth;
  if (run.note || !width) return;
  const t = Math.min(playhead, run.read.length - 1),
    read = run.read[t],
    sure = run.sure[t],
    K = read.length;
  const found = sure.filter(count => count >= run.least).length;
  said.textContent = `${found} of ${K} classes found`;
  said.title = run.found;
  const left = NAMES * Math.max(...run.classes.map(c => c.length)) + 10,
    room = width - left - AFTER;
  // One scale for the whole film, so that bars grow and shrink.
  const most = Math.max(...run.read.flat(), 1),
    across = count => (count / most) * room;
  svg.setAttribute('viewBox', `0 0 ${width} ${ROW * K + 4}`);
  svg.setAttribute(
    'aria-label',
    `${run.name}: ${said.textContent}. ` + run.classes.map((c, k) => `${c}: ${read[k]}`).join(', '),
  );
  run.classes.forEach((c, k) => {
    const y = k * ROW + 2,
      off = sure[k] < run.least ? ' off' : '';
    GE.svg('text', { x: left - 8, y: y + 12, class: 'name' + off, 'text-anchor': 'end' }, svg, c);
    GE.svg('rect', { x: left, y, width: across(read[k]), height: ROW - 5, class: 'read' }, svg);
    GE.svg('rect', { x: left, y, width: across(sure[k]), height: ROW - 5, class: 'sure' }, svg);
    GE.svg(
      'text',
      { x: width, y: y + 12, class: 'share', 'text-anchor': 'end' },
      svg,
      ((100 * read[k]) / run.n).toFixed(read[k] && read[k] < 0.01 * run.n ? 1 : 0) + ' %',
    );
  });
  const fair = left + across(run.n / K);
  GE.svg('line', { x1: fair, x2: fair, y1: 0, y2: ROW * K + 2, class: 'fair' }, svg);
};
const show = () => {
  const runs = props.value?.runs ?? [];
  while (figures.length < runs.length) figures.push(makeFigure());
  while (figures.length > runs.length) figures.pop().figure.remove();
  runs.forEach((run, k) => draw(figures[k], run));
};
GE.on(element, 'ge:film', e => {
  if (e.detail.id !== props.follows || e.detail.at === playhead) return;
  playhead = e.detail.at;
  show();
});
document.dispatchEvent(new CustomEvent('ge:film-ask', { detail: props.follows }));
new ResizeObserver(show).observe(element);
watch('value', show);
show();
