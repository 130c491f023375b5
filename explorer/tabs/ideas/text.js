// Elements, and the words, numbers and formulas of a scene.
IDEAS.el = (tag, attributes = {}, ...inside) => {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (k === 'class') node.className = v;
    else if (k.startsWith('on')) node[k] = v;
    else if (v !== undefined) node.setAttribute(k, v);
  }
  node.append(...inside.filter(part => part != null));
  return node;
};

// Mathematics in plain HTML, with places for numbers. Text is ours, never a visitor's:
// {key} a live number, [[a|b]] a fraction (or [[a//b]] where it holds a bar), _x and ^x (or _{..})
// below and above, *x* in italics.
IDEAS.markup = text =>
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

// What a scene can say. Words go to the controls, everything else to the stage.
IDEAS.texts = s => {
  const { el, words, stage } = s;
  s.text = (text, place = s.target) => {
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
  // See IDEAS.markup.
  s.formula = (text, place = stage) => {
    const box = el('div', {
        class: 'formula',
        tabindex: '0',
        role: 'group',
        'aria-label': 'Formula with its numbers',
      }),
      slots = {};
    box.innerHTML = IDEAS.markup(text);
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
    p.innerHTML = IDEAS.markup(html);
    place.append(p);
    return p;
  };
};
