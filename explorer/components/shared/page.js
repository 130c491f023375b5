// The page as a whole: address, tabs, model, light and dark.
(ge => {
  Object.assign(ge, {
    models: [],
    needs: {},
    notices: {},
    current: '',
    tab: '',
    wake: () => {},
    shown: {},
    parts: {},
    chosen: {},
    here: {},
  });

  const params = () => new URLSearchParams(location.search);
  // An older address is read under the names of today (page/address.py).
  const today = () => {
    const told = new URLSearchParams(),
      names = window.GE_RENAMED ?? {},
      old = params();
    for (let [key, value] of old) {
      const [head, ...rest] = key.split('.');
      const own = key => Object.hasOwn(names, key);
      const name = own(key) ? names[key] : [own(head) ? names[head] : head, ...rest].join('.');
      if (key === 'tab' && Object.hasOwn(names, value)) value = names[value];
      if (name === key || !old.has(name)) told.set(name, value);
    }
    if (told.toString() === old.toString()) return;
    history.replaceState(null, '', location.pathname + '?' + told + location.hash);
  };
  today();
  // What the address said when the page was opened, or went back to a state (see travel.js).
  ge.asked = params();

  // Writes one value into the address, without a request; a default value is left out. A step (to
  // another tab, part or model) is one that the browser's back button undoes.
  ge.put = (key, value, initial, step = false) => {
    if (!ge.isOpen) return;
    const p = params();
    const text = v => (v !== null && typeof v === 'object' ? JSON.stringify(v) : String(v ?? ''));
    if (text(value) === text(initial)) p.delete(key);
    else p.set(key, text(value));
    ge.write(p.toString(), step);
  };
  ge.write = (query, step) => {
    const address = location.pathname + (query ? '?' + query : '') + location.hash;
    const changed = params().toString() !== query || ge.here.model !== ge.current;
    history[step && changed ? 'pushState' : 'replaceState'](null, '', address);
    mark();
  };
  // Own models have no name in the address; the browser's history knows them.
  const mark = () => {
    history.replaceState({ model: ge.current }, '');
    ge.here = { query: ge.address(), model: ge.current };
  };

  // A tab came on screen (its select event, or the page's opening).
  ge.entered = tab => {
    ge.tab = tab;
    // Of an address that says more than the tab, the first one is named as well: see tabOf.
    const says = [...params().keys()].some(key => key !== 'tab' && !ge.ofPage(key));
    ge.put('tab', tab, says && ge.firstTab !== ge.firstOfModels ? null : ge.firstTab, true);
    ge.settle();
    document.dispatchEvent(new CustomEvent('ge:tab', { detail: tab }));
    ge.show();
  };
  // Which part of a tab with several is chosen; null for a tab of one piece.
  ge.partOf = tab => {
    const all = ge.parts[tab];
    if (!all) return null;
    const part = ge.chosen[tab] ?? ge.asked.get(tab + '.part');
    if (all.some(p => p.key === part)) return part;
    // Not chosen by anybody: the first that the model can serve.
    const { wish } = ge;
    const fits = p => (wish !== null ? ge.serves(tab, wish, p.key) : ge.hasModels(tab, p.key));
    return (all.find(fits) ?? all[0]).key;
  };
  ge.choosePart = (tab, part) => {
    ge.chosen[tab] = part;
    // Of a tab that is about to be gone to, the part is no step of its own.
    ge.put(tab + '.part', part, ge.parts[tab][0].key, tab === ge.tab);
    if (tab === ge.tab) ge.settle();
    document.dispatchEvent(new CustomEvent('ge:part', { detail: { tab, part } }));
    ge.show();
  };
  // Tells the tab on screen (or its part) about the model it has not shown yet.
  ge.show = () => {
    const part = ge.partOf(ge.tab),
      place = ge.placeOf(ge.tab, part);
    if (!ge.isOpen || !ge.serves(ge.tab, ge.current, part)) return;
    ge.seenAt[ge.current] = [ge.tab, part];
    if (ge.shown[place] === ge.current) return;
    ge.shown[place] = ge.current;
    ge.wake(place);
  };
  // Links of before there was a first page name a model or settings, and no tab (page/address.py).
  const tabOf = query => {
    const tab = query.get('tab');
    if (Object.hasOwn(ge.needs, tab)) return tab;
    const says = [...query.keys()].some(key => key === 'model' || isOfTab(key));
    return says ? ge.firstOfModels : ge.firstTab;
  };
  const isOfTab = key => key.includes('.') && Object.hasOwn(ge.needs, key.split('.')[0]);
  // What a link names is as good as chosen; settings without a model are of the first one.
  const wishOf = (query, model) => {
    const says = key => key === 'model' || (isOfTab(key) && !key.endsWith('.part'));
    const named = model?.includes('~') || [...query.keys()].some(says);
    return named && ge.models.some(each => each.name === model) ? model : null;
  };
  // What the address says of the window rather than of the state in it.
  ge.ofPage = key => ['view', 'lang', 'tour', 'station'].includes(key) || key.startsWith('__');
  // The controls have the values that the address asked for.
  ge.opened = model => {
    ge.current = model ?? ge.current;
    ge.wish = wishOf(ge.asked, ge.current);
    ge.tab = tabOf(ge.asked);
    ge.shown = {};
    ge.settle(true);
    ge.isOpen = true;
    mark();
    ge.putModel();
    document.dispatchEvent(new CustomEvent('ge:tab', { detail: ge.tab }));
    ge.show();
    document.body.dataset.ge = 'open';
  };
  // The same for a state that is gone to while the page is open: all of it is shown anew.
  ge.reopened = model => {
    ge.asked = params();
    ge.isOpen = true;
    ge.current = model ?? ge.current;
    const before = ge.tab;
    ge.wish = wishOf(ge.asked, ge.current);
    ge.tab = tabOf(ge.asked);
    ge.chosen = {};
    ge.shown = {};
    ge.lastAt = {};
    ge.settle(true);
    for (const tab of Object.keys(ge.parts)) {
      document.dispatchEvent(new CustomEvent('ge:part', { detail: { tab, part: ge.partOf(tab) } }));
    }
    mark();
    // By a press, as a person does it: told twice in a moment which tab to show, Gradio's tabs go
    // to and fro for ever.
    if (before === ge.tab) ge.entered(ge.tab);
    else ge.go(ge.tab);
  };

  ge.go = tab => {
    const shown = document.querySelector(`#ge-tabs [role=tab][data-tab-id="${CSS.escape(tab)}"]`);
    // Those for which there is no room stand in the menu: the last ones, in their order.
    const keys = Object.keys(ge.needs);
    const menu = document.querySelectorAll('#ge-tabs .overflow-dropdown button');
    (shown ?? menu[menu.length - keys.length + keys.indexOf(tab)])?.click();
  };

  // A random key by which this browser finds what it has here when a page is loaded anew.
  let key = null;
  ge.visitor = () => {
    const name = 'generative-explorer-visitor';
    const known = () => /^[0-9a-f]{32}$/.test(key);
    if (known()) return key;
    try {
      key = localStorage.getItem(name);
    } catch {
      /* a browser that keeps nothing */
    }
    if (known()) return key;
    key = [...crypto.getRandomValues(new Uint8Array(16))]
      .map(b => b.toString(16).padStart(2, '0'))
      .join('');
    try {
      localStorage.setItem(name, key);
    } catch {
      /* then this page alone knows it */
    }
    return key;
  };

  // A page that is closed says so. One that falls silent, as a phone's that sleeps, is waited for.
  addEventListener('pagehide', event => {
    const address = new URL('visitor/closed', document.baseURI).href;
    if (!event.persisted) navigator.sendBeacon?.(address, ge.visitor());
  });

  ge.toggleTheme = () => document.body.classList.toggle('dark');

  // Equations wider than the column scroll, also by keyboard.
  document.addEventListener('click', event => {
    const note = event.target.closest?.('.ge-note');
    if (!note || note.dataset.watched) return;
    note.dataset.watched = 'yes';
    const reach = () =>
      note.querySelectorAll('.katex-display:not([tabindex])').forEach(equation => {
        equation.tabIndex = 0;
      });
    new MutationObserver(reach).observe(note, { childList: true, subtree: true });
    reach();
  });

  // Sliders. A number beyond the range is neither sent nor left standing: when it has been typed,
  // the nearest one that there is takes its place, and is what is drawn. And what happens when a
  // slider is let go happens after a key as well.
  const rangeOf = box =>
    box.matches?.('input[data-testid=number-input]')
      ? box.closest('.wrap')?.querySelector('input[type=range]')
      : null;
  const beyond = box => box.value === '' || +box.value < +box.min || +box.value > +box.max;
  const letGo = input => input.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
  document.addEventListener(
    'input',
    event => {
      if (rangeOf(event.target) && beyond(event.target)) event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener(
    'change',
    event => {
      const box = event.target,
        range = rangeOf(box);
      if (!range) return;
      if (beyond(box)) {
        box.value =
          box.value === '' ? range.value : Math.min(Math.max(+box.value, +box.min), +box.max);
        box.dispatchEvent(new Event('input', { bubbles: true }));
      }
      letGo(box);
    },
    true,
  );
  // To leave a slider's number as it was is no wish.
  document.addEventListener(
    'blur',
    event => {
      if (event.target instanceof Element && rangeOf(event.target))
        event.stopImmediatePropagation();
    },
    true,
  );
  let keyed = 0;
  document.addEventListener('keyup', event => {
    if (!event.target.matches?.('input[data-testid=range-input]')) return;
    if (!/^(Arrow|Page|Home|End)/.test(event.key)) return;
    clearTimeout(keyed);
    keyed = setTimeout(letGo, 250, event.target);
  });

  // Left and right move between tabs, as people who use the keyboard expect.
  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    if (!tab) return;
    const all = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')].filter(
      t => !t.disabled && t.offsetParent !== null,
    );
    const at = all.indexOf(tab),
      last = all.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    all[to].focus();
    all[to].click();
  });
})(window.GE);
