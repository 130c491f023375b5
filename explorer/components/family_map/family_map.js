const find = selector => element.querySelector(selector);
const value = props.value;
const FILM = 2600,
  REST = 1600; // ms of a film, and how long its last frame stays
const make = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const button = (text, act, kind) => {
  const made = make('button', text, kind);
  made.type = 'button';
  made.onclick = act;
  return made;
};

// -- three ways in --------------------------------------------------------------------------------

find('.sentence').textContent = value.sentence;
const state = ({ title, tab, part }, kind) => button(title, () => GE.bring(tab, part), kind);
find('.tries .offers').append(...value.tries.map((each, k) => state(each, k ? '' : 'main')));
find('.tries').hidden = !value.tries.length;
find('.trains').hidden = !value.trains;
find('.trains .offers').append(
  button('Choose pictures and a model', () => GE.bring('train'), 'main'),
);
find('.uses').append(...value.uses.map(each => state(each)));
find('.uses').hidden = !value.uses.length;
// The lectures, once the page has told of them.
const lectures = () => {
  const told = GE.tours ?? [];
  const box = find('.lectures');
  if (!told.length || !GE.tour || !box.hidden) return;
  box.hidden = false;
  box.querySelector('.offers').append(
    ...told.map((tour, k) => {
      const place = GE.tourPlace?.(tour.key) ?? 0;
      const text = place > 1 ? `${tour.title}: go on at station ${place}` : tour.title;
      return button(text, () => GE.tour(tour.key, place || 1), k ? '' : 'main');
    }),
  );
};
GE.on(element, 'ge:tab', lectures);
lectures();

// -- the map --------------------------------------------------------------------------------------

const films = [];
// A film is fetched when its node comes near the window.
const fetched = new Map();
const near = new IntersectionObserver(
  entries => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      fetched.get(target)();
    }
  },
  { rootMargin: '200px' },
);
// Four pictures side by side; of samples that change, four places of the sheet.
const filmOf = (film, shape) => {
  const stills = make('span', '', 'stills');
  const [, height, width] = shape;
  const canvases = [0, 1, 2, 3].map(() => {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.setAttribute('aria-hidden', true);
    stills.append(canvas);
    return canvas;
  });
  const sheet = new Image();
  sheet.decoding = 'async';
  fetched.set(stills, () => (sheet.src = new URL(film.address, document.baseURI)));
  near.observe(stills);
  films.push({ film, sheet, canvases, width, height, at: -1, offset: 400 * films.length });
  return stills;
};
const nodeOf = node => {
  const model = GE.models.find(each => each.name === node.model);
  const box = make('div', '', 'node');
  const go = button('', () => GE.bring(node.tab || 'sample', null, node.model), 'go');
  go.dataset.model = node.model;
  if (node.film && model) go.append(filmOf(node.film, model.image));
  go.append(make('b', node.title), make('small', node.facts.join(' · ')));
  if (node.film) go.append(make('small', node.film.words, 'last'));
  box.append(go);
  if (node.names.length > 1) {
    const more = button(`${node.names.length} models`, () => GE.unfold?.(node.model), 'more');
    more.setAttribute('aria-label', `${node.title}: ${node.names.length} models`);
    box.append(more);
  }
  return box;
};
find('.ways').append(
  ...value.ways.map(way => {
    const column = make('section', '', `way${way.nodes.length === 1 ? ' alone' : ''}`);
    column.append(make('h3', way.title), make('p', way.words), ...way.nodes.map(nodeOf));
    return column;
  }),
);

// -- films ----------------------------------------------------------------------------------------

const draw = (each, k) => {
  const { film, sheet, canvases, width, height } = each;
  if (each.at === k || !sheet.complete || !sheet.naturalWidth) return;
  each.at = k;
  canvases.forEach((canvas, row) => {
    // Samples lie all over the sheet; of a film, a row is a picture.
    const y = film.rows === 8 ? (row + 2 * k) % 8 : row,
      x = k % film.columns;
    canvas
      .getContext('2d')
      .drawImage(sheet, x * width, y * height, width, height, 0, 0, width, height);
  });
};
const still = matchMedia('(prefers-reduced-motion: reduce)');
const motion = find('.motion');
let paused = still.matches,
  began = 0,
  stopped = 0;
const tick = now => {
  if (!element.isConnected) return;
  began ||= now;
  if (paused) stopped ||= now;
  else if (stopped) {
    began += now - stopped;
    stopped = 0;
  }
  for (const each of films) {
    const { columns, loops } = each.film,
      whole = FILM + (loops ? 0 : REST);
    const ms = ((stopped || now) - began + each.offset) % whole;
    const part = loops ? (ms / (2 * whole)) * 2 : Math.min(1, ms / FILM);
    const k =
      paused && each.at < 0 ? columns - 1 : Math.min(columns - 1, Math.floor(part * columns));
    if (!paused || each.at < 0) draw(each, k);
  }
  GE.frame(element, tick);
};
const paint = () => {
  motion.textContent = paused ? 'Play films' : 'Pause films';
  motion.setAttribute('aria-pressed', paused);
};
motion.onclick = () => {
  paused = !paused;
  paint();
};
paint();
GE.frame(element, tick);
