// Points of one's own as the letters of a link. Their order says nothing and is not kept: the plane
// is halved again and again, left and right, below and above, and written is how many of the points
// are in the first half: one of n + 1 numbers, which costs nothing where there are no points. Whole
// numbers below n + 1 are packed into blocks of eight letters, as digits of growing weight.
PLANE.points = (() => {
  const { clamp, LOW, HIGH, SIDE } = PLANE.maths;
  const MOST = 5000,
    LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
    BLOCK = 8,
    FULL = 64 ** BLOCK; // 2^48: a number that is exact

  // How finely a coordinate is told, in bits: with so many points, a link stays below 8 kB.
  const bits = count => (count <= 1000 ? 12 : count <= 2000 ? 11 : count <= 4000 ? 10 : 9);

  const writer = () => {
    let text = '',
      value = 0,
      weight = 1;
    const flush = () => {
      for (let k = 1; k < weight; k *= 64) {
        text += LETTERS[value % 64];
        value = Math.floor(value / 64);
      }
      value = 0;
      weight = 1;
    };
    const put = (digit, radix) => {
      if (weight * radix > FULL) {
        weight = FULL;
        flush();
      }
      value += digit * weight;
      weight *= radix;
    };
    return { put, end: () => (flush(), text) };
  };
  // Null where the text holds another letter.
  const reader = text => {
    const numbers = [...text].map(letter => LETTERS.indexOf(letter));
    if (numbers.includes(-1)) return null;
    let at = 0,
      value = 0,
      weight = FULL;
    return radix => {
      if (weight * radix > FULL) {
        value = numbers.slice(at, at + BLOCK).reduceRight((sum, n) => 64 * sum + n, 0);
        at += BLOCK;
        weight = 1;
      }
      const digit = value % radix;
      value = Math.floor(value / radix);
      weight *= radix;
      return digit;
    };
  };

  // [x, y, x, y, ...] -> text.
  const write = points => {
    const count = Math.min(MOST, points.length / 2),
      fine = bits(count),
      cells = 2 ** fine,
      cell = v => Math.min(cells - 1, Math.floor(((clamp(v, LOW, HIGH) - LOW) / SIDE) * cells));
    const all = Array.from({ length: count }, (_, k) => [
      cell(points[2 * k]),
      cell(points[2 * k + 1]),
    ]);
    const { put, end } = writer();
    put(count, MOST + 1);
    const halve = (some, level) => {
      if (!some.length || !level) return;
      const axis = level % 2,
        bit = 1 << ((level - 1) >> 1),
        halves = [[], []];
      for (const point of some) halves[point[axis] & bit ? 1 : 0].push(point);
      put(halves[0].length, some.length + 1);
      for (const half of halves) halve(half, level - 1);
    };
    halve(all, 2 * fine);
    return end();
  };
  // Text -> the points, in the order of the halves; null where it is none.
  const read = text => {
    const take = reader(text);
    if (!take) return null;
    const count = take(MOST + 1),
      fine = bits(count),
      size = SIDE / 2 ** fine,
      found = [];
    const halve = (many, level, x, y) => {
      if (!many) return;
      if (!level) {
        const point = [x, y].map(k => +(LOW + (k + 0.5) * size).toFixed(6));
        for (let k = 0; k < many; k++) found.push(...point);
        return;
      }
      const bit = 1 << ((level - 1) >> 1),
        first = take(many + 1),
        [dx, dy] = level % 2 ? [0, bit] : [bit, 0];
      halve(first, level - 1, x, y);
      halve(many - first, level - 1, x + dx, y + dy);
    };
    halve(count, 2 * fine, 0, 0);
    return found.length >= 4 ? found : null;
  };
  // The points as a link will give them again.
  const settled = points => (points.length >= 4 ? read(write(points)) : [...points]);
  return { MOST, write, read, settled };
})();
