// The state of a laboratory, as a link carries it, and numbers as words.
IDEAS.state = (() => {
  // A field of the state: its first value, what a text of the address means, and what is kept.
  const number = (first, low, high) => ({
    first,
    low,
    high,
    read: text => {
      const v = Number(text);
      return text !== '' && v >= low && v <= high ? v : first;
    },
  });
  const one = (...known) => ({
    first: known[0],
    known,
    read: text => (known.includes(text) ? text : known[0]),
  });
  const list = (first, low, high, most = first.length, least = first.length) => ({
    first,
    low,
    high,
    most,
    least,
    read: text => {
      const all = text === '' ? [] : text.split(',').map(v => (v === '' ? NaN : Number(v)));
      return all.length >= least && all.length <= most && all.every(v => v >= low && v <= high)
        ? all
        : [...first];
    },
  });
  const fresh = spec =>
    Object.fromEntries(
      Object.entries(spec).map(([k, f]) => [k, Array.isArray(f.first) ? [...f.first] : f.first]),
    );
  const text = v =>
    Array.isArray(v)
      ? v.map(x => +x.toPrecision(6)).join(',')
      : typeof v === 'number'
        ? String(+v.toPrecision(6))
        : v;
  // "mean:1.2;width:0.5": what differs from the first values, and back. Unknown keys and values
  // out of range fall back to the first ones.
  const write = (spec, state) =>
    Object.keys(spec)
      .filter(k => text(state[k]) !== text(spec[k].first))
      .map(k => `${k}:${text(state[k])}`)
      .join(';');
  const read = (spec, given) => {
    const state = fresh(spec);
    for (const item of String(given ?? '').split(';')) {
      const at = item.indexOf(':'),
        key = item.slice(0, at);
      if (at > 0 && Object.hasOwn(spec, key)) state[key] = spec[key].read(item.slice(at + 1));
    }
    return state;
  };
  return { number, one, list, fresh, write, read };
})();

IDEAS.words = (v, digits = 3) => {
  if (v === Infinity) return '∞';
  if (v === -Infinity) return '−∞';
  if (v == null || Number.isNaN(v)) return '–';
  if (Math.abs(v) < 1e-12) v = 0; // what rounding has left of a zero
  const size = Math.abs(v);
  const plain =
    size !== 0 && (size >= 1e5 || (size < 0.5 * 10 ** -digits - 1e-15 && size < 1e-3))
      ? power(v)
      : v.toFixed(size >= 1000 ? 0 : size >= 100 ? Math.min(1, digits) : digits);
  return plain.replace('-', '−');

  function power(x) {
    const p = Math.floor(Math.log10(Math.abs(x)));
    const raised = [...String(Math.abs(p))].map(d => '⁰¹²³⁴⁵⁶⁷⁸⁹'[d]).join('');
    return `${(x / 10 ** p).toFixed(1)}·10${p < 0 ? '⁻' : ''}${raised}`;
  }
};
