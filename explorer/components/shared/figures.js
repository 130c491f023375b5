// Figures of numbers: what several draw alike. In the page's head, after writing.js.

// The float32 numbers of base64.
GE.floats = b64 => new Float32Array(GE.bytes(b64));

// About `count` round numbers from low to high; whole ones where they are to be whole.
GE.ticks = (low, high, count, whole = false) => {
  const rough = whole ? Math.max(1, (high - low) / count) : (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = whole && power === 1 ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10];
  const step = steps.find(s => s * power >= rough) * power,
    found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step)
    found.push(v);
  return found;
};

// The colour of set k of several: the first in the text's own, the others along the palette.
GE.ink = (palette, k) =>
  k
    ? `color-mix(in srgb, ${palette[(k - 1) % palette.length]} 76%, var(--body-text-color))`
    : 'var(--body-text-color-subdued)';

// What sorted values say of one another.
GE.ranks = (() => {
  // What part of the sorted values is less than v; ties count half.
  const rank = (values, v) => (before(values, v) + below(values, v)) / 2 / values.length;
  // How many of the sorted values lie below v, and how many do not lie above it.
  const before = (values, v) => {
    let a = 0,
      b = values.length;
    while (a < b) {
      const m = (a + b) >> 1;
      if (values[m] < v) a = m + 1;
      else b = m;
    }
    return a;
  };
  const below = (values, v) => {
    let k = before(values, v);
    while (k < values.length && values[k] === v) k++;
    return k;
  };
  const share = (values, v) => 1 - below(values, v) / values.length;
  const quantile = (values, q) => {
    const at = Math.max(0, Math.min(1, q)) * (values.length - 1),
      k = Math.floor(at);
    return values[k] + (values[Math.min(k + 1, values.length - 1)] - values[k]) * (at - k);
  };
  // The chance that one of theirs scores above one of ours; ties count half.
  const auroc = (ours, theirs) => {
    let sum = 0;
    for (const v of theirs) sum += rank(ours, v);
    return sum / theirs.length;
  };
  // A smooth histogram: a Gaussian of Silverman's width, `least` or more, on every score, its peak
  // at 1.
  const density = (values, points, least) => {
    const n = values.length,
      mean = values.reduce((a, b) => a + b, 0) / n;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / n);
    const middle = (quantile(values, 0.75) - quantile(values, 0.25)) / 1.349;
    const spreadOf = Math.min(...[deviation, middle].filter(s => s > 0), deviation || 1);
    const wide = Math.max(0.9 * spreadOf * n ** -0.2, least);
    const heights = points.map(x => {
      let sum = 0;
      const to = below(values, x + 4 * wide);
      for (let k = below(values, x - 4 * wide); k < to; k++)
        sum += Math.exp(-0.5 * ((values[k] - x) / wide) ** 2);
      return sum;
    });
    const top = Math.max(...heights, 1e-12);
    return heights.map(h => h / top);
  };
  return { rank, before, share, quantile, auroc, density };
})();

// Saves drawings as they stand in a box, with words below, at twice their size, on the page's
// ground. under: the element whose colour the words take.
GE.saveFigure = (box, drawings, words, under, file) => {
  const ratio = 2,
    room = box.getBoundingClientRect(),
    ground = getComputedStyle(document.body).backgroundColor;
  const sheet = GE.svg('svg', { xmlns: GE.SVG, width: room.width + 24, height: room.height + 40 });
  GE.svg('rect', { width: '100%', height: '100%', fill: ground }, sheet);
  for (const svg of drawings) {
    const b = svg.getBoundingClientRect(),
      copy = svg.cloneNode(true),
      all = svg.querySelectorAll('*');
    if (!b.width) continue;
    for (const [name, v] of Object.entries({
      x: b.left - room.left + 12,
      y: b.top - room.top + 12,
      width: b.width,
      height: b.height,
    }))
      copy.setAttribute(name, v);
    copy.querySelectorAll('*').forEach((node, k) => {
      const style = getComputedStyle(all[k]);
      node.removeAttribute('class');
      node.setAttribute(
        'style',
        [
          'fill',
          'fill-opacity',
          'stroke',
          'stroke-width',
          'stroke-dasharray',
          'font-size',
          'font-weight',
          'font-family',
        ]
          .map(p => `${p}:${style.getPropertyValue(p)}`)
          .join(';'),
      );
    });
    sheet.append(copy);
  }
  const style = `font: 14px system-ui, sans-serif; fill: ${getComputedStyle(under).color}`;
  GE.svg('text', { x: 12, y: room.height + 30, style }, sheet, words);
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = (room.width + 24) * ratio;
    canvas.height = (room.height + 40) * ratio;
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    const link = document.createElement('a');
    link.href = canvas.toDataURL('image/png');
    link.download = file;
    link.click();
  };
  picture.src =
    'data:image/svg+xml;charset=utf-8,' +
    encodeURIComponent(new XMLSerializer().serializeToString(sheet));
};
