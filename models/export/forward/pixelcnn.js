// Masked convolutions, a pixel at a time (models/families/autoregressive/pixelcnn.py): features of
// the pixels before are kept in every layer, those of a pixel are computed once.

// A convolution over a rectangle of places around a pixel. rows, columns: offsets from it, in steps
// of the dilation. at(out, cells, r, c): adds to `out` what it makes of `cells`, features
// {h, w, c, data}, around (r, c); what lies outside the picture is 0.
const rectangle = ({ weight, bias }, channels, rows, columns, dilation = 1) => {
  const out = weight.shape[0],
    area = rows.length * columns.length,
    taps = rows.flatMap(row => columns.map(column => [row * dilation, column * dilation]));
  return (to, cells, r, c) => {
    if (bias) add(to, bias.data);
    for (const [k, [up, right]] of taps.entries()) {
      const row = r + up,
        column = c + right;
      if (row < 0 || row >= cells.h || column < 0 || column >= cells.w) continue;
      const from = (row * cells.w + column) * channels;
      for (let o = 0; o < out; o++) {
        let sum = 0;
        for (let i = 0, at = o * channels * area + k; i < channels; i++, at += area)
          sum += weight.data[at] * cells.data[from + i];
        to[o] += sum;
      }
    }
    return to;
  };
};
const span = (low, high) => Array.from({ length: high - low + 1 }, (_, k) => low + k);
// A k x k kernel under a mask: the rows above, and the row itself up to `last`.
const maskedConv = ({ above, beside }, channels, reach, last) => {
  const parts = [
    rectangle(above, channels, span(-reach, -1), span(-reach, reach)),
    rectangle(beside, channels, [0], span(-reach, last)),
  ];
  return (to, cells, r, c) => parts.reduce((sum, part) => part(sum, cells, r, c), to);
};

// relu, 1 x 1 to half the channels, masked 3 x 3, 1 x 1 back; added to what came in.
const plainStack = (net, read) => {
  const width = net.first.above.weight.shape[0],
    half = width >> 1,
    first = maskedConv(net.first, read, 3, -1),
    layers = listOf(net.layers).map(layer => ({
      ...layer,
      masked: maskedConv(layer.conv, half, 1, 0),
    }));
  return (H, W, label) => {
    const cells = layers.map(() => emptyMap(H, W, half));
    return {
      row() {},
      at(seen, r, c) {
        let h = first(new Float64Array(width), seen, r, c);
        layers.forEach((layer, k) => {
          const down = each(linear(layer.down, h.map(relu)), relu);
          cells[k].data.set(down, (r * W + c) * half);
          const a = layer.masked(new Float64Array(half), cells[k], r, c);
          if (label !== null && layer.told) addColumn(a, layer.told.weight, label);
          h = add(h, linear(layer.up, each(a, relu)));
        });
        return h;
      },
    };
  };
};

// Two stacks: one of the rows above, computed a row at a time, and one along the row, each layer a
// gate (van den Oord et al. 2016b, eq. 2).
const DILATIONS = [1, 2, 1, 4, 1, 2, 1];
const gatedStack = (net, read) => {
  const width = net.first_down.weight.shape[0],
    firstDown = rectangle(net.first_down, read, span(-3, -1), span(-3, 3)),
    firstAlong = rectangle(net.first_along, read, [0], span(-3, -1)),
    layers = listOf(net.layers).map((layer, k) => {
      const d = DILATIONS[k % DILATIONS.length];
      return {
        ...layer,
        down: rectangle(layer.down, width, [-1, 0], [-1, 0, 1], d),
        along: rectangle(layer.along, width, [0], [-1, 0], d),
      };
    });
  const gate = a => {
    const out = new Float64Array(width);
    for (let i = 0; i < width; i++) out[i] = Math.tanh(a[i]) * sigmoid(a[width + i]);
    return out;
  };
  return (H, W, label) => {
    const v = span(0, layers.length).map(() => emptyMap(H, W, width)),
      h = layers.map(() => emptyMap(H, W, width)),
      links = layers.map(() => new Array(W)); // what the vertical stack tells this row
    return {
      row(seen, r) {
        for (let c = 0; c < W; c++) {
          const first = firstDown(new Float64Array(width), seen, r, c);
          v[0].data.set(first, (r * W + c) * width);
        }
        layers.forEach((layer, k) => {
          for (let c = 0; c < W; c++) {
            const at = (r * W + c) * width,
              a = layer.down(new Float64Array(2 * width), v[k], r, c);
            v[k + 1].data.set(add(gate(a), v[k].data.subarray(at, at + width)), at);
            links[k][c] = linear(layer.link, a);
          }
        });
      },
      at(seen, r, c) {
        let now = firstAlong(new Float64Array(width), seen, r, c);
        layers.forEach((layer, k) => {
          h[k].data.set(now, (r * W + c) * width);
          const b = layer.along(Float64Array.from(links[k][c]), h[k], r, c);
          if (label !== null && layer.told) addColumn(b, layer.told.weight, label);
          now = add(now, linear(layer.out, gate(b)));
        });
        return now;
      },
    };
  };
};

// stack: one of the two above. Features of a pixel, then its values, one at a time.
const pixelCNN = ({ image, ends }, net, stack) => {
  const [C, H, W] = image,
    read = ends ? 3 * C : C,
    begin = stack(net, read),
    { body, last } = net.head,
    P = (last.weight ?? last.direct.weight).shape[0] / C,
    masked = last.weight ? null : maskedMLP(last, { values: C, perValue: P, ends: false }),
    inOrder = span(0, C - 1);
  return label => {
    const seen = emptyMap(H, W, read),
      features = begin(H, W, label);
    let i = 0,
      values = null;
    // The pixel about to be written: what says of its channels, one after the other.
    const next = () => {
      const pixel = i / C,
        r = Math.floor(pixel / W),
        c = pixel % W;
      if (r === H) return;
      if (c === 0) features.row(seen, r);
      const h = each(linear(body[1], features.at(seen, r, c).map(relu)), relu);
      if (masked) values = masked.writer(inOrder, h);
      else {
        const numbers = linear(last, h);
        values = { numbers: () => numbers, put() {} };
      }
    };
    next();
    return {
      numbers: () => values.numbers(),
      put(v) {
        const at = Math.floor(i / C) * read + (i % C);
        seen.data[at] = v;
        if (ends) {
          seen.data[at + C] = isBlack(v);
          seen.data[at + 2 * C] = isWhite(v);
        }
        values.put(v);
        if (++i % C === 0) next();
      },
    };
  };
};
