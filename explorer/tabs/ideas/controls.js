// The controls of a scene: sliders, choices, ticks, buttons, and what runs while one watches.
// spec: the fields of the state. id: a new element's. follow(fn): run before each drawing.
IDEAS.controls = (s, spec, id, follow) => {
  const { el, state } = s;
  // A handle on the top of a normal's density: across is its mean, down its width. mean, width:
  // fields of the state. least: the lowest top, of the widest. before(): what a drag does first.
  s.bell = (plot, { name = 'q: mean and width', mean, width, least, step, reach, before }) =>
    plot.handle({
      name,
      tone: 'q',
      step,
      at: () => [
        state[mean],
        Math.min(plot.y[1] * 0.97, IDEAS.maths.normalPdf(0, 0, state[width])),
      ],
      move: (x, y) => {
        before?.();
        const top = IDEAS.maths.normalPdf(0, 0, 1);
        s.set({ [mean]: +x.toFixed(3), [width]: +(top / Math.max(least, y)).toFixed(4) });
      },
      say: () => `mean ${state[mean].toFixed(2)}, width ${state[width].toFixed(2)}`,
      range: () => [state[mean], -reach, reach],
    });
  // The way that a search took over a map: points [x, y].
  s.trail = (pen, points) => {
    const [xs, ys] = [0, 1].map(k => points.map(point => point[k]));
    if (points.length > 1) pen.line(xs, ys, 'q', { width: 1.4 });
  };
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
      if (index === undefined) s.set({ [key]: v });
      else {
        const next = [...state[key]];
        next[index] = v;
        s.set({ [key]: next });
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
    s.target.append(wrap);
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
        v = Number(text),
        typed = box.value.trim().slice(0, 20);
      if (text === '' || Number.isNaN(v))
        problem.textContent = `“${typed}” is not a number; ${shown(get())} is kept.`;
      else if (v < low || v > high)
        problem.textContent =
          `It can lie between ${+low} and ${+high}; ${shown(get())} is kept.`.replaceAll('-', '−');
      else if (whole && !Number.isInteger(v))
        problem.textContent = `Whole numbers only; ${shown(get())} is kept.`;
      else {
        problem.textContent = '';
        put(v);
      }
      box.value = shown(get());
    };
    follow(() => {
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
        s.set({ [key]: value });
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
    s.target.append(wrap);
    follow(() => {
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
      onchange: () => s.set({ [key]: box.checked ? 'yes' : 'no' }),
    });
    const wrap = el('label', { class: 'tick' }, box, label);
    s.target.append(wrap);
    follow(() => {
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
    s.target.append(row);
    return all;
  };
};
