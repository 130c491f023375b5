// A laboratory on the page: its scenes, its questions, its code and its link.
IDEAS.open = (host, name, about, view, given, put) => {
  const { state: States, words, el, plot: makePlot } = IDEAS;
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
    const s = {
      lab,
      state,
      el,
      side,
      stage,
      target: side, // where widgets go
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
      const before = s.target;
      s.target = place;
      fn();
      s.target = before;
      return place;
    };
    s.row = (least = 320) => {
      const row = el('div', { class: 'plots' });
      row.style.setProperty('--least', least + 'px');
      stage.append(row);
      return row;
    };
    s.plot = (options, place = stage) => makePlot(place, options);
    let many = 0;
    IDEAS.texts(s);
    IDEAS.controls(
      s,
      spec,
      () => `idea-${name}-${item.key}-${many++}`,
      fn => controls.push(fn),
    );
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
    const notebook = el('button', { type: 'button' }, 'Notebook');
    notebook.onclick = () => GE.saveNotebook(text);
    return el(
      'details',
      { class: 'code' },
      el('summary', {}, 'Show the code'),
      el('div', { class: 'pad' }, el('div', { class: 'acts' }, copy, notebook), pre),
    );
  };

  // -- the laboratory itself ---------------------------------------------------------------------
  const link = el('button', { type: 'button', class: 'link' }, 'Copy link');
  link.onclick = async () => {
    clearTimeout(saving);
    put(States.write(spec, state));
    const done = await navigator.clipboard?.writeText(GE.link()).then(
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
  const tabs = view.scenes.map(item => {
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
