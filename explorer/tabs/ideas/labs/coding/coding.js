// Codes: entropy, Huffman's code, and arithmetic coding with whole numbers as
// models/scores/coding.py has it.
IDEAS.coding = (() => {
  const { sum } = IDEAS.maths;
  const BITS = 30,
    TOP = 2 ** BITS - 1,
    HALF = 2 ** (BITS - 1),
    QUARTER = 2 ** (BITS - 2),
    TOTAL = 65536;

  const bits = p => (p <= 0 ? Infinity : -Math.log2(p));
  const entropy = p => sum(p.map(a => (a <= 0 ? 0 : a * bits(a))));
  // Bits a symbol on average when p is coded by q's code.
  const cross = (p, q) => sum(p.map((a, i) => (a <= 0 ? 0 : a * bits(q[i]))));
  const kl = (p, q) => {
    const c = cross(p, q);
    return c === Infinity ? c : Math.max(0, c - entropy(p));
  };

  // Whole counts out of TOTAL, at least one where the probability is not zero.
  const counts = p => {
    const c = p.map(a => (a > 0 ? Math.max(1, Math.floor(a * TOTAL)) : 0));
    let largest = 0;
    c.forEach((v, i) => {
      if (v > c[largest]) largest = i;
    });
    c[largest] += TOTAL - sum(c);
    return c;
  };
  const starts = c => {
    let s = 0;
    const at = c.map(v => {
      const before = s;
      s += v;
      return before;
    });
    return [...at, s];
  };

  // The bits (0 and 1) of a list of symbols; null where one has no probability.
  const encode = (symbols, p) => {
    const at = starts(counts(p)),
      out = [];
    let low = 0,
      high = TOP,
      pending = 0;
    const settle = bit => {
      out.push(bit);
      for (; pending; pending--) out.push(1 - bit);
    };
    for (const k of symbols) {
      if (at[k + 1] === at[k]) return null;
      const width = high - low + 1;
      high = low + Math.floor((width * at[k + 1]) / TOTAL) - 1;
      low += Math.floor((width * at[k]) / TOTAL);
      for (;;) {
        if (high < HALF) settle(0);
        else if (low >= HALF) {
          settle(1);
          low -= HALF;
          high -= HALF;
        } else if (low >= QUARTER && high < 3 * QUARTER) {
          pending++;
          low -= QUARTER;
          high -= QUARTER;
        } else break;
        low = 2 * low;
        high = 2 * high + 1;
      }
    }
    pending++;
    settle(low < QUARTER ? 0 : 1);
    return out;
  };
  const decode = (data, p, n) => {
    const at = starts(counts(p)),
      out = [];
    let low = 0,
      high = TOP,
      value = 0,
      next = 0;
    const read = () => {
      value = 2 * value + (data[next++] ?? 0);
    };
    for (let i = 0; i < BITS; i++) read();
    for (let i = 0; i < n; i++) {
      const width = high - low + 1,
        place = Math.floor(((value - low + 1) * TOTAL - 1) / width);
      let k = 0;
      while (place >= at[k + 1]) k++;
      out.push(k);
      high = low + Math.floor((width * at[k + 1]) / TOTAL) - 1;
      low += Math.floor((width * at[k]) / TOTAL);
      for (;;) {
        let shift;
        if (high < HALF) shift = 0;
        else if (low >= HALF) shift = HALF;
        else if (low >= QUARTER && high < 3 * QUARTER) shift = QUARTER;
        else break;
        low = 2 * (low - shift);
        high = 2 * (high - shift) + 1;
        value -= shift;
        read();
      }
    }
    return out;
  };
  // The nested intervals of the first symbols, [[low, high], ...] in [0, 1).
  const intervals = (symbols, p) => {
    const at = starts(p);
    let low = 0,
      width = 1;
    return [
      [0, 1],
      ...symbols.map(k => {
        low += width * at[k];
        width *= p[k];
        return [low, low + width];
      }),
    ];
  };

  // Huffman's code words by symbol; "0" for a lone symbol, "" for one that does not occur.
  const huffman = p => {
    const words = p.map(() => ''),
      heap = p.map((a, i) => ({ a, of: [i] })).filter(n => n.a > 0);
    if (heap.length === 1) words[heap[0].of[0]] = '0';
    while (heap.length > 1) {
      heap.sort((x, y) => x.a - y.a || x.of[0] - y.of[0]);
      const [x, y] = heap.splice(0, 2);
      for (const i of x.of) words[i] = '0' + words[i];
      for (const i of y.of) words[i] = '1' + words[i];
      heap.push({ a: x.a + y.a, of: [...x.of, ...y.of] });
    }
    return words;
  };
  const lengthOf = (p, words) => sum(p.map((a, i) => a * words[i].length));

  const LETTERS = [...'abcdefghijklmnopqrstuvwxyz '];
  // Of every hundred letters of English prose, rounded; the space is one sign in six.
  const ENGLISH = [
    8.2, 1.5, 2.8, 4.3, 12.7, 2.2, 2, 6.1, 7, 0.15, 0.77, 4, 2.4, 6.7, 7.5, 1.9, 0.095, 6, 6.3, 9.1,
    2.8, 0.98, 2.4, 0.15, 2, 0.074,
  ];
  const english = (() => {
    const s = sum(ENGLISH);
    return [...ENGLISH.map(v => ((v / s) * 5) / 6), 1 / 6];
  })();
  const symbols = text => [...text].map(c => LETTERS.indexOf(c)).filter(k => k >= 0);
  const frequencies = text => {
    const c = LETTERS.map(() => 0),
      all = symbols(text);
    for (const k of all) c[k]++;
    return all.length ? c.map(v => v / all.length) : LETTERS.map(() => 1 / LETTERS.length);
  };
  // Mixed with even chances, so that nothing is impossible.
  const hedged = (p, part = 0.02) => p.map(a => (1 - part) * a + part / p.length);
  return {
    bits,
    entropy,
    cross,
    kl,
    counts,
    encode,
    decode,
    intervals,
    huffman,
    lengthOf,
    LETTERS,
    english,
    symbols,
    frequencies,
    hedged,
  };
})();
