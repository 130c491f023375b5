// The numbers of a tour's station, each from where its record says, and conditions on them. Both
// are plain lists that explorer/tours has read; nothing is evaluated.
(ge => {
  const asked = key => new URLSearchParams(location.search).get(key);
  const compute = (node, values) => {
    if (typeof node === 'number') return node;
    if (typeof node === 'string') return values[node]?.value ?? NaN;
    const [a, b] = node.slice(1).map(each => compute(each, values));
    return { '+': a + b, '-': a - b, '*': a * b, '/': a / b, log: Math.log(a) }[node[0]];
  };
  ge.holds = (condition, values) => {
    const [a, b, within] = ['left', 'right', 'within'].map(s => compute(condition[s], values));
    if (Number.isNaN(a) || Number.isNaN(b)) return false;
    const by = { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b };
    return by[condition.op] ?? (a === b || Math.abs(a - b) <= within + 1e-9);
  };

  // What is set in a laboratory, as its address says: "scene:curves;pm:1".
  const inState = key =>
    (asked('ideas.state') ?? '')
      .split(';')
      .find(item => item.startsWith(key + ':'))
      ?.slice(key.length + 1);
  const given = text => (text ? { text, value: Number(text) } : null);
  const only = value => (value == null || Number.isNaN(value) ? null : { value });
  const one = (number, name, values, first) => {
    if (number.from === 'metric') return only(number.value);
    if (number.from === 'address') return given(asked(number.key));
    if (number.from === 'state') return given(inState(number.key));
    if (number.from === 'others') return only(compute(number.expression, values));
    const now = ge.numberAt(number.place, number.nth);
    if (!number.first) return now;
    if (now && ge.calm()) first[name] ??= now;
    return first[name] ?? null;
  };
  // Every number by its name: {value, text as the page has it}, null where it is not there yet.
  // first: keeps those that are to stay as they were.
  ge.readNumbers = (sources, first) => {
    const values = {};
    for (const [name, number] of Object.entries(sources)) {
      values[name] = one(number, name, values, first);
    }
    return values;
  };
  ge.numberText = (number, digits) => {
    if (!number) return '…';
    if (digits === undefined && number.text) return number.text;
    const { value } = number;
    const text = digits === undefined ? String(+value.toPrecision(4)) : value.toFixed(digits);
    return text.replace('-', '−');
  };

  // What is on screen and fetches what it shows by itself says so; resolves when it has it.
  const fetching = () =>
    [...document.querySelectorAll('#ge-tabs .host[aria-busy=true]')].some(
      host => host.offsetParent,
    );
  ge.fetched = async () => {
    while (fetching()) await new Promise(requestAnimationFrame);
  };
  // Nothing on screen is being computed, as far as the page says.
  ge.calm = () =>
    !fetching() &&
    [...document.querySelectorAll('#ge-tabs .ge-status[data-kind=busy]')].every(
      status => !status.offsetParent,
    );
})(window.GE);
