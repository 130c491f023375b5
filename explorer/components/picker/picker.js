const box = element.querySelector('.cards'),
  said = element.querySelector('.chosen');
GE.models = props.models;
GE.needs = props.needs;
GE.parts = props.parts;
GE.words = props.words;
GE.prepared = props.prepared;
GE.firstTab = Object.keys(props.needs)[0];
GE.current = props.value;
GE.tab = GE.tab || GE.firstTab;
const first = props.value;

const makeCard = model => {
  const card = document.createElement('button');
  card.type = 'button';
  card.setAttribute('role', 'radio');
  card.dataset.name = model.name;
  card.dataset.data = model.name.includes('~') ? 'Yours' : model.data;
  card.title = `${model.title}: ${model.about}`;
  if (model.thumb) {
    const image = new Image();
    image.src = model.thumb;
    image.alt = '';
    card.append(image);
  }
  const title = document.createElement('b');
  title.textContent = model.short;
  card.append(title);
  card.onclick = () => GE.choose(model.name);
  box.append(card);
  return card;
};
const cards = props.models.map(makeCard);
// The name of a data set before the first of its models.
const group = () => {
  box.querySelectorAll('.group').forEach(label => label.remove());
  let last = null;
  for (const card of cards) {
    if (card.dataset.data !== last) {
      const label = document.createElement('span');
      label.className = 'group';
      label.textContent = last = card.dataset.data;
      label.setAttribute('aria-hidden', true);
      card.before(label);
    }
  }
};
if (!cards.length) box.textContent = 'No models found.';

const paint = () => {
  const needs = props.needs[GE.tab] ?? [];
  for (const card of cards) {
    const on = card.dataset.name === GE.current;
    const model = GE.models.find(m => m.name === card.dataset.name);
    card.setAttribute('aria-checked', on);
    card.tabIndex = on ? 0 : -1;
    // Still to be chosen: the tab then says what the model lacks.
    card.classList.toggle('unable', !needs.every(need => model.capabilities.includes(need)));
    if (on)
      said.replaceChildren(
        Object.assign(document.createElement('b'), { textContent: model.title }),
        ` ${model.about} `,
        Object.assign(document.createElement('span'), { textContent: model.facts }),
      );
    if (on) {
      const over = card.offsetLeft + card.offsetWidth - box.offsetLeft - box.clientWidth;
      box.scrollLeft = Math.max(over, Math.min(box.scrollLeft, card.offsetLeft - box.offsetLeft));
    }
  }
  document.dispatchEvent(new CustomEvent('ge:model', { detail: GE.current }));
};
const take = () => {
  paint();
  // The name of one's own model is the key to it: it does not go into an address to share.
  GE.put('model', GE.current.includes('~') ? first : GE.current, first, true);
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
// Models of this visitor alone, which stand first; those of before that are not among them go.
GE.own = models => {
  const theirs = name => name.includes('~'),
    now = models.map(model => model.name);
  for (const card of cards.filter(c => theirs(c.dataset.name) && !now.includes(c.dataset.name))) {
    cards.splice(cards.indexOf(card), 1);
    card.remove();
  }
  GE.models = GE.models.filter(model => !theirs(model.name) || now.includes(model.name));
  for (const model of models) {
    if (GE.models.some(known => known.name === model.name)) continue;
    if (!GE.models.length) box.replaceChildren();
    GE.models = [model, ...GE.models];
    const card = makeCard(model);
    cards.unshift(card);
    box.prepend(card);
  }
  group();
  if (!GE.models.some(model => model.name === GE.current) && GE.models.length)
    GE.choose(GE.models[0].name);
  else {
    paint();
    GE.gate();
  }
};
watch('value', () => {
  GE.current = props.value;
  paint();
});
box.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = cards.findIndex(card => card.dataset.name === GE.current);
  const next = cards[(at + step + cards.length) % cards.length];
  next.focus();
  GE.choose(next.dataset.name);
});
document.addEventListener('ge:tab', paint);
group();
paint();
GE.gate();
