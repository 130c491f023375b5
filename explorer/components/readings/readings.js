const list = element.querySelector('dl');
let at = 0,
  cells = [];
const paint = () =>
  cells.forEach(({ cell, values }) => {
    cell.textContent = values[Math.min(at, values.length - 1)] ?? '–';
  });
const show = () => {
  cells = (props.value?.items ?? []).map(({ name, values }) => {
    const pair = document.createElement('div'),
      term = document.createElement('dt');
    const cell = document.createElement('dd');
    term.textContent = name;
    pair.append(term, cell);
    return { pair, cell, values };
  });
  list.replaceChildren(...cells.map(c => c.pair));
  paint();
};
GE.on(element, 'ge:film', e => {
  if (e.detail.id !== props.follows) return;
  at = e.detail.at;
  paint();
});
document.dispatchEvent(new CustomEvent('ge:film-ask', { detail: props.follows }));
watch('value', show);
show();
