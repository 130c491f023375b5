const row = element.querySelector('.row'),
  style = element.querySelector('style');
const buttons = props.parts.map(({ key, title }) => {
  const b = document.createElement('button');
  b.type = 'button';
  b.setAttribute('role', 'tab');
  b.dataset.part = key;
  b.textContent = title;
  b.onclick = () => GE.choosePart(props.tab, key);
  row.append(b);
  return b;
});
const show = () => {
  const part = GE.partOf(props.tab);
  const others = `.ge-part-of-${props.tab}:not(#${props.tab}-${part})`;
  style.textContent = `${others} { display: none !important; }`;
  for (const b of buttons) {
    const on = b.dataset.part === part;
    b.setAttribute('aria-selected', on);
    b.tabIndex = on ? 0 : -1;
    if (on) row.scrollLeft = Math.max(0, b.offsetLeft + b.offsetWidth - row.clientWidth);
  }
};
// Where nobody chose a part, the model does: the first that it can serve.
for (const event of ['ge:model', 'ge:tab']) document.addEventListener(event, show);
document.addEventListener('ge:part', event => {
  if (event.detail.tab === props.tab) show();
});
show();
