// A lesson: states of the page in a row, each with a sentence, a question and controls that are
// hidden or locked. It is played as a tour, and lies in the link (its part after "#", which no
// server is sent) or in a file. Whatever comes from outside is set as text.
const DRAFT = 'ge-lesson',
  LARGEST = 20000; // characters of a lesson, as in explorer/tours/lessons.py
const el = (tag, set = {}, ...inside) => {
  const node = Object.assign(document.createElement(tag), set);
  node.append(...inside.filter(each => each != null));
  return node;
};
const button = (textContent, onclick, className = '') =>
  el('button', { type: 'button', textContent, onclick, className });

// -- links ----------------------------------------------------------------------------------------
const BROKEN = 'This link carries no whole lesson. Copy it again from where it was made.';
const through = async (bytes, stream, most) => {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader(),
    parts = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > most) {
      reader.cancel();
      throw new Error(BROKEN);
    }
    parts.push(part.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
};
const pack = async text => {
  const bytes = new TextEncoder().encode(text);
  const small = await through(bytes, new CompressionStream('deflate-raw'), Infinity);
  const code = btoa(String.fromCharCode(...small));
  return code.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};
const unpack = async code => {
  try {
    const text = atob(code.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(text, c => c.charCodeAt(0));
    const whole = await through(bytes, new DecompressionStream('deflate-raw'), 4 * LARGEST);
    return new TextDecoder('utf-8', { fatal: true }).decode(whole);
  } catch {
    throw new Error(BROKEN);
  }
};
const inHash = () => /^#lesson=([\w-]+)$/.exec(location.hash)?.[1] ?? '';
const setHash = code =>
  history.replaceState(
    history.state,
    '',
    location.pathname + location.search + (code ? `#lesson=${code}` : ''),
  );

// -- text -----------------------------------------------------------------------------------------
const KEYS = ['title', 'words', 'at', 'hide', 'lock', 'question', 'choices', 'answer', 'reveal'];
const asToml = value => JSON.stringify(value).replaceAll('\x7f', '\\u007f');
const entry = (table, key) => {
  const value = table[key];
  return value === undefined || value === '' || (Array.isArray(value) && !value.length)
    ? []
    : [`${key} = ${Array.isArray(value) ? `[${value.map(asToml).join(', ')}]` : asToml(value)}`];
};
// What the form cannot say but text can (numbers, what to look at) stays as it was written.
const others = table => Object.keys(table).filter(key => !KEYS.includes(key) && key !== 'numbers');
const written = lesson => {
  const stations = lesson.station.map(station => {
    const lines = [...KEYS, ...others(station)].flatMap(key => entry(station, key));
    const numbers = Object.keys(station.numbers ?? {}).flatMap(k => entry(station.numbers, k));
    return ['[[station]]', ...lines, ...(numbers.length ? ['[station.numbers]', ...numbers] : [])];
  });
  const questions = (lesson.question ?? []).map(question => [
    '[[question]]',
    ...Object.keys(question).flatMap(key => entry(question, key)),
  ]);
  const head = ['title', 'blurb'].flatMap(key => entry(lesson, key));
  return [head, ...stations, ...questions].map(lines => lines.join('\n') + '\n').join('\n');
};
const read = async text => {
  if (text.length > LARGEST) return { problem: `A lesson may have ${LARGEST} characters.` };
  try {
    return await server.read(text);
  } catch {
    return { problem: 'The server does not answer. Try again.' };
  }
};

// -- the draft, in this browser's tab -------------------------------------------------------------
let draft = { title: '', station: [] };
try {
  draft = JSON.parse(sessionStorage.getItem(DRAFT)) ?? draft;
} catch {
  /* a browser that keeps nothing */
}
const keep = () => {
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    /* then it lasts as long as the page */
  }
};

// -- playing --------------------------------------------------------------------------------------
const play = async (text, station = 1) => {
  const told = await read(text);
  if (told.problem) return told.problem;
  setHash(await pack(text));
  await GE.tour(told.record, station, {});
  return '';
};
let begun = '';
const byLink = async () => {
  const code = inHash();
  if (!code || code === begun) return;
  begun = code;
  let problem;
  try {
    const station = Math.round(Number(new URLSearchParams(location.search).get('station'))) || 1;
    problem = await play(await unpack(code), station);
  } catch (error) {
    problem = error.message === BROKEN ? BROKEN : 'The lesson could not be begun. Try again.';
  }
  if (problem) GE.dialog('The lesson cannot be shown', [el('p', { textContent: problem })]);
};
GE.on(element, 'hashchange', byLink, window);
if (document.body.dataset.ge === 'open') byLink();
else {
  const opening = new MutationObserver(() => {
    if (document.body.dataset.ge !== 'open') return;
    opening.disconnect();
    byLink();
  });
  opening.observe(document.body, { attributes: true, attributeFilter: ['data-ge'] });
}

// -- controls that are hidden or locked -----------------------------------------------------------
const PLACES = {
  model: '.ge-picker',
  tab: '#ge-tabs > .tab-wrapper',
  part: '.ge-parts, .ge-ideas .row',
};
const selector = key => {
  const known = props.controls.find(control => control.key === key);
  return PLACES[key] ?? (known ? `#${CSS.escape(known.id)}` : null);
};
const selectors = keys => keys.map(selector).filter(Boolean).join(', ');
const sheet = document.head.appendChild(document.createElement('style'));
let locked = '';
const restrict = event => {
  const { key, station, record } = event.detail;
  const here = key === null ? null : record?.stations[station - 1];
  const hidden = selectors(here?.hide ?? []);
  for (const node of document.querySelectorAll('[inert].ge-locked')) {
    node.inert = false;
    node.classList.remove('ge-locked');
  }
  locked = selectors(here?.lock ?? []);
  sheet.textContent =
    (hidden ? `:is(${hidden}) { display: none !important; }\n` : '') +
    (locked ? `:is(${locked}) { opacity: .6; }\n` : '');
  hold();
  if (key === null) {
    begun = '';
    if (inHash()) setHash('');
  }
};
// What comes on screen later is locked as well.
const hold = () => {
  if (!locked) return;
  for (const node of document.querySelectorAll(locked)) {
    if (node.inert) continue;
    node.inert = true;
    node.classList.add('ge-locked');
    node.title = 'Locked in this lesson';
  }
};
new MutationObserver(hold).observe(document.body, { childList: true, subtree: true });
GE.on(element, 'ge:tour', restrict);

// -- making ---------------------------------------------------------------------------------------
const shown = node => !!node && node.getClientRects().length > 0;
const titleOf = () => {
  const tab = document.querySelector('#ge-tabs [role=tab][aria-selected=true]');
  const model = GE.models.find(each => each.name === GE.current);
  return [tab?.textContent.trim(), model?.title].filter(Boolean).join(': ');
};
// The controls on screen, and what is to become of each: {key: 'lock' or 'hide'}.
const choices = (station, wishes) => {
  const words = { model: 'The choice of a model', tab: 'The tabs', part: 'The parts' };
  const there = [
    ...Object.keys(words).map(key => ({ key, label: words[key] })),
    ...props.controls,
  ].filter(({ key }) => key in wishes || shown(document.querySelector(selector(key))));
  const rows = there.map(({ key, label }) => {
    const select = el('select', { ariaLabel: label });
    for (const [value, text] of [
      ['', 'Free'],
      ['lock', 'Locked'],
      ['hide', 'Hidden'],
    ])
      select.append(el('option', { value, textContent: text, selected: wishes[key] === value }));
    select.onchange = () => {
      if (select.value) wishes[key] = select.value;
      else delete wishes[key];
    };
    return el('li', {}, el('span', { textContent: label }), select);
  });
  return el('ul', { className: 'controls' }, ...rows);
};
const wishesOf = station =>
  Object.fromEntries([
    ...(station.lock ?? []).map(key => [key, 'lock']),
    ...(station.hide ?? []).map(key => [key, 'hide']),
  ]);

// The fields of one state. Gives the element and a function that reads the state from it.
const form = station => {
  const wishes = wishesOf(station);
  const field = (label, tag, value, set = {}) => {
    const input = el(tag, { value, ...set });
    return { input, row: el('label', {}, el('span', { textContent: label }), input) };
  };
  const title = field('Title', 'input', station.title ?? titleOf(), { maxLength: 200 });
  const words = field('What it shows', 'textarea', station.words ?? '');
  const question = field('Question (may be left out)', 'input', station.question ?? '');
  const answers = field('Answers, one a line', 'textarea', (station.choices ?? []).join('\n'));
  const right = field('Number of the right one', 'input', (station.answer ?? 0) + 1, {
    type: 'number',
    min: 1,
    max: 5,
  });
  const reveal = field('Said after the answer', 'textarea', station.reveal ?? '');
  const make = () => {
    const { question: _, choices: __, answer: ___, reveal: ____, ...rest } = station;
    const asked = question.input.value.trim();
    const keys = what => Object.keys(wishes).filter(key => wishes[key] === what);
    return {
      ...rest,
      title: title.input.value.trim(),
      words: words.input.value.trim(),
      at: station.at ?? '?' + GE.address(),
      hide: keys('hide'),
      lock: keys('lock'),
      ...(asked && {
        question: asked,
        choices: answers.input.value
          .split('\n')
          .map(line => line.trim())
          .filter(Boolean),
        answer: Math.round(+right.input.value) - 1,
      }),
      reveal: reveal.input.value.trim(),
    };
  };
  const more = el(
    'details',
    { open: Object.keys(wishes).length > 0 },
    el('summary', { textContent: 'Hide or lock controls' }),
    choices(station, wishes),
  );
  const rows = [title, words, question, answers, right, reveal].map(each => each.row);
  return { node: el('div', { className: 'form' }, ...rows, more), make };
};

GE.makeLesson = (edited = null) => {
  const problem = el('p', { className: 'problem' });
  problem.setAttribute('role', 'status');
  const say = text => {
    problem.textContent = text ?? '';
  };
  const title = el('input', { value: draft.title, maxLength: 200 });
  title.oninput = () => {
    draft.title = title.value;
    keep();
  };
  const list = el('ol', { className: 'stations' });
  const text = el('textarea', {
    className: 'toml',
    spellcheck: false,
    ariaLabel: 'Lesson as text',
  });
  const lessonText = () => written({ ...draft, title: draft.title.trim() || 'A lesson' });
  const paint = () => {
    keep();
    text.value = draft.station.length ? lessonText() : '';
    list.replaceChildren(
      ...draft.station.map((station, k) => {
        const move = by => () => {
          draft.station.splice(k + by, 0, ...draft.station.splice(k, 1));
          paint();
        };
        const item = el('li', {}, el('span', { textContent: station.title }));
        const up = button('Up', move(-1)),
          down = button('Down', move(1));
        up.disabled = k === 0;
        down.disabled = k === draft.station.length - 1;
        const change = button('Change', () => again(k));
        const remove = button('Remove', () => {
          draft.station.splice(k, 1);
          paint();
        });
        for (const b of [up, down, change, remove])
          b.ariaLabel = `${b.textContent}: ${station.title}`;
        item.append(up, down, change, remove);
        return item;
      }),
    );
    for (const b of needing) b.disabled = !draft.station.length;
  };
  // What is being typed is in the dialog alone; another state or another draft is another dialog.
  const again = k => {
    dialog.close();
    GE.makeLesson(k);
  };
  const now = form(edited === null ? {} : draft.station[edited]);
  const add = button(
    edited === null ? 'Add this state' : 'Keep the changes',
    async () => {
      const made = now.make(),
        station = [...draft.station];
      station.splice(edited ?? station.length, edited === null ? 0 : 1, made);
      const told = await read(written({ ...draft, title: 'A lesson', station }));
      say(told.problem);
      if (told.problem) return;
      draft.station = station;
      keep();
      again(null);
    },
    'main',
  );
  const withLesson = act => async () => {
    const told = await read(lessonText());
    say(told.problem);
    if (!told.problem) await act(lessonText());
  };
  const file = el('input', { type: 'file', accept: '.toml', hidden: true });
  const take = async given => {
    const told = await read(given);
    say(told.problem);
    if (told.problem) return;
    draft = { ...told.lesson, station: told.lesson.station ?? [] };
    keep();
    again(null);
  };
  file.onchange = async () => {
    const given = file.files[0];
    file.value = '';
    if (given.size > 4 * LARGEST) say('That file is too large for a lesson.');
    else await take(await given.text());
  };
  const needing = [
    button(
      'Play',
      withLesson(async all => {
        dialog.close();
        await play(all);
      }),
    ),
    button(
      'Copy lesson link',
      withLesson(async all => {
        const link = GE.link('', `#lesson=${await pack(all)}`);
        await GE.copy(link, 'The link to the lesson is copied. The lesson is in the link itself.');
      }),
    ),
    button(
      'Save as file',
      withLesson(async all => {
        GE.download(new Blob([all], { type: 'application/toml' }), 'lesson.toml');
      }),
    ),
  ];
  const dialog = GE.dialog(
    'Make a lesson',
    [
      el('p', {
        className: 'hint',
        textContent:
          'Go to a state of the page, add it here with a sentence or a question, and go to the ' +
          'next. The lesson stays in this browser until you copy its link or save it as a file.',
      }),
      el('label', {}, el('span', { textContent: 'Title of the lesson' }), title),
      list,
      el('h3', {
        textContent: edited === null ? 'The state on screen' : `State ${edited + 1} of the lesson`,
      }),
      now.node,
      problem,
      el('div', { className: 'buttons' }, add, ...needing),
      el(
        'div',
        { className: 'buttons' },
        button('Open a file', () => file.click()),
        button('Begin anew', () => {
          draft = { title: '', station: [] };
          keep();
          again(null);
        }),
        file,
      ),
      el(
        'details',
        {},
        el('summary', { textContent: 'The lesson as text' }),
        text,
        button('Take this text', () => take(text.value)),
      ),
    ],
    true,
  );
  dialog.classList.add('ge-lesson');
  paint();
};
