// Cards of models, which stay in their places while pictures come.
const box = element.querySelector('.groups');
box.setAttribute('aria-label', props.label);
let value = null, cards = new Map(), groups = new Map();

const make = (kind, parent, name, text) => {
  const node = document.createElement(kind);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
};
const makeGroup = () => {
  const section = make('section');
  const title = make('h3', section), note = make('p', section, 'note');
  return { section, title, note, cards: make('div', section, 'cards') };
};
const makeCard = key => {
  const node = make('article', null, 'card'), button = make('button', make('h4', node));
  node.dataset.key = key;
  button.type = 'button';
  button.title = 'Choose this model';
  button.onclick = () => GE.choose(key);
  const card = { node, button, pictures: make('div', node, 'pictures'), lines: null };
  card.bars = GE.svg('svg', { class: 'bars', 'aria-hidden': true }, node);
  card.lines = make('ul', node, 'lines');
  return card;
};
const fill = (card, data) => {
  card.node.dataset.state = data.state;
  card.node.classList.toggle('on', !!data.on);
  card.button.textContent = data.title;
  card.button.setAttribute('aria-pressed', !!data.on);
  const sprite = GE.unpack(data.sprite), n = sprite ? sprite.n : data.places;
  while (card.pictures.children.length > n) card.pictures.lastChild.remove();
  while (card.pictures.children.length < n) {
    make('canvas', card.pictures).setAttribute('role', 'img');
  }
  [...card.pictures.children].forEach((canvas, k) => {
    const words = data.names[k] ?? `picture ${k + 1}`;
    canvas.setAttribute('aria-label', `${data.title}, ${sprite ? words : 'to come'}`);
    canvas.title = sprite && data.names[k] ? data.names[k] : '';
    canvas.classList.toggle('marked', data.marked.includes(k));
    if (sprite) GE.draw(canvas, sprite, k);
    else canvas.width = value.w, canvas.height = value.h;
  });
  card.pictures.hidden = !n;
  card.bars.style.display = data.code ? '' : 'none';
  if (data.code) GE.bars(card.bars, data.code);
  card.lines.replaceChildren(...data.lines.map(text => make('li', null, '', text)));
};
// What stands where it did is not moved: a button keeps the focus.
const fit = (parent, nodes) => {
  const now = [...parent.children];
  if (now.length !== nodes.length || now.some((node, k) => node !== nodes[k])) {
    parent.replaceChildren(...nodes);
  }
};
const layout = () => {
  const room = element.clientWidth;
  if (!value || !room) return;
  const GAP = 4, across = value.across, first = box.querySelector('.card');
  if (!first) return;
  const inner = first.clientWidth - 2 - (across - 1) * GAP;
  const each = Math.min(props.room, inner / across), crisp = GE.crisp(value.w, each);
  // Where whole pixels would waste a fifth of the room, a few uneven ones do less harm.
  const side = crisp > 0.8 * each ? crisp : Math.floor(each);
  box.style.setProperty('--side', side + 'px');
  box.style.setProperty('--tall', side * value.h / value.w + 'px');
};
const show = () => {
  value = props.value?.groups ? props.value : null;
  element.style.minHeight = value ? '' : props.expected + 'px';
  if (!value) { box.replaceChildren(); return; }
  box.style.setProperty('--across', value.across);
  box.classList.toggle('wide', !!value.wide);
  const kept = new Set(), wanted = value.groups.map((data, g) => {
    const group = groups.get(g) ?? makeGroup();
    groups.set(g, group);
    group.title.textContent = data.name;
    group.title.hidden = !data.name;
    group.note.textContent = data.note ?? '';
    group.note.hidden = !data.note;
    const nodes = data.cards.map(each => {
      const card = cards.get(each.key) ?? makeCard(each.key);
      cards.set(each.key, card);
      kept.add(each.key);
      fill(card, each);
      return card.node;
    });
    fit(group.cards, nodes);
    return group.section;
  });
  for (const key of [...cards.keys()]) if (!kept.has(key)) cards.delete(key);
  fit(box, wanted);
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
