// What the tab is set to, and how a link carries it.
PLANE.state = (() => {
  const { clamp, LOW, HIGH, SIDE } = PLANE.maths;
  const MOST_METHODS = 4,
    LONGEST = 20_000; // letters of a state
  const { points } = PLANE;
  const SURFACES = [
    'density',
    'truth',
    'difference',
    'bound',
    'energy',
    'critic',
    'best_critic',
    'none',
  ];
  const LAYERS = [
    'data',
    'held_out',
    'samples',
    'contours',
    'truth_contours',
    'arrows',
    'streamlines',
    'true_field',
    'paths',
    'mesh',
    'components',
    'posterior',
    'phases',
    'push',
    'slice',
  ];
  const FIRST = {
    methods: ['ddpm'],
    set: 'ring',
    surface: 'density',
    beside: 'none',
    layers: ['data', 'samples'],
    moment: 1,
    time: 1,
    axis: 'moments',
    slice: 0,
    point: null,
    count: 2000,
    seed: 0,
    minutes: 0.5,
    config: {},
    mixture: null,
    points: null,
    lesson: '',
  };
  const fresh = () => structuredClone(FIRST);

  const round = v => String(+(+v).toFixed(3));
  // A mixture: x, y, width, weight of each component.
  const writeMixture = parts => parts.map(p => p.map(round).join(',')).join('~');
  const readMixture = text => {
    const parts = text.split('~').map(part => part.split(',').map(Number));
    const good = p =>
      p.length === 4 &&
      p.every(Number.isFinite) &&
      Math.abs(p[0]) <= HIGH &&
      Math.abs(p[1]) <= HIGH &&
      p[2] >= 0.05 &&
      p[2] <= 2 &&
      p[3] > 0 &&
      p[3] <= 10;
    return parts.length && parts.length <= 16 && parts.every(good) ? parts : null;
  };

  // Per key: its short name, text of a value, and value of a text (undefined where it is none).
  const one = known => [v => v, text => (known.includes(text) ? text : undefined)];
  const name = [v => v, text => (/^[a-z0-9-]{0,40}$/.test(text) ? text : undefined)];
  const number = (low, high) => [
    round,
    text => {
      const v = Number(text);
      return text !== '' && v >= low && v <= high ? v : undefined;
    },
  ];
  const FIELDS = {
    methods: [
      'm',
      v => v.join('.'),
      text => {
        const found = text.split('.').filter(key => /^[a-z0-9-]{1,40}$/.test(key));
        return found.length ? found.slice(0, MOST_METHODS) : undefined;
      },
    ],
    set: ['s', ...name],
    surface: ['f', ...one(SURFACES)],
    beside: ['b', ...one(SURFACES)],
    layers: [
      'l',
      v => v.join('.') || '-',
      text => text.split('.').filter(key => LAYERS.includes(key)),
    ],
    moment: ['u', ...number(0, 1)],
    time: ['t', ...number(0, 1)],
    axis: ['a', ...one(['moments', 'seconds'])],
    slice: ['x', ...number(LOW, HIGH)],
    point: [
      'p',
      v => (v ? v.map(round).join(',') : ''),
      text => {
        const v = text.split(',').map(Number);
        return v.length === 2 && v.every(c => Math.abs(c) <= HIGH) ? v : undefined;
      },
    ],
    count: ['n', ...number(50, 5000)],
    seed: ['r', ...number(0, 999999)],
    minutes: ['w', ...number(0.1, 10)],
    config: [
      'c',
      v =>
        Object.entries(v)
          .map(([key, values]) =>
            [key, ...Object.entries(values).map(([k, x]) => `${k}=${x}`)].join('!'),
          )
          .join('~'),
      text => {
        const found = {};
        for (const item of text.split('~')) {
          const [key, ...pairs] = item.split('!');
          if (!/^[a-z0-9-]{1,40}$/.test(key)) return undefined;
          found[key] = {};
          for (const pair of pairs) {
            const [k, v] = pair.split('=');
            if (!/^\w{1,40}$/.test(k) || v === undefined || v.length > 40) continue;
            const n = Number(v);
            found[key][k] =
              v === 'true' ? true : v === 'false' ? false : v !== '' && !Number.isNaN(n) ? n : v;
          }
        }
        return found;
      },
    ],
    mixture: ['g', v => (v ? writeMixture(v) : ''), text => readMixture(text) ?? undefined],
    points: ['d', v => (v ? points.write(v) : ''), text => points.read(text) ?? undefined],
    lesson: ['e', ...name],
  };
  // "m:ddpm;s:moons": what differs from the first values. Points only where they are what is shown.
  const write = state =>
    Object.entries(FIELDS)
      .filter(([key]) => key !== 'points' || state.set === 'own')
      .filter(([key]) => key !== 'mixture' || state.set === 'mixture')
      .map(([key, [short, text]]) => [short, text(state[key]), text(FIRST[key])])
      .filter(([, now, first]) => now !== first)
      .map(([short, now]) => `${short}:${now}`)
      .join(';');
  const read = text => {
    const state = fresh();
    for (const item of String(text ?? '')
      .slice(0, LONGEST)
      .split(';')) {
      const at = item.indexOf(':');
      const found = Object.entries(FIELDS).find(([, [short]]) => short === item.slice(0, at));
      if (at < 1 || !found) continue;
      const value = found[1][2](item.slice(at + 1));
      if (value !== undefined) state[found[0]] = value;
    }
    return state;
  };
  return {
    MOST_METHODS,
    SURFACES,
    LAYERS,
    FIRST,
    fresh,
    write,
    read,
  };
})();

PLANE.raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';
// Numbers as words; what is missing is a dash.
PLANE.words = (v, digits = 3) => {
  if (v == null || Number.isNaN(v)) return '–';
  if (!Number.isFinite(v)) return v > 0 ? '∞' : '−∞';
  const size = Math.abs(v);
  const text =
    size >= 1e5 || (size > 0 && size < 1e-3 && digits > 0)
      ? v.toExponential(1).replace('e+', '·10^').replace('e', '·10^')
      : v.toFixed(
          size >= 1000
            ? 0
            : size >= 100
              ? Math.min(1, digits)
              : size >= 10
                ? Math.min(2, digits)
                : digits,
        );
  return text
    .replaceAll('-', '−')
    .replace(
      /\^(−?)(\d+)/,
      (_, sign, n) => (sign ? '⁻' : '') + [...n].map(c => PLANE.raised[c]).join(''),
    );
};
PLANE.el = (tag, attributes = {}, ...inside) => {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (k === 'class') node.className = v;
    else if (k.startsWith('on')) node[k] = v;
    else if (v !== undefined && v !== false) node.setAttribute(k, v);
  }
  node.append(...inside.flat().filter(part => part != null));
  return node;
};
