// The settings of the methods on stage, each with its help; those that may change during a run do.
PLANE.settings = app => {
  const { el } = PLANE;
  const box = el('div', { class: 'fields' }),
    which = el('div', { class: 'choice', role: 'radiogroup', 'aria-label': 'Whose settings' });
  const reset = el(
    'button',
    {
      type: 'button',
      onclick: () => {
        const config = { ...app.state.config };
        delete config[key];
        shape = '';
        app.set({ config });
      },
    },
    'Default settings',
  );
  const node = el(
    'details',
    { class: 'settings' },
    el('summary', {}, 'Settings'),
    which,
    box,
    el('div', { class: 'buttons' }, reset),
  );
  let key = '',
    shape = '',
    inputs = [];

  const put = (field, value) => {
    const own = { ...(app.state.config[key] ?? {}) };
    if (value === field.value) delete own[field.key];
    else own[field.key] = value;
    const config = { ...app.state.config, [key]: own };
    if (!Object.keys(own).length) delete config[key];
    app.set({ config });
    if (field.live) app.tune(key, { [field.key]: value });
  };
  const make = (field, k) => {
    const id = `plane-setting-${k}`,
      problem = el('small', { class: 'problem', role: 'alert' });
    let input;
    if (field.choices.length)
      input = el(
        'select',
        {},
        field.choices.map(v => el('option', { value: v }, v)),
      );
    else if (field.kind === 'bool') input = el('input', { type: 'checkbox' });
    else
      input = el('input', {
        type: 'text',
        inputmode: field.kind === 'int' ? 'numeric' : 'decimal',
        autocomplete: 'off',
      });
    input.id = id;
    input.name = field.key;
    input.setAttribute('aria-describedby', id + '-help');
    input.onchange = () => {
      if (field.kind === 'bool') return put(field, input.checked);
      if (field.choices.length || field.kind === 'str') return put(field, input.value);
      const text = input.value.trim().replace('−', '-').replace(',', '.'),
        v = Number(text),
        now = app.state.config[key]?.[field.key] ?? field.value;
      const [low, high] = [field.low ?? 'any number', field.high ?? 'any number'],
        limits = `It goes from ${low} to ${high}; ${now} is kept.`;
      problem.textContent =
        text === '' || Number.isNaN(v)
          ? `“${input.value.trim().slice(0, 20)}” is not a number; ${now} is kept.`
          : field.kind === 'int' && !Number.isInteger(v)
            ? `Whole numbers only; ${now} is kept.`
            : (field.low != null && v < field.low) || (field.high != null && v > field.high)
              ? limits
              : '';
      if (problem.textContent) input.value = now;
      else put(field, v);
    };
    return {
      field,
      input,
      node: el(
        'div',
        { class: 'field' },
        el('label', { for: id }, field.label),
        input,
        el(
          'small',
          { id: id + '-help' },
          field.help + (field.live ? ' May be changed during a run.' : ''),
        ),
        problem,
      ),
    };
  };
  const paint = () => {
    const methods = [...new Set(app.state.methods)];
    if (!methods.includes(key)) key = methods[0];
    const now = methods.join() + key;
    if (now !== shape) {
      shape = now;
      which.hidden = methods.length < 2;
      which.replaceChildren(
        ...methods.map(m =>
          el(
            'button',
            {
              type: 'button',
              role: 'radio',
              'aria-checked': String(m === key),
              onclick: () => {
                key = m;
                app.changed();
              },
            },
            app.method(m)?.title ?? m,
          ),
        ),
      );
      inputs = (app.method(key)?.fields ?? []).map(make);
      box.replaceChildren(...inputs.map(i => i.node));
    }
    const running = app.running();
    for (const { field, input, node: row } of inputs) {
      const value = app.state.config[key]?.[field.key] ?? field.value;
      input.disabled = running && !field.live;
      row.classList.toggle('changed', value !== field.value);
      if (document.activeElement === input) continue;
      if (field.kind === 'bool') input.checked = value;
      else if (input.value !== String(value)) input.value = value;
    }
    reset.hidden = !app.state.config[key];
    reset.disabled = running;
  };
  return { node, paint };
};
