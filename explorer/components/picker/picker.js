const find = selector => element.querySelector(selector);
const open = find('.open'),
  panel = find('.panel'),
  search = find('input[type=search]');
const families = find('.families'),
  list = find('.models'),
  none = find('.none');
const OWN = 'Yours',
  isOwn = model => model.name.includes('~');
Object.assign(GE, {
  models: props.models,
  needs: props.needs,
  parts: props.parts,
  able: props.able,
  titles: props.titles,
  words: props.words,
  firstTab: Object.keys(props.needs)[0],
  firstOfModels: Object.keys(props.needs).find(tab => props.needs[tab].length),
  firstModel: props.value,
  current: props.value,
});
GE.tab = GE.tab || GE.firstTab;
let family = null; // the one that is open in the panel

const make = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const familyOf = model => (isOwn(model) ? OWN : model.family);
const wordsOf = model =>
  [model.title, familyOf(model), model.data, model.about, model.facts].join(' ').toLowerCase();
const radio = (into, act) => {
  const made = make('button');
  made.type = 'button';
  made.setAttribute('role', 'radio');
  made.onclick = act;
  into.append(made);
  return made;
};

// -- the panel: families, and the models of one or those that were searched for -------------------

const makeModel = model => {
  const card = radio(list, () => {
    close(true);
    GE.choose(model.name);
  });
  card.dataset.name = model.name;
  card.title = `${model.title}: ${model.about}`;
  const image = new Image();
  image.alt = '';
  if (model.thumb) image.src = model.thumb;
  const line = make('span', '', 'line');
  line.append(make('b', model.short), make('small', model.facts));
  card.append(image, line);
  return card;
};
// The models by family in the order of their first, and by data set within it.
const build = () => {
  list.replaceChildren();
  families.replaceChildren();
  const all = [...new Set(GE.models.map(familyOf))];
  for (const title of all) {
    const models = GE.models.filter(model => familyOf(model) === title);
    const choice = radio(families, () => {
      search.value = '';
      family = title;
      filter();
    });
    choice.dataset.family = title;
    choice.append(make('span', title), make('small', `${models.length}`));
    for (const data of new Set(models.map(model => model.data))) {
      const label = make('span', data, 'group');
      label.dataset.family = title;
      label.dataset.of = data;
      label.setAttribute('aria-hidden', true);
      list.append(label);
      for (const model of models.filter(each => each.data === data)) {
        const card = makeModel(model);
        card.dataset.family = title;
        card.dataset.of = data;
      }
    }
  }
};
const shown = () => [...list.querySelectorAll('[data-name]:not([hidden])')];
const filter = () => {
  const asked = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const meant = GE.models.filter(model =>
    asked.length ? asked.every(word => wordsOf(model).includes(word)) : familyOf(model) === family,
  );
  const names = new Set(meant.map(model => model.name));
  for (const card of list.querySelectorAll('[data-name]')) {
    card.hidden = !names.has(card.dataset.name);
  }
  for (const label of list.querySelectorAll('.group')) {
    const { family: of, of: data } = label.dataset;
    label.hidden = !meant.some(model => familyOf(model) === of && model.data === data);
    label.textContent = asked.length ? `${of} · ${data}` : data;
  }
  for (const choice of families.children) {
    const on = !asked.length && choice.dataset.family === family;
    const some = meant.some(model => familyOf(model) === choice.dataset.family);
    choice.disabled = asked.length > 0 && !some;
    choice.setAttribute('aria-checked', on);
    choice.tabIndex = on || (asked.length && !choice.disabled) ? 0 : -1;
  }
  none.hidden = meant.length > 0;
  none.textContent = GE.models.length ? 'No model has all of these words.' : 'No models found.';
  mark();
};
const mark = () => {
  const part = GE.partOf(GE.tab),
    seen = shown();
  const focusable = seen.find(card => card.dataset.name === GE.current) ?? seen[0];
  for (const card of list.querySelectorAll('[data-name]')) {
    card.setAttribute('aria-checked', card.dataset.name === GE.current);
    card.tabIndex = card === focusable ? 0 : -1;
    // Still to be chosen: a tab that can show it comes on screen.
    card.classList.toggle('unable', !GE.serves(GE.tab, card.dataset.name, part));
  }
};

// -- opening and closing --------------------------------------------------------------------------

const isOpen = () => !panel.hidden;
const unfold = (name = GE.current) => {
  const model = GE.models.find(each => each.name === name);
  family = model ? familyOf(model) : families.firstElementChild?.dataset.family;
  search.value = '';
  panel.hidden = false;
  open.setAttribute('aria-expanded', true);
  filter();
  const on = families.querySelector('[aria-checked=true]');
  on?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  search.focus({ preventScroll: true });
};
GE.unfold = name => {
  scrollTo({ top: 0 });
  unfold(name);
};
const close = back => {
  if (!isOpen()) return;
  panel.hidden = true;
  open.setAttribute('aria-expanded', false);
  if (back) open.focus();
};
open.onclick = () => (isOpen() ? close(true) : unfold());
open.onkeydown = event => {
  if (event.key !== 'ArrowDown') return;
  event.preventDefault();
  unfold();
};
search.oninput = filter;
const inView = () => getComputedStyle(list).gridTemplateColumns.split(' ').length;
element.addEventListener('keydown', event => {
  if (event.key === 'Escape' && isOpen()) {
    event.stopPropagation();
    close(true);
    return;
  }
  const at = event.target,
    models = shown();
  if (at === search) {
    if (event.key === 'Enter' && search.value.trim() && models.length) models[0].click();
    else if (event.key === 'ArrowDown') list.querySelector('[tabindex="0"]:not([hidden])')?.focus();
    else return;
    event.preventDefault();
    return;
  }
  const row = at.closest?.('.families')
    ? [...families.querySelectorAll('button:not([disabled])')]
    : at.closest?.('.models')
      ? models
      : null;
  if (!row) return;
  const down = row === models ? inView() : 1;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down }[event.key];
  if (!step) return;
  event.preventDefault();
  const to = row[Math.min(Math.max(row.indexOf(at) + step, 0), row.length - 1)];
  to.focus();
  if (row !== models) to.click();
});
GE.on(element, 'pointerdown', event => {
  if (!element.contains(event.target)) close(false);
});
element.addEventListener('focusout', event => {
  if (event.relatedTarget && !element.contains(event.relatedTarget)) close(false);
});

// -- the row --------------------------------------------------------------------------------------

const paint = () => {
  const model = GE.models.find(each => each.name === GE.current);
  const image = find('.open img');
  image.hidden = !model?.thumb;
  if (model?.thumb) image.src = model.thumb;
  find('.open b').textContent = model?.title ?? 'No models found.';
  find('.about').textContent = model?.about ?? '';
  find('.open > .facts').textContent = model?.facts ?? '';
  const count = GE.models.length;
  find('.all').textContent = `${count} ${count === 1 ? 'model' : 'models'}`;
  open.setAttribute('aria-label', `Model: ${model?.title ?? 'none'}. Choose another`);
  open.title = model ? `${model.about} ${model.facts}` : '';
  if (isOpen()) mark();
  document.dispatchEvent(new CustomEvent('ge:model', { detail: GE.current }));
};
GE.setModel = name => {
  props.value = name;
  GE.current = name;
  paint();
};
GE.wake = place => {
  const event = 'show_' + place;
  if (EVENTS.includes(event)) trigger(event);
};
// Models of this visitor alone, which stand first; those of before that are not among them go.
GE.own = models => {
  const kept = GE.models.filter(model => !isOwn(model)),
    before = GE.models.filter(isOwn);
  const known = models.map(model => before.find(old => old.name === model.name) ?? model);
  GE.models = [...known, ...kept];
  build();
  if (isOpen()) filter();
  if (GE.wish !== null && !GE.models.some(model => model.name === GE.wish)) GE.wish = null;
  const there = GE.models.some(model => model.name === GE.current);
  if (there) paint();
  else GE.setModel(GE.models[0]?.name ?? GE.firstModel);
  if (GE.isOpen) {
    GE.settle();
    GE.show();
  }
};
watch('value', () => {
  GE.current = props.value;
  paint();
});
GE.on(element, 'ge:tab', () => {
  if (isOpen()) mark();
});
build();
paint();
