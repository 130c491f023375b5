// What a laboratory is made of besides its plots: controls, live formulas, questions, a link.
IDEAS.open = (host, name, about, view, given, put) => {
  const { state: States, words, plot: makePlot } = IDEAS;
  const el = (tag, attributes = {}, ...inside) => {
    const node = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes)) {
      if (k === 'class') node.className = v;
      else if (k.startsWith('on')) node[k] = v;
      else if (v !== undefined) node.setAttribute(k, v);
    }
    node.append(...inside.filter(part => part != null));
    return node;
  };
  const spec = { scene: States.one(...view.scenes.map(s => s.key)), ...view.state };
  const lab = { name, state: States.read(spec, given), spec, about };
  const { state } = lab;
  const scenes = {};
  const controls = []; // of the fields: each follows the state
  let frame = 0,
    saving = 0,
    ended = false;

  const save = () => {
    clearTimeout(saving);
    saving = setTimeout(() => !ended && put(States.write(spec, state)), 250);
  };
  const draw = () => {
    frame = 0;
    if (ended) return;
    const scene = scenes[state.scene];
    for (const follow of controls) follow();
    scene?.draw?.();
    document.dispatchEvent(
      new CustomEvent('ge:idea', { detail: { lab: name, scene: state.scene } }),
    );
  };
  // Draws once in the next frame, however often it is asked.
  lab.changed = () => {
    if (!frame) frame = requestAnimationFrame(draw);
    save();
  };
  // Draws the next frame too: for what is computed over several.
  lab.again = () => {
    if (!frame) frame = requestAnimationFrame(draw);
  };
  lab.set = changes => {
    for (const [key, value] of Object.entries(changes)) {
      const { low, high } = spec[key];
      state[key] =
        typeof value === 'number' && low !== undefined
          ? Math.min(high, Math.max(low, value))
          : value;
    }
    lab.changed();
  };

  const makeScene = item => {
    const node = el('div', { class: 'scene' });
    const side = el('div', { class: 'side' }),
      stage = el('div', { class: 'stage' });
    node.append(side, stage);
    let target = side;
    const s = {
      lab,
      state,
      el,
      side,
      stage,
      words,
      set: lab.set,
      changed: lab.changed,
      again: lab.again,
    };

    // Fills what is missing in a list, the item `first` before all others, for some milliseconds of
    // this frame; the rest comes in the next ones, so that a drag never waits for it.
    s.fill = (items, first, make, budget = 7) => {
      const end = performance.now() + budget;
      items[first] ??= make(first);
      for (let i = 0; i < items.length; i++) {
        if (items[i] !== null) continue;
        if (performance.now() > end) {
          lab.again();
          return;
        }
        items[i] = make(i);
      }
    };

    // Widgets go to the controls; within s.on(node, fn) to that node.
    s.on = (place, fn) => {
      const before = target;
      target = place;
      fn();
      target = before;
      return place;
    };
    s.row = (least = 320) => {
      const row = el('div', { class: 'plots' });
      row.style.setProperty('--least', least + 'px');
      stage.append(row);
      return row;
    };
    s.plot = (options, place = stage) => makePlot(place, options);
    s.text = (text, place = target) => {
      const p = el('p', { class: 'words' }, text);
      place.append(p);
      return p;
    };
    s.heading = (text, place = stage) => {
      const h = el('h3', {}, text);
      place.append(h);
      return h;
    };
    // A line that says what is going on, read aloud when it changes.
    s.status = (place = stage) => {
      const p = el('p', { class: 'status', role: 'status' });
      place.append(p);
      return text => {
        if (p.textContent !== text) p.textContent = text;
      };
    };
    let many = 0;
    const id = () => `idea-${name}-${item.key}-${many++}`;
    // A slider with a box for its number. log: equal steps multiply. shown: value -> words.
    s.slider = (
      key,
      { label, step = 0.01, log = false, whole = false, unit = '', when, index } = {},
    ) => {
      const { low, high } = spec[key],
        own = id();
      const digits = whole ? 0 : Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
      const get = () => (index === undefined ? state[key] : state[key][index]);
      const put = v => {
        if (index === undefined) lab.set({ [key]: v });
        else {
          const next = [...state[key]];
          next[index] = v;
          lab.set({ [key]: next });
        }
      };
      const to = v => (log ? (Math.log(v / low) / Math.log(high / low)) * 1000 : v);
      const from = v => (log ? low * (high / low) ** (v / 1000) : v);
      const tidy = v => {
        const kept = whole
          ? Math.round(v)
          : log
            ? +v.toPrecision(3)
            : +(Math.round(v / step) * step).toFixed(digits);
        return Math.min(high, Math.max(low, kept));
      };
      const range = el('input', {
        type: 'range',
        id: own,
        min: log ? 0 : low,
        max: log ? 1000 : high,
        step: log ? 'any' : step,
      });
      const box = el('input', {
        type: 'text',
        inputmode: 'decimal',
        'aria-label': `${label}, as a number`,
        autocomplete: 'off',
      });
      const problem = el('p', { class: 'problem', role: 'alert' });
      const shown = v => (log ? String(+v.toPrecision(3)) : v.toFixed(digits));
      const wrap = el(
        'div',
        { class: 'field' },
        el('label', { for: own }, label + (unit ? ` (${unit})` : '')),
        box,
        range,
        problem,
      );
      target.append(wrap);
      range.oninput = () => {
        problem.textContent = '';
        put(tidy(from(+range.value)));
      };
      if (log) {
        range.onkeydown = event => {
          const by = { ArrowRight: 10, ArrowUp: 10, ArrowLeft: -10, ArrowDown: -10 }[event.key];
          if (!by) return;
          event.preventDefault();
          const now = get();
          let next = tidy(from(Math.min(1000, Math.max(0, to(now) + by))));
          if (next === now && whole) next = Math.min(high, Math.max(low, now + Math.sign(by)));
          problem.textContent = '';
          put(next);
        };
      }
      box.onchange = () => {
        const text = box.value.trim().replace('−', '-').replace(',', '.'),
          v = Number(text);
        if (text === '' || Number.isNaN(v))
          problem.textContent = `“${box.value.trim().slice(0, 20)}” is not a number; ${shown(get())} is kept.`;
        else if (v < low || v > high)
          problem.textContent =
            `It can lie between ${+low} and ${+high}; ${shown(get())} is kept.`.replaceAll(
              '-',
              '−',
            );
        else if (whole && !Number.isInteger(v))
          problem.textContent = `Whole numbers only; ${shown(get())} is kept.`;
        else {
          problem.textContent = '';
          put(v);
        }
        box.value = shown(get());
      };
      controls.push(() => {
        const v = get();
        if (when) wrap.hidden = !when();
        if (document.activeElement !== box) box.value = shown(v);
        range.value = to(v);
        range.setAttribute('aria-valuetext', `${shown(v)}${unit ? ' ' + unit : ''}`);
      });
      return wrap;
    };
    // One of several: buttons in a row. options: [[value, words], ...].
    s.choice = (key, { label, options, when, then } = {}) => {
      const group = el('div', { class: 'choice', role: 'radiogroup', 'aria-label': label });
      const buttons = options.map(([value, text]) => {
        const b = el('button', { type: 'button', role: 'radio' }, text);
        b.onclick = () => {
          lab.set({ [key]: value });
          then?.(value);
        };
        group.append(b);
        return [value, b];
      });
      group.onkeydown = event => {
        const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const at = buttons.findIndex(([v]) => v === state[key]);
        const [, next] = buttons[(at + by + buttons.length) % buttons.length];
        next.click();
        next.focus();
      };
      const wrap = el('div', { class: 'field' }, el('span', { class: 'name' }, label), group);
      target.append(wrap);
      controls.push(() => {
        if (when) wrap.hidden = !when();
        for (const [value, b] of buttons) {
          const on = value === state[key];
          b.setAttribute('aria-checked', on);
          b.tabIndex = on ? 0 : -1;
        }
      });
      return wrap;
    };
    s.tick = (key, { label, when } = {}) => {
      // a field of one('no', 'yes') or one('yes', 'no')
      const box = el('input', {
        type: 'checkbox',
        onchange: () => lab.set({ [key]: box.checked ? 'yes' : 'no' }),
      });
      const wrap = el('label', { class: 'tick' }, box, label);
      target.append(wrap);
      controls.push(() => {
        box.checked = state[key] === 'yes';
        if (when) wrap.hidden = !when();
      });
      return wrap;
    };
    s.buttons = (...items) => {
      const row = el('div', { class: 'buttons' });
      const all = items.map(([text, fn, kind]) => {
        const b = el('button', { type: 'button', class: kind ?? '' }, text);
        b.onclick = () => fn(b);
        row.append(b);
        return b;
      });
      target.append(row);
      return all;
    };
    // A table of live numbers. rows: [[key, name, note, tone], ...]; set({key: text or number}).
    s.numbers = (rows, place = stage, digits = 3) => {
      const table = el('dl', { class: 'numbers' }),
        cells = {},
        notes = {};
      for (const [key, label, note, tone] of rows) {
        const value = el('dd', {}),
          small = el('dd', { class: 'note' }, note ?? '');
        const term = el('dt', {}, label);
        if (tone) term.dataset.tone = tone;
        table.append(el('div', {}, term, value, small));
        cells[key] = value;
        notes[key] = small;
      }
      place.append(table);
      return (values, remarks = {}) => {
        for (const [key, v] of Object.entries(values)) {
          const text = typeof v === 'string' ? v : words(v, digits);
          if (cells[key].textContent !== text) cells[key].textContent = text;
        }
        for (const [key, text] of Object.entries(remarks))
          if (notes[key].textContent !== text) notes[key].textContent = text;
      };
    };
    // Mathematics in plain HTML, with places for numbers. Text is ours, never a visitor's:
    // {key} a live number, [[a|b]] a fraction (or [[a//b]] where it holds a bar), _x and ^x (or _{..}) below and above, *x* in italics.
    s.formula = (text, place = stage) => {
      const box = el('div', {
          class: 'formula',
          tabindex: '0',
          role: 'group',
          'aria-label': 'Formula with its numbers',
        }),
        slots = {};
      box.innerHTML = markup(text);
      for (const b of box.querySelectorAll('b[data-n]')) (slots[b.dataset.n] ??= []).push(b);
      place.append(box);
      return (values, digits = 3) => {
        for (const [key, v] of Object.entries(values)) {
          const shown = typeof v === 'string' ? v : words(v, digits);
          for (const b of slots[key] ?? []) if (b.textContent !== shown) b.textContent = shown;
        }
      };
    };
    s.note = (html, place = stage) => {
      const p = el('p', { class: 'words' });
      p.innerHTML = markup(html);
      place.append(p);
      return p;
    };
    // Runs step() once a frame while it is on and on screen; step may return false to end.
    s.loop = (step, button, texts = ['Play', 'Pause']) => {
      let on = false;
      const turn = next => {
        if (on === next) return;
        on = next;
        if (button) {
          button.textContent = texts[on ? 1 : 0];
          button.setAttribute('aria-pressed', on);
        }
        if (on) requestAnimationFrame(tick);
      };
      const tick = () => {
        if (!on) return;
        if (ended || scenes[state.scene] !== s || !node.isConnected || !node.offsetParent) {
          turn(false);
          return;
        }
        if (step() === false) turn(false);
        else requestAnimationFrame(tick);
        lab.changed();
      };
      if (button) {
        button.onclick = () => turn(!on);
        button.setAttribute('aria-pressed', 'false');
      }
      return {
        start: () => turn(true),
        stop: () => turn(false),
        get on() {
          return on;
        },
      };
    };
    s.node = node;
    s.draw = item.build(s);
    if (item.words) stage.prepend(el('p', { class: 'lead' }, item.words));
    return s;
  };

  const markup = text =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replace(/\[\[(.+?)\]\]/g, (_, inside) => {
        const [up, down] = inside.includes('//') ? inside.split('//') : inside.split('|');
        return `<span class="frac"><span>${up}</span><span>${down}</span></span>`;
      })
      .replace(/_\{(.+?)\}/g, '<sub>$1</sub>')
      .replace(/\^\{(.+?)\}/g, '<sup>$1</sup>')
      .replace(/_([A-Za-z0-9θφσ*])/g, '<sub>$1</sub>')
      .replace(/\^([A-Za-z0-9])/g, '<sup>$1</sup>')
      .replace(/\*(.+?)\*/g, '<i>$1</i>')
      .replace(/\{(\w+)\}/g, '<b data-n="$1"></b>');

  // A question that is answered before the answer is shown.
  const ask = item => {
    const said = el('div', { class: 'said', role: 'status' });
    const group = el(
      'div',
      { class: 'options' },
      ...item.choices.map((text, i) => {
        const b = el('button', { type: 'button' }, text);
        b.onclick = () => {
          group.querySelectorAll('button').forEach((other, j) => {
            other.classList.toggle('right', j === item.answer);
            other.classList.toggle('wrong', j === i && i !== item.answer);
            other.setAttribute('aria-pressed', j === i);
          });
          said.replaceChildren(
            el('b', {}, i === item.answer ? 'Yes. ' : `No: ${item.choices[item.answer]}. `),
            item.reveal,
          );
        };
        return b;
      }),
    );
    return el(
      'section',
      { class: 'question', 'aria-label': 'Question' },
      el('h3', {}, 'Before you try'),
      el('p', {}, item.question),
      group,
      said,
    );
  };
  const code = text => {
    const pre = el('pre', { tabindex: '0', 'aria-label': 'Python code' }, el('code', {}, text));
    const copy = el('button', { type: 'button' }, 'Copy');
    copy.onclick = async () => {
      const done = await navigator.clipboard?.writeText(text).then(
        () => true,
        () => false,
      );
      if (!done) getSelection().selectAllChildren(pre);
      copy.textContent = done ? 'Copied' : 'Selected';
      setTimeout(() => {
        copy.textContent = 'Copy';
      }, 1500);
    };
    return el(
      'details',
      { class: 'code' },
      el('summary', {}, 'Show the code'),
      el('div', { class: 'pad' }, copy, pre),
    );
  };

  // -- the laboratory itself ---------------------------------------------------------------------
  const link = el('button', { type: 'button', class: 'link' }, 'Copy link');
  link.onclick = async () => {
    clearTimeout(saving);
    put(States.write(spec, state));
    const done = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    link.textContent = done ? 'Link copied' : 'The link is in the address bar';
    setTimeout(() => {
      link.textContent = 'Copy link';
    }, 2000);
  };
  const anew = el('button', { type: 'button', class: 'link' }, 'Start anew');
  anew.onclick = () => {
    const { scene } = state;
    Object.assign(state, States.fresh(spec), { scene });
    for (const s of Object.values(scenes)) s.reset?.();
    lab.changed();
  };
  const row = el('div', {
    class: 'scenes',
    role: 'tablist',
    'aria-label': `Steps of ${about.title}`,
  });
  const panel = el('div', { class: 'panel' });
  const returns = el(
    'ul',
    {},
    ...about.returns.map(({ tab, part, words: text }) => {
      const b = el('button', { type: 'button' }, about.tabs[tab] ?? tab);
      b.onclick = () => {
        if (part) GE.choosePart(tab, part);
        GE.go(tab);
      };
      return el('li', {}, b, ` ${text}`);
    }),
  );
  const foot = el(
    'div',
    { class: 'foot' },
    el('section', {}, el('h3', {}, 'Where it belongs'), el('p', {}, about.lecture), returns),
    code(about.code),
  );
  host.replaceChildren(
    el(
      'div',
      { class: 'top' },
      el('h2', {}, about.title),
      el('p', {}, about.blurb),
      el('div', { class: 'links' }, anew, link),
    ),
    row,
    panel,
    foot,
  );
  const tabs = view.scenes.map((item, k) => {
    const b = el(
      'button',
      { type: 'button', role: 'tab', id: `idea-${name}-tab-${item.key}` },
      item.title,
    );
    b.onclick = () => {
      state.scene = item.key;
      show();
      lab.changed();
    };
    row.append(b);
    return b;
  });
  row.hidden = view.scenes.length < 2;
  const show = () => {
    const item = view.scenes.find(s => s.key === state.scene);
    tabs.forEach((b, k) => {
      const on = view.scenes[k] === item;
      b.setAttribute('aria-selected', on);
      b.tabIndex = on ? 0 : -1;
      if (on)
        row.scrollLeft = Math.max(
          0,
          b.offsetLeft - row.offsetLeft + b.offsetWidth - row.clientWidth,
        );
    });
    if (!scenes[item.key]) {
      scenes[item.key] = makeScene(item);
      scenes[item.key].side.append(...about.questions.filter(q => q.scene === item.key).map(ask));
      panel.append(scenes[item.key].node);
    }
    for (const [key, s] of Object.entries(scenes)) s.node.hidden = key !== item.key;
  };
  show();
  draw();
  // Canvases take their colours when they are drawn: light and dark are drawn anew.
  const dark = new MutationObserver(() => {
    if (!frame) frame = requestAnimationFrame(draw);
  });
  dark.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  return {
    lab,
    close: () => {
      ended = true;
      dark.disconnect();
      clearTimeout(saving);
      host.replaceChildren();
    },
  };
};
