// Controls beside a stage: a label, what is set, and what it does. Each gives {element, value()}.

let controls = 0;
const labelled = (title, input, ...more) => {
  input.id ||= 'control-' + ++controls;
  return make('div', { class: 'control' }, make('label', { for: input.id }, title), ...more, input);
};

const numberBox = (title, value, low, high, changed) => {
  const input = make('input', {
    type: 'number',
    min: low,
    max: high,
    step: 1,
    inputmode: 'numeric',
  });
  const read = () => {
    const typed = Math.round(Number(input.value));
    return Number.isFinite(typed) ? Math.min(high, Math.max(low, typed)) : value;
  };
  input.value = value;
  input.onchange = () => {
    input.value = read();
    changed();
  };
  const set = to => {
    input.value = to;
  };
  return { element: labelled(title, input), value: read, set };
};

const slider = (title, value, low, high, step, changed, words = v => v.toFixed(2)) => {
  const input = make('input', { type: 'range', min: low, max: high, step }),
    said = make('output');
  input.value = value;
  const say = () => {
    said.textContent = words(+input.value);
  };
  input.oninput = say;
  input.onchange = changed;
  say();
  return { element: labelled(title, input, said), value: () => +input.value };
};

const choice = (title, options, value, changed) => {
  const input = make('select');
  for (const [words, option] of options) input.append(make('option', { value: option }, words));
  input.value = value;
  input.onchange = changed;
  const set = to => {
    input.value = to;
  };
  return { element: labelled(title, input), value: () => input.value, set };
};

// The class asked for: {element, value()}, of which value() is null for any. None for a model that
// knows no classes.
const classChoice = (changed, any = 'any') => {
  const { classes, config } = model;
  if (!config.classes) return null;
  const names = Array.from({ length: config.classes }, (_, k) => [
    classes[k] ?? String(k),
    String(k),
  ]);
  const made = choice('Class', any ? [[any, ''], ...names] : names, any ? '' : '0', changed);
  return {
    ...made,
    value: () => (made.element.lastChild.value === '' ? null : +made.element.lastChild.value),
  };
};

// The knobs of a draw that the model has, by name. steps: how many are offered.
const KNOBS = {
  temperature: (knob, changed) => slider('Temperature', 1, knob.above ? 0.05 : 0, 2, 0.05, changed),
  truncation: (knob, changed) => ({
    ...slider('Truncation', 4, 0.1, 4, 0.1, changed, v => (v >= 4 ? 'none' : '±' + v.toFixed(1))),
    read: v => (v >= 4 ? Infinity : v),
  }),
  guidance: (knob, changed) => slider('Guidance', 1, 0, 8, 0.25, changed),
  order: (knob, changed) => {
    const { orders = [] } = model.config;
    if (orders.length < 2) return null;
    return choice(
      'Order',
      orders.map((name, k) => [name, k]),
      0,
      changed,
    );
  },
  steps: (knob, changed) => {
    const { steps } = model.config;
    if (!steps) return slider('Gibbs steps', 200, 10, 1000, 10, changed, String);
    return choice(
      'Steps',
      Object.keys(steps).map(k => [k, k]),
      String(knob.default ?? 20),
      changed,
    );
  },
  sampler: (knob, changed) =>
    choice(
      'Sampler',
      [
        ['DPM-Solver++', 'dpm'],
        ['DDIM', 'ddim'],
      ],
      'dpm',
      changed,
    ),
};
const TEXTS = new Set(['sampler']);

// Those of the model in a place: {read()}, the arguments of a draw.
const knobsIn = (place, changed) => {
  const made = {};
  for (const knob of model.knobs) {
    const control = KNOBS[knob.name]?.(knob, changed);
    if (!control) continue;
    place.append(control.element);
    made[knob.name] = control;
  }
  return () =>
    Object.fromEntries(
      Object.entries(made).map(([name, { value, read = v => v }]) => [
        name,
        TEXTS.has(name) ? value() : read(+value()),
      ]),
    );
};

// A sheet of a tab: controls on the left, the stage on the right.
const sheetIn = panel => {
  const aside = make('div', { class: 'ge-controls' }),
    stage = make('div', { class: 'ge-stage' });
  panel.append(make('div', { class: 'ge-sheet' }, aside, stage));
  return { aside, stage };
};
const button = (words, press, main = false) =>
  make('button', { type: 'button', class: main ? 'primary' : '', onclick: press }, words);

const seconds = ms => (ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
