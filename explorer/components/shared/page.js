// The page as a whole: address, tabs, model, light and dark. One object, GE, for all components.
window.GE = (() => {
  const OURS = { model: null, tab: null };
  const ge = {
    models: [], needs: {}, notices: {}, current: '', tab: '', wake: () => {}, shown: {},
    parts: {}, chosen: {}, films: {},
  };
  const params = () => new URLSearchParams(location.search);
  // An older address is read under the names of today (page/address.py).
  const today = () => {
    const told = new URLSearchParams(), names = window.GE_RENAMED ?? {}, old = params();
    for (let [key, value] of old) {
      const [head, ...rest] = key.split('.');
      const name = [Object.hasOwn(names, head) ? names[head] : head, ...rest].join('.');
      if (key === 'tab' && Object.hasOwn(names, value)) value = names[value];
      if (name === key || !old.has(name)) told.set(name, value);
    }
    if (told.toString() === old.toString()) return;
    history.replaceState(null, '', location.pathname + '?' + told + location.hash);
  };
  today();
  const asked = params();

  // Writes one value into the address, without a request; a default value is left out.
  ge.put = (key, value, initial) => {
    if (!ge.isOpen) return;
    const p = params();
    const text = v => (v !== null && typeof v === 'object' ? JSON.stringify(v) : String(v ?? ''));
    if (text(value) === text(initial)) p.delete(key); else p.set(key, text(value));
    const query = p.toString();
    history.replaceState(null, '', location.pathname + (query ? '?' + query : '') + location.hash);
  };

  const serves = (needs, name) => {
    if (needs?.length === 0) return true;  // a tab that works without any model
    const model = ge.models.find(m => m.name === name);
    return !!model && (needs || []).every(need => model.capabilities.includes(need));
  };
  const able = (tab, name) => serves(ge.needs[tab], name);

  // Shows each tab's content, or the sentence that says why not.
  ge.gate = () => {
    let style = document.getElementById('ge-gate');
    if (!style) {
      style = document.head.appendChild(document.createElement('style'));
      style.id = 'ge-gate';
    }
    const closed = Object.keys(ge.needs).filter(tab => !able(tab, ge.current));
    style.textContent = closed
      .map(tab => `.ge-panel-${tab} { display: none !important; }
                   .ge-notice.ge-notice-${tab} { display: block !important; }`).join('\n');
    for (const tab of closed) fillNotice(tab);
  };
  const fillNotice = tab => {
    const box = ge.notices[tab];
    if (!box) return;
    const title = ge.models.find(m => m.name === ge.current)?.title ?? 'This model';
    const others = ge.models.filter(m => able(tab, m.name));
    const words = (ge.words?.[tab] ?? []).join(' and ');
    box.querySelector('p').textContent = !ge.models.length
      ? 'There are no models here yet: train one, or start with --checkpoints FOLDER.'
      : `${title} cannot ${words}, which this tab needs.` +
        (others.length ? ' These can:' : ' No model here can.');
    const offers = box.querySelector('.offers');
    offers.replaceChildren(...others.map(m => {
      const b = document.createElement('button');
      b.type = 'button';
      b.textContent = m.title;
      b.onclick = () => ge.choose(m.name);
      return b;
    }));
  };

  // A tab came on screen (its select event, or the page's opening).
  ge.entered = tab => {
    ge.tab = tab;
    ge.put('tab', tab, ge.firstTab);
    document.dispatchEvent(new CustomEvent('ge:tab', { detail: tab }));
    ge.show();
  };
  // Which part of a tab with several is chosen; null for a tab of one piece.
  ge.partOf = tab => {
    const all = ge.parts[tab];
    if (!all) return null;
    const part = ge.chosen[tab] ?? asked.get(tab + '.part');
    if (all.some(p => p.key === part)) return part;
    // Not chosen by anybody: the first that the model can serve.
    return (all.find(p => serves(p.needs, ge.current)) ?? all[0]).key;
  };
  ge.choosePart = (tab, part) => {
    ge.chosen[tab] = part;
    ge.put(tab + '.part', part, ge.parts[tab][0].key);
    document.dispatchEvent(new CustomEvent('ge:part', { detail: { tab, part } }));
    ge.show();
  };
  // Tells the tab on screen (or its part) about the model it has not shown yet.
  ge.show = () => {
    const part = ge.partOf(ge.tab), place = part ? ge.tab + '_' + part : ge.tab;
    if (!ge.isOpen || !able(ge.tab, ge.current) || ge.shown[place] === ge.current) return;
    ge.shown[place] = ge.current;
    ge.wake(place);
  };
  // The controls have the values that the address asked for.
  ge.opened = model => {
    ge.isOpen = true;
    ge.current = model ?? ge.current;
    const known = Object.keys(ge.needs);
    ge.tab = known.includes(asked.get('tab')) ? asked.get('tab') : ge.firstTab;
    const bare = [...asked.keys()].every(k => k === 'tab' || k.startsWith('__'));
    ge.shown = bare ? { ...ge.prepared } : {};
    ge.gate();
    document.dispatchEvent(new CustomEvent('ge:tab', { detail: ge.tab }));
    ge.show();
    document.body.dataset.ge = 'open';
  };

  ge.go = tab => {
    const index = Object.keys(ge.needs).indexOf(tab);
    const buttons = document.querySelectorAll('#ge-tabs [role=tab][data-tab-id]');
    const wanted = [...buttons].find(b => b.dataset.tabId === tab) ??
      document.querySelectorAll('#ge-tabs [role=tab]')[index];
    wanted?.click();
  };

  // A random key by which this browser finds what it has here when a page is loaded anew.
  ge.visitor = () => {
    const name = 'generative-explorer-visitor';
    let key = null;
    try { key = localStorage.getItem(name); } catch { /* a browser that keeps nothing */ }
    if (/^[0-9a-f]{32}$/.test(key)) return key;
    key = [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join('');
    try { localStorage.setItem(name, key); } catch { /* then this page alone knows it */ }
    return key;
  };

  ge.toggleTheme = () => document.body.classList.toggle('dark');

  // Equations wider than the column scroll, also by keyboard.
  document.addEventListener('click', event => {
    const note = event.target.closest?.('.ge-note');
    if (!note || note.dataset.watched) return;
    note.dataset.watched = 'yes';
    const reach = () => note.querySelectorAll('.katex-display:not([tabindex])')
      .forEach(equation => { equation.tabIndex = 0; });
    new MutationObserver(reach).observe(note, { childList: true, subtree: true });
    reach();
  });

  // Left and right move between tabs, as people who use the keyboard expect.
  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    if (!tab) return;
    const all = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')]
      .filter(t => !t.disabled && t.offsetParent !== null);
    const at = all.indexOf(tab), last = all.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1,
                 Home: 0, End: last }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    all[to].focus();
    all[to].click();
  });

  return ge;
})();
