// Puts the page's words into another language, in place and as they come, and back into English.
// What stands in the code stays known: GE.textOf reads it, and whoever compares finds it unchanged.
(ge => {
  if (ge.speak) return;
  const SLOT = '{}';
  let exact = null, // of the language spoken: whole texts, patterns, and what was looked up
    patterns = [],
    looked = new Map();

  const flat = text => text.trim().replace(/\s+/g, ' ');
  const pattern = ([english, own]) => {
    const parts = english.split(SLOT).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const letters = english.replace(/[^A-Za-z]/g, '').length;
    // Where few letters stand about it, what differs is a number: "{} of {}" is in many a sentence.
    const slot = letters > 3 ? '(.*?)' : '([^A-Za-z]*?)';
    // Of two that touch, the first is one word: "of seed {}{}." and ", in 2 ms".
    const test = new RegExp(`^${parts.join(slot).replaceAll(slot + slot, `(\\S*?)(|\\W.*?)`)}$`);
    return { own: own.split(SLOT), letters, test };
  };
  const filled = (parts, values) =>
    parts.map((part, k) => part + (k < values.length ? values[k] : '')).join('');

  // Its own words with the spaces that stood about the English ones.
  const spaced = (text, own) =>
    own === null ? null : /^\s*/.exec(text)[0] + own + /\s*$/.exec(text)[0];
  const isWord = text => /[A-Za-z]{2}/.test(text);

  // A text that has words of its own, else by a pattern, else by what it is joined of.
  const find = (text, depth) => {
    if (Object.hasOwn(exact, text)) return exact[text];
    if (depth > 3 || !isWord(text)) return null;
    const listed = /^(\d+\. )(.+)$/.exec(text),
      item = listed && find(listed[2], depth + 1);
    if (item) return listed[1] + item;
    for (const { own, test, letters } of patterns) {
      const values = test.exec(text)?.slice(1);
      if (!values) continue;
      const put = values.map(each => spaced(each, find(flat(each), depth + 1)) ?? each);
      // Of a short pattern what differs is a number or a name, or has words of its own.
      const strange = values.some((each, k) => put[k] === each && /[a-z]{3}/.test(each));
      if (letters > 12 || !strange) return filled(own, put);
    }
    const joined = (by, all) => {
      const parts = text.split(by);
      if (parts.length < 2) return null;
      const own = parts.map(part => find(part, depth + 1) ?? (isWord(part) ? null : part));
      if (all ? own.includes(null) : own.every(each => each === null)) return null;
      return own.map((each, k) => each ?? parts[k]).join(typeof by === 'string' ? by : ' ');
    };
    const colon = /^(.+?)(\s?[:…]| \*)$/.exec(text);
    const before = colon && find(colon[1], depth + 1);
    if (before) return before + colon[2];
    return joined(' · ', false) ?? joined(/(?<=[.?!…:]) /, true) ?? joined(', ', true);
  };
  const own = text => {
    const bare = flat(text);
    if (!bare || !exact) return null;
    if (!looked.has(bare)) {
      if (looked.size > 5000) looked.clear();
      looked.set(bare, find(bare, 0));
    }
    const found = looked.get(bare);
    return found === bare ? null : spaced(text, found);
  };
  ge.translate = text => own(String(text)) ?? text;

  // -- texts of the page --------------------------------------------------------------------------
  // Code, equations, what a model or a person has written: these have no other language.
  const AS_IS =
    'script, style, code, pre, textarea, .katex, math, [translate=no], [contenteditable=true]';
  const INLINE = 'b, i, em, strong, small, code, kbd, span, a, sub, sup, math';
  const english = new WeakMap(), // text node or element to {attribute or "text": [English, own]}
    changed = new Set(); // those, weakly, so that all go back to English
  const put = (node, key, text, write) => {
    const kept = english.get(node) ?? {};
    if (!english.has(node)) changed.add(new WeakRef(node));
    english.set(node, kept);
    kept[key] = [kept[key]?.[1] === text.now ? kept[key][0] : text.now, text.own];
    write(text.own);
  };
  // What the code had written there, where what stands there is ours.
  const before = (node, key, now) => {
    const kept = english.get(node)?.[key];
    return kept && kept[1] === now ? kept[0] : now;
  };
  const isOurs = (node, key, now) => english.get(node)?.[key]?.[1] === now;
  const textIn = node => before(node, 'text', node.data);
  const set = (node, text) =>
    put(node, 'text', { now: node.data, own: text }, own => (node.data = own));

  // A sentence with something in bold within it, or an equation: its pieces stay in their order.
  const mixed = parent => {
    const nodes = [...parent.childNodes].filter(node => node.nodeType !== Node.COMMENT_NODE);
    const isElement = node => node.nodeType === Node.ELEMENT_NODE;
    if (nodes.length < 2 || !nodes.some(isElement)) return false;
    if (!nodes.every(node => !isElement(node) || node.matches(INLINE))) return false;
    const key = flat(nodes.map(node => (isElement(node) ? SLOT : textIn(node))).join(''));
    if (!Object.hasOwn(exact, key)) return false;
    const parts = exact[key].split(SLOT);
    const gaps = [[]];
    for (const node of nodes) isElement(node) ? gaps.push([]) : gaps.at(-1).push(node);
    if (gaps.length !== parts.length) return false;
    gaps.forEach(([first, ...rest], k) => {
      if (first && first.data !== parts[k]) set(first, parts[k]);
      for (const node of rest) if (node.data) set(node, '');
    });
    return true;
  };
  const whole = new Map(); // parents of this round: whether all of their sentence has been put
  const text = node => {
    const parent = node.parentElement;
    if (!parent || parent.closest(AS_IS)) return;
    if (!whole.has(parent)) whole.set(parent, mixed(parent));
    if (whole.get(parent) || isOurs(node, 'text', node.data)) return;
    if (parent.localName === 'option' && !parent.hasAttribute('value')) parent.value = node.data;
    const words = own(node.data);
    if (words) set(node, words);
  };
  const NAMED = ['aria-label', 'title', 'placeholder', 'aria-description', 'aria-valuetext'];
  const attribute = (node, name) => {
    const now = node.getAttribute(name);
    if (now === null || isOurs(node, name, now) || node.closest('[translate=no]')) return;
    const words = own(now);
    if (words) put(node, name, { now, own: words }, words => node.setAttribute(name, words));
  };
  // What is chosen in a menu of Gradio's stands in a field. It is shown in the page's language, and
  // is as it was while one writes there.
  const field = node => {
    if (node === document.activeElement || isOurs(node, 'value', node.value)) return;
    const words = own(node.value);
    if (words) put(node, 'value', { now: node.value, own: words }, words => (node.value = words));
  };
  const CHOSEN = 'input[role=listbox]';
  document.addEventListener('focusin', ({ target }) => {
    if (target.matches?.(CHOSEN)) target.value = before(target, 'value', target.value);
  });
  document.addEventListener('focusout', ({ target }) => {
    if (target.matches?.(CHOSEN)) schedule();
  });

  const walk = root => {
    if (root.nodeType === Node.TEXT_NODE) text(root);
    if (root.nodeType !== Node.ELEMENT_NODE || root.closest('script, style')) return;
    const all = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = root; node; node = all.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) text(node);
      else for (const name of NAMED) if (node.hasAttribute(name)) attribute(node, name);
    }
  };

  // As it comes: gathered, and done before the next picture is painted.
  let roots = new Set(),
    named = [],
    waits = false;
  const flush = () => {
    waits = false;
    if (!exact) return;
    for (const root of roots) if (root.isConnected) walk(root);
    for (const [node, name] of named) if (node.isConnected) attribute(node, name);
    for (const node of document.querySelectorAll(CHOSEN)) field(node);
    ge.showLanguage();
    roots = new Set();
    named = [];
    whole.clear();
  };
  const schedule = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(flush);
  };
  const observer = new MutationObserver(records => {
    for (const { type, target, addedNodes, attributeName } of records) {
      if (type === 'attributes') named.push([target, attributeName]);
      else if (type === 'characterData') roots.add(target);
      else for (const node of addedNodes) roots.add(node);
    }
    schedule();
  });

  const restore = () => {
    for (const weak of changed) {
      const node = weak.deref();
      for (const [key, [was, now]] of Object.entries((node && english.get(node)) ?? {})) {
        if (key === 'text') {
          if (node.data === now) node.data = was;
        } else if (key === 'value') {
          if (node.value === now) node.value = was;
        } else if (node.getAttribute(key) === now) node.setAttribute(key, was);
      }
      if (node) english.delete(node);
    }
    changed.clear();
  };
  ge.textOf = node =>
    node.nodeType === Node.TEXT_NODE
      ? textIn(node)
      : [...node.childNodes].map(each => ge.textOf(each)).join('');

  // Words that are drawn.
  const drawing = CanvasRenderingContext2D.prototype;
  for (const how of ['fillText', 'strokeText', 'measureText']) {
    const draw = drawing[how];
    drawing[how] = function (words, ...rest) {
      return draw.call(this, exact ? ge.translate(words) : words, ...rest);
    };
  }

  // Speaks by a table from now on; by none: English.
  ge.speak = table => {
    observer.disconnect();
    restore();
    // The numbers of a lecture have names in the table, and are elements on the page.
    const unnamed = text => text.replace(/\{\w+(?::\d)?\}/g, SLOT);
    exact =
      table && Object.fromEntries(Object.entries(table).map(pair => pair.map(unnamed)));
    looked = new Map();
    patterns = Object.entries(exact ?? {})
      .filter(([english]) => english.includes(SLOT))
      .map(pattern)
      .filter(({ letters }) => letters > 0)
      .sort((a, b) => b.letters - a.letters);
    if (!exact) return;
    roots.add(document.body);
    const root = document.documentElement;
    observer.observe(root, { attributes: true, attributeFilter: ['lang'] });
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
      attributeFilter: NAMED,
    });
    flush();
  };
})(window.GE);
