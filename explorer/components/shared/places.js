// Places on the page, by the words that stand there or by a selector, and the numbers in them.
(ge => {
  const LABELLED = /^(number|plot|slider|button|tab):(.*)$/;
  const seen = node =>
    node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden';
  const all = selector => {
    try {
      return [...document.querySelectorAll(selector)].filter(seen);
    } catch {
      return []; // no selector at all
    }
  };
  const same = words => node => ge.textOf(node).trim().replace(/\s+/g, ' ') === words;
  const begins = words => node => ge.textOf(node).trim().startsWith(words);
  const found = {
    // Of two under the same words the note below decides: "Standard error (in truth)".
    number: words => {
      const [, label, note] = /^(.*?)(?: \(([^)]*)\))?$/.exec(words);
      const noted = dt => !note || ge.textOf(dt.parentElement).endsWith(note);
      return all('#ge-tabs dt').find(dt => same(label)(dt) && noted(dt))?.parentElement;
    },
    plot: words => all('#ge-tabs figcaption b').find(same(words))?.closest('figure'),
    slider: words =>
      all('#ge-tabs label, #ge-tabs .name, #ge-tabs [data-testid=block-info]')
        .find(begins(words))
        ?.closest('.field, .tick, .block'),
    button: words => all('.ge-panel button:not([role=tab])').find(same(words)),
    tab: words => all('#ge-tabs [role=tab]').find(same(words)),
  };
  // The element on screen, null where there is none. place: "number:KL", "button:Fit", a selector.
  ge.place = place => {
    const [, kind, words] = LABELLED.exec(place) ?? [];
    return (kind ? found[kind](words.trim()) : all(place)[0]) ?? null;
  };

  // Presses what stands at a place, as soon as it is there and may be pressed; while it is wanted.
  ge.press = async (place, wanted) => {
    const ready = () => ge.place(place)?.disabled !== true && ge.place(place);
    while (wanted() && !(ready() && ge.calm())) await new Promise(requestAnimationFrame);
    if (wanted()) ge.place(place).click();
  };

  const NUMBER =
    /[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[−-]?\d+)?|[−-]?∞/g;
  const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  // A number as the page writes it, "−1.2·10⁻³" or "∞".
  ge.valueOf = text => {
    const [base, power] = text
      .replaceAll(',', '')
      .replace('−', '-')
      .replace('∞', 'Infinity')
      .split('·10');
    const plain = [...(power ?? '')].map(c => (c === '⁻' ? '-' : RAISED.indexOf(c))).join('');
    return Number(base) * 10 ** Number(plain || 0);
  };
  // The nth number that stands at a place: {text, value}, null where there is none (yet).
  ge.numberAt = (place, nth = 1) => {
    const node = ge.place(place);
    if (!node) return null;
    const spoken = node.querySelector('dd') ?? node;
    const isField = spoken.matches('input, select, textarea');
    const said = isField ? spoken.value : ge.textOf(spoken);
    const text = [...said.matchAll(NUMBER)][nth - 1]?.[0];
    return text === undefined ? null : { text, value: ge.valueOf(text) };
  };
})(window.GE);
