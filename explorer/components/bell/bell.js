const svg = element.querySelector('svg'),
  words = element.querySelector('figcaption');
// The density's largest value on screen: the curve's own is 0.4.
let TOP = 0.56,
  playhead = 0;
const make = GE.svg;
const show = () => {
  const moments = props.value?.moments;
  const v = moments ? moments[Math.min(playhead, moments.length - 1)] : props.value;
  const parts = [];
  TOP = Math.max(0.44, ...(v?.density ?? []).map(d => 1.06 * d));
  svg.setAttribute('viewBox', `-4 ${-TOP} 8 ${TOP}`);
  if (v?.density) {
    const width = 8 / v.density.length;
    const path = v.density.map((d, i) => `M${-4 + i * width} 0v${-d}h${0.94 * width}V0z`).join('');
    parts.push(make('path', { class: 'bars', d: path }));
  }
  const curve = Array.from({ length: 81 }, (_, i) => -4 + i / 10)
    .map(x => `${x} ${-Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)}`)
    .join('L');
  parts.push(make('path', { class: 'curve', d: 'M' + curve }));
  svg.replaceChildren(...parts);
  words.textContent = v?.note || '\u00a0';
  svg.setAttribute(
    'aria-label',
    v?.density ? 'Histogram of the noise against the normal curve. ' + v.note : 'The normal curve',
  );
};
if (props.follows) {
  GE.on(element, 'ge:film', e => {
    if (e.detail.id !== props.follows || (e.detail.at === playhead && e.detail.n)) return;
    playhead = e.detail.at;
    show();
  });
  document.dispatchEvent(new CustomEvent('ge:film-ask', { detail: props.follows }));
}
watch('value', show);
show();
