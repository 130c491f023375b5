const box = element.querySelector('.rows');
box.setAttribute('aria-label', SETUP.label);
const make = (tag, kind, parent, text) => {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text != null) node.textContent = text;
  parent.append(node);
  return node;
};
const show = () => {
  const rows = props.value?.rows ?? [],
    numbers = rows.map(row => row.value);
  const low = Math.min(0, ...numbers),
    room = Math.max(0, ...numbers) - low || 1,
    part = v => (100 * v) / room + '%';
  box.replaceChildren();
  rows.forEach(({ name, value, text }, k) => {
    const row = make('div', k === props.value.chosen ? 'row chosen' : 'row', box);
    row.setAttribute('role', 'listitem');
    make('span', 'name', row, name);
    const track = make('span', 'track', row),
      bar = make('i', '', track);
    bar.style.left = part(Math.min(0, value) - low);
    bar.style.width = part(Math.abs(value));
    make('u', '', track).style.left = part(-low);
    make('span', 'number', row, text);
  });
};
watch('value', show);
show();
