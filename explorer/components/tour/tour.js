// Plays a tour: takes the page to a station's state, shows where to look, asks, waits, and reveals.
const panel = element.querySelector('.panel'),
  rings = element.querySelector('.rings');
const part = name => panel.querySelector(name);
const el = (tag, attributes = {}, ...inside) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...inside.filter(each => each != null));
  return node;
};
let tour = null; // the record that is played
let own = {}; // what stands in the address for it
let at = 0; // the station, from 1; after the last one the questions
let here = null; // how far one is at this station
let going = 0; // which wish to go somewhere is the newest

// -- what was answered, for as long as the browser's tab is open; how far, for longer -------------
const keep = (store, name, value) => {
  try {
    store.setItem(name, JSON.stringify(value));
  } catch {
    /* a browser that keeps nothing */
  }
};
const kept = (store, name) => {
  try {
    return JSON.parse(store.getItem(name)) ?? {};
  } catch {
    return {};
  }
};
const ANSWERS = 'ge-tour-answers',
  PLACES = 'ge-tour-places';
const identity = () => new URLSearchParams(own).toString();
const answered = () => kept(sessionStorage, ANSWERS)[identity()] ?? {};
const answer = (name, choice) =>
  keep(sessionStorage, ANSWERS, {
    ...kept(sessionStorage, ANSWERS),
    [identity()]: { ...answered(), [name]: choice },
  });
GE.tourPlace = key => kept(localStorage, PLACES)[key] ?? 0;

// -- the address ----------------------------------------------------------------------------------
const write = keys => {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(keys)) {
    if (value === null) query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(
    history.state,
    '',
    location.pathname + (text ? '?' + text : '') + location.hash,
  );
};
const asked = key => new URLSearchParams(location.search).get(key);

// -- words with numbers in them -------------------------------------------------------------------
const read = (station, first = here.first) => GE.readNumbers(station.numbers, first);
// A text with its numbers, each in an element that follows the page.
const words = text => {
  const p = el('p');
  for (const [k, piece] of text.split(/\{(\w+(?::\d)?)\}/).entries()) {
    if (k % 2 === 0) p.append(piece);
    else {
      const [name, digits] = piece.split(':');
      const b = el('b', { textContent: '…' });
      Object.assign(b.dataset, { name, digits: digits ?? '' });
      p.append(b);
    }
  }
  return p;
};

// -- a station ------------------------------------------------------------------------------------
const station = () => tour?.stations[at - 1] ?? null;
const many = () => tour.stations.length + (tour.questions.length ? 1 : 0);
const told = text => {
  part('.told').textContent = text;
};
const spoken = text => {
  part('.spoken').textContent = text;
};

const options = (item, choice, chosen) => {
  const group = el('div', { className: 'options' });
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', item.question);
  const mark = picked =>
    [...group.children].forEach((b, k) => {
      b.setAttribute('aria-pressed', k === picked);
      b.classList.toggle('right', picked !== null && k === item.answer);
      b.classList.toggle('wrong', k === picked && k !== item.answer);
    });
  item.choices.forEach((text, k) => {
    const b = el('button', { type: 'button', textContent: text });
    b.onclick = () => choice(k);
    group.append(b);
  });
  // Whether a prediction was right is said with what the page shows.
  group.mark = mark;
  mark(chosen ?? null);
  return group;
};

const showStation = () => {
  const s = station(),
    before = answered();
  here = { values: {}, first: {}, pressed: new Set(), done: !s.act, ready: false, looked: false };
  const idea = part('.idea'),
    predict = part('.predict');
  idea.replaceChildren(...(s.words ? [words(s.words)] : []));
  predict.replaceChildren();
  if (s.predict) {
    const chosen = before[at] ?? null;
    const said = el('p', { className: 'hint' });
    const group = options(
      s.predict,
      k => {
        if (part('.seen').childElementCount) return;
        answer(at, k);
        here.chosen = k;
        pressed(group, k);
        said.textContent = here.done ? '' : 'Kept. Now do it, and see.';
        reveal();
      },
      null,
    );
    here.chosen = chosen;
    here.options = group;
    pressed(group, chosen);
    predict.append(el('h3', { textContent: 'Predict' }), words(s.predict.question), group, said);
  }
  if (s.act) {
    const help = el('button', { type: 'button', className: 'help', textContent: 'Do it for me' });
    help.onclick = doIt;
    here.act = el(
      'p',
      { className: 'act' },
      el('b', { textContent: 'Do: ' }),
      el('span', {}, ...words(s.act).childNodes),
      ' ',
      help,
    );
    predict.append(here.act);
  }
  part('.seen').replaceChildren();
};
// Before the answer is shown, only which choice was taken.
const pressed = (group, k) =>
  [...group.children].forEach((b, j) => b.setAttribute('aria-pressed', j === k));

const reveal = () => {
  const s = station(),
    seen = part('.seen');
  if (!s || seen.childElementCount || !here.ready || !here.done) return;
  if (s.predict && here.chosen == null) return;
  here.options?.mark(here.chosen);
  panel.querySelector('.predict .hint')?.remove();
  const right = s.predict && here.chosen === s.predict.answer;
  const p = el('p', {}, el('span', {}, ...words(s.reveal).childNodes));
  if (s.predict) {
    p.prepend(
      el('b', {
        textContent: right ? 'Right. ' : `Not so: ${s.predict.choices[s.predict.answer]}. `,
      }),
    );
  }
  const again = el('button', { type: 'button', className: 'help', textContent: 'Set it up again' });
  again.onclick = () => go(at);
  here.stray = el(
    'p',
    { className: 'stray', hidden: true },
    'The page shows another state by now. ',
    again,
  );
  seen.append(el('h3', { textContent: 'See' }), p, here.stray);
  fill();
  seen.scrollIntoView({ block: 'nearest' }); // on a phone it lies below
};

const fill = () => {
  for (const b of panel.querySelectorAll('b[data-name]')) {
    const text = GE.numberText(
      here.values[b.dataset.name],
      b.dataset.digits === '' ? undefined : +b.dataset.digits,
    );
    if (b.textContent !== text) b.textContent = text;
  }
};

const doIt = async () => {
  const s = station(),
    wish = going;
  if (!s.press.length) {
    await visit(s.then);
    if (wish === going) look();
    return;
  }
  for (const place of s.press) await GE.press(place, () => wish === going);
};
document.addEventListener(
  'click',
  event => {
    station()?.press.forEach((place, k) => {
      if (GE.place(place)?.contains(event.target)) here.pressed.add(k);
    });
  },
  true,
);

// Five times a second: what the page shows, whether the act is done, whether the claims hold.
let strays = 0;
const look = () => {
  const s = station();
  if (!s || !here.ready) return;
  here.values = read(s);
  fill();
  if (
    !here.done &&
    here.pressed.size === s.press.length &&
    (!s.until || GE.holds(s.until, here.values))
  ) {
    here.done = true;
    here.act?.classList.add('done');
    spoken(s.predict && here.chosen == null ? 'Done. Predict, and the answer is shown.' : 'Done.');
  }
  reveal();
  here.holding = s.claims.map(claim => GE.holds(claim, here.values));
  strays = here.holding.every(Boolean) || !GE.calm() ? 0 : strays + 1;
  if (here.stray) here.stray.hidden = strays < 15;
};
setInterval(() => tour && look(), 200);

// -- where to look --------------------------------------------------------------------------------
// What lies folded is opened, and the first place is brought into what the panel leaves free.
const open = node => {
  for (
    let fold = node.closest('details:not([open])');
    fold;
    fold = fold.parentElement?.closest('details:not([open])')
  ) {
    fold.open = true;
  }
};
const bring = node => {
  const box = node.getBoundingClientRect(),
    free = innerHeight - panel.offsetHeight;
  if (box.top >= 0 && box.bottom <= free - 12) return;
  scrollBy(0, box.height < free - 40 ? box.top - (free - box.height) / 2 : box.top - 20);
};
const frame = () => {
  if (!tour) {
    rings.replaceChildren();
    return;
  }
  const nodes = (station()?.show ?? []).map(GE.place).filter(Boolean);
  while (rings.children.length > nodes.length) rings.lastChild.remove();
  while (rings.children.length < nodes.length) rings.append(el('i'));
  nodes.forEach((node, k) => {
    const box = node.getBoundingClientRect();
    rings.children[k].style.cssText =
      `left:${box.left - 6}px; top:${box.top - 6}px;` +
      `width:${box.width + 12}px; height:${box.height + 12}px`;
  });
  if (here?.ready && !here.looked && nodes.length && GE.calm()) {
    here.looked = true;
    open(nodes[0]);
    bring(nodes[0]);
  }
  requestAnimationFrame(frame);
};
// In a window of another size it lies elsewhere.
window.addEventListener('resize', () => here && (here.looked = false));
new ResizeObserver(() => {
  document.documentElement.style.setProperty('--tour-room', `${panel.offsetHeight}px`);
}).observe(panel);

// -- the last page --------------------------------------------------------------------------------
const showQuestions = () => {
  here = null;
  const before = answered(),
    score = el('p', { className: 'score' });
  score.setAttribute('role', 'status');
  const count = () => {
    const picked = answered(),
      done = tour.questions.filter((_, k) => picked[`q${k}`] !== undefined).length;
    const right = tour.questions.filter((q, k) => picked[`q${k}`] === q.answer).length;
    score.textContent = done ? `${right} of ${done} answered right.` : 'Answer from memory first.';
  };
  const items = tour.questions.map((q, k) => {
    const why = el('p', { className: 'why' });
    why.setAttribute('role', 'status');
    const explain = choice => {
      why.replaceChildren(
        el('b', { textContent: choice === q.answer ? 'Right. ' : 'Not so. ' }),
        q.why,
      );
      if (q.station) {
        const link = el('button', {
          type: 'button',
          className: 'help',
          textContent: `Station ${q.station} shows it`,
        });
        link.onclick = () => go(q.station, true);
        why.append(' ', link);
      }
    };
    const choose = choice => {
      answer(`q${k}`, choice);
      group.mark(choice);
      explain(choice);
      count();
    };
    const group = options(q, choose, before[`q${k}`]);
    if (before[`q${k}`] !== undefined) explain(before[`q${k}`]);
    return el('li', {}, el('p', { textContent: q.question }), group, why);
  });
  part('.idea').replaceChildren(score, el('ol', { className: 'quiz' }, ...items));
  part('.predict').replaceChildren();
  part('.seen').replaceChildren();
  count();
};

// -- going ----------------------------------------------------------------------------------------
// A laboratory draws some time after the page has gone to its state; what stands there until then
// is of the station before.
const drawn = query =>
  new Promise(done => {
    const lab = new URLSearchParams(query).get('ideas.lab');
    if (!lab) {
      done();
      return;
    }
    const heard = event => {
      if (event.detail.lab !== lab) return;
      document.removeEventListener('ge:idea', heard);
      done();
    };
    const begin = () => document.addEventListener('ge:idea', heard);
    document.addEventListener('ge:visited', begin, { once: true });
  });
const visit = async (query, how) => {
  const there = drawn(query);
  await GE.visit(query, how);
  await there;
  await GE.fetched();
};
const absent = k => tour.stations[k - 1]?.missing ?? [];
// The station in this direction whose models are here, and a sentence on those left out.
const within = (k, step) => {
  const out = [];
  let to = Math.min(Math.max(k, 1), many());
  while (absent(to).length && to + step >= 1 && to + step <= many()) {
    out.push(to);
    to += step;
  }
  for (let back = k; absent(to).length && back >= 1 && back <= many(); back -= step) to = back;
  const sentence = j =>
    `Station ${j}, “${tour.stations[j - 1].title}”, is left out: ` +
    `${absent(j).join(' and ')} is not here.`;
  return { to, words: out.map(sentence).join(' ') };
};
const go = async (k, focus = false, replace = false) => {
  const wish = ++going,
    { to, words: left } = within(k, k < at ? -1 : 1);
  at = to;
  const s = station(),
    list = part('select');
  panel.hidden = false;
  document.body.classList.add('ge-touring');
  panel.classList.toggle('last', !s);
  list.value = String(at);
  part('h2 small').textContent = `${tour.lecture || tour.title}, ${at} of ${many()}`;
  part('h2 span').textContent = s
    ? s.title
    : `${COUNTS[tour.questions.length] ?? 'Some'} questions`;
  part('.back').disabled = at === 1;
  part('.next').disabled = at === many();
  panel.dataset.station = at;
  panel.dataset.state = 'going';
  if (s) showStation();
  else showQuestions();
  part('.body').scrollTop = 0;
  told(left);
  if (own.tour) keep(localStorage, PLACES, { ...kept(localStorage, PLACES), [own.tour]: at });
  GE.touring = { key: own.tour ?? '', station: at, record: tour };
  document.dispatchEvent(new CustomEvent('ge:tour', { detail: GE.touring }));
  if (focus) part('h2').focus({ preventScroll: true });
  spoken(focus ? '' : `Station ${at} of ${many()}: ${part('h2 span').textContent}`);
  const there = s && visit(s.at, { replace });
  write({ ...own, station: at });
  await there;
  if (wish !== going) return;
  panel.dataset.state = 'there';
  if (here) here.ready = true;
  look();
};
const COUNTS = ['No', 'One', 'Two', 'Three', 'Four', 'Five'];

const begin = (record, k, keys) => {
  const anew = !tour;
  tour = record;
  own = keys;
  at = 0;
  panel.setAttribute('aria-label', tour.lecture || tour.title);
  part('select').replaceChildren(
    ...tour.stations.map((s, j) =>
      el('option', { value: String(j + 1), textContent: `${j + 1}. ${s.title}` }),
    ),
    ...(tour.questions.length
      ? [el('option', { value: String(many()), textContent: `${many()}. Questions` })]
      : []),
  );
  fold(false);
  if (anew) requestAnimationFrame(frame);
};
const COULD_NOT = 'The lecture could not be fetched. Choose it again when the page is connected.';
const fetched = {};
// Plays a lecture by its key, or a record that is none of the page's; see explorer/tours.
GE.tour = async (which, k = 1, keys = null, focus = true) => {
  let record = which;
  if (typeof which === 'string') {
    try {
      record = await (fetched[which] ??= server.tour(which));
    } catch {
      delete fetched[which];
      (GE.notify ?? alert)(COULD_NOT);
      return;
    }
  }
  begin(record, k, keys ?? { tour: which });
  await go(k, focus);
};
GE.leaveTour = () => {
  if (!tour) return;
  going++;
  write({ ...Object.fromEntries(Object.keys(own).map(key => [key, null])), station: null });
  tour = here = GE.touring = null;
  at = 0;
  panel.hidden = true;
  document.body.classList.remove('ge-touring');
  document.dispatchEvent(new CustomEvent('ge:tour', { detail: { key: null } }));
  document.querySelector('.ge-lectures')?.focus();
};
// What the page shows of the station, for whoever wants to check it. Looking changes nothing.
GE.tourNow = () =>
  tour && {
    station: at,
    state: panel.dataset.state,
    calm: GE.calm(),
    // Whether what has to be kept from before the act has been.
    kept: Object.entries(station()?.numbers ?? {}).every(([n, x]) => !x.first || here?.first[n]),
    ready: !!here?.ready,
    done: !!here?.done,
    values: here?.values ?? {},
    holding: here?.holding ?? [],
    missing: (station()?.show ?? []).filter(place => !GE.place(place)),
    fulfilled: !!station()?.until && GE.holds(station().until, read(station(), { ...here.first })),
  };

const fold = on => {
  panel.classList.toggle('folded', on);
  part('.fold').textContent = on ? 'More' : 'Less';
  part('.fold').setAttribute('aria-expanded', !on);
};
part('.fold').onclick = () => fold(!panel.classList.contains('folded'));
part('.leave').onclick = () => GE.leaveTour();
part('.back').onclick = () => go(at - 1, true);
part('.next').onclick = () => go(at + 1, true);
part('select').onchange = event => go(+event.target.value);
panel.addEventListener('keydown', event => {
  if (event.target.matches('select') || event.altKey || event.ctrlKey || event.metaKey) return;
  const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (event.key === 'Escape') GE.leaveTour();
  else if (by && at + by >= 1 && at + by <= many()) go(at + by, true);
  else return;
  event.preventDefault();
});

// By a link, and by the browser's back and forward.
const byAddress = () => {
  const key = asked('tour'),
    k = Math.round(Number(asked('station'))) || 1;
  if (!key && own.tour) GE.leaveTour();
  else if (key && tour && own.tour === key) {
    if (k !== at) go(k, false, true);
  } else if (key && GE.tours?.some(t => t.key === key)) GE.tour(key, k, null, false);
};
GE.on(element, 'ge:window', byAddress);
GE.whenOpen = then => {
  if (document.body.dataset.ge === 'open') then();
  else
    new MutationObserver((_, observer) => {
      if (document.body.dataset.ge !== 'open') return;
      observer.disconnect();
      then();
    }).observe(document.body, { attributes: true, attributeFilter: ['data-ge'] });
};
GE.whenOpen(byAddress);
