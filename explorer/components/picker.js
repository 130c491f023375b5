const box = element.querySelector('.cards');
GE.models = props.models;
GE.needs = props.needs;
GE.parts = props.parts;
GE.words = props.words;
GE.prepared = props.prepared;
GE.firstTab = Object.keys(props.needs)[0];
GE.current = props.value;
GE.tab = GE.tab || GE.firstTab;
const first = props.value;

const cards = props.models.map(model => {
  const card = document.createElement('button');
  card.type = 'button';
  card.setAttribute('role', 'radio');
  card.dataset.name = model.name;
  card.title = model.about;
  if (model.thumb) {
    const image = new Image();
    image.src = model.thumb;
    image.alt = '';
    card.append(image);
  }
  const words = document.createElement('span');
  const title = document.createElement('b'), facts = document.createElement('small');
  title.textContent = model.title;
  facts.textContent = model.facts;
  words.append(title, facts);
  card.append(words);
  card.onclick = () => GE.choose(model.name);
  box.append(card);
  return card;
});
if (!cards.length) box.textContent = 'No models found.';

const paint = () => {
  for (const card of cards) {
    const on = card.dataset.name === GE.current;
    card.setAttribute('aria-checked', on);
    card.tabIndex = on ? 0 : -1;
    if (on) {
      const over = card.offsetLeft + card.offsetWidth - box.offsetLeft - box.clientWidth;
      box.scrollLeft = Math.max(over, Math.min(box.scrollLeft, card.offsetLeft - box.offsetLeft));
    }
  }
  document.dispatchEvent(new CustomEvent('ge:model', { detail: GE.current }));
};
const take = () => {
  paint();
  GE.put('model', GE.current, first);
  GE.gate();
  GE.show();
};
GE.choose = name => {
  if (name === GE.current) return;
  props.value = name;
  GE.current = name;
  take();
};
GE.wake = place => {
  const event = 'show_' + place;
  if (EVENTS.includes(event)) trigger(event);
};
watch('value', () => { GE.current = props.value; paint(); });
box.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = cards.findIndex(card => card.dataset.name === GE.current);
  const next = cards[(at + step + cards.length) % cards.length];
  next.focus();
  GE.choose(next.dataset.name);
});
paint();
GE.gate();
