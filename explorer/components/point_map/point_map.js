const $ = query => element.querySelector(query);
const plot = $('.plot'),
  over = $('.over'),
  room = $('.room'),
  tip = $('.tip'),
  legend = $('.legend');
const sketch = $('.sketch'),
  picture = $('.tip canvas'),
  word = $('.tip span');
plot.setAttribute('aria-label', props.label);

const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  scrollZoom: true,
  doubleClick: 'reset',
};
let base = null,
  marks = null,
  sheet = null,
  bitmap = null,
  hooked = false,
  turn = 0;
const away = new Set(); // classes that are switched off, by name

// plotly.js comes with Gradio's own plot component, once this tab has been opened.
let arrived = null;
const library = () =>
  (arrived ??= new Promise(done => {
    const look = () => (window.Plotly ? done() : setTimeout(look, 40));
    look();
  }));
const canvasHasGL = () => {
  try {
    return !!document.createElement('canvas').getContext('webgl');
  } catch {
    return false;
  }
};

// -- colours of the page, light or dark
const css = name => getComputedStyle(element).getPropertyValue(name).trim();
const dress = layout => {
  const ink = css('--body-text-color'),
    soft = css('--body-text-color-subdued');
  const line = css('--border-color-primary');
  layout.font = { family: 'system-ui, sans-serif', size: 13 * GE.scale(), color: soft };
  const axes = layout.scene
    ? ['xaxis', 'yaxis', 'zaxis'].map(a => layout.scene[a])
    : [layout.xaxis, layout.yaxis];
  for (const axis of axes)
    Object.assign(axis, { gridcolor: line, zerolinecolor: line, color: soft });
  return { ink, accent: css('--color-accent'), ground: css('--body-background-fill') };
};

// -- what lies over the points: neighbours, the way between two points, the selected ones.
// In 3-D plotly draws it among the points. In 2-D it would draw it under them, so it lies in an SVG
// above, which follows as the map is moved.
const among = ({ ink, accent, ground }) => {
  if (base.components !== 3) return [];
  const m = marks || {};
  const trace = (points, more) => ({
    type: 'scatter3d',
    hoverinfo: 'skip',
    showlegend: false,
    mode: 'markers',
    ...more,
    ...Object.fromEntries(['x', 'y', 'z'].map((axis, i) => [axis, (points || []).map(p => p[i])])),
  });
  const ring = (size, width, color) => ({
    size,
    symbol: 'circle-open',
    color,
    line: { width, color },
  });
  const one = point => point && [point];
  return [
    trace(m.path, { mode: 'lines', line: { color: accent, width: 5 } }),
    trace(m.near, { marker: ring(8, 1.6, ink) }),
    trace(one(m.before), { marker: ring(12, 2.5, accent) }),
    trace(one(m.now), { marker: ring(14, 3, accent) }),
    trace(one(m.yours), {
      marker: { symbol: 'diamond', size: 9, color: accent, line: { color: ground, width: 1.5 } },
    }),
  ];
};
const shape = GE.svg;
const STAR = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  .map(i => {
    const r = i % 2 ? 5 : 12,
      angle = (i * Math.PI) / 5;
    return [(r * Math.sin(angle)).toFixed(2), (-r * Math.cos(angle)).toFixed(2)];
  })
  .join(' ');
const above = () => {
  const m = marks || {},
    full = plot._fullLayout;
  if (!base || base.components !== 2 || !full?.xaxis) {
    over.replaceChildren();
    return;
  }
  const at = (axis, v, flip) => {
    const [from, to] = axis.range,
      share = (v - from) / (to - from);
    return axis._offset + axis._length * (flip ? 1 - share : share);
  };
  const xy = p => [at(full.xaxis, p[0]), at(full.yaxis, p[1], true)];
  const circle = (p, r, kind) => {
    const [cx, cy] = xy(p);
    return shape('circle', { cx, cy, r, class: kind });
  };
  const line = kind =>
    shape('polyline', { points: m.path.map(p => xy(p).join()).join(' '), class: kind });
  over.replaceChildren(
    ...(m.path ? [line('halo'), line('way')] : []),
    ...(m.near ?? []).map(p => circle(p, 5.5, 'near')),
    ...(m.before ? [circle(m.before, 8.5, 'halo'), circle(m.before, 8.5, 'before')] : []),
    ...(m.now ? [circle(m.now, 9.5, 'halo'), circle(m.now, 9.5, 'now')] : []),
    ...(m.yours
      ? [shape('polygon', { points: STAR, class: 'yours', transform: `translate(${xy(m.yours)})` })]
      : []),
  );
};

// plotly.js takes seconds to arrive and to start. Until then the points of a flat map stand on a
// plain canvas, where plotly will draw them.
const KINDS = { f4: Float32Array, f8: Float64Array };
const numbers = a =>
  a.bdata ? new KINDS[a.dtype](Uint8Array.from(atob(a.bdata), c => c.charCodeAt(0)).buffer) : a;
const foreshadow = () => {
  const [W, H] = [room.clientWidth, room.clientHeight];
  sketch.hidden = !!window.Plotly || base?.components !== 2 || !W;
  if (sketch.hidden) return;
  const { data, layout } = base.parsed,
    ratio = window.devicePixelRatio || 1;
  const { l, r, t, b } = layout.margin;
  const middle = axis => (axis.range[0] + axis.range[1]) / 2;
  const perPixel = Math.max(
    (layout.xaxis.range[1] - layout.xaxis.range[0]) / (W - l - r),
    (layout.yaxis.range[1] - layout.yaxis.range[0]) / (H - t - b),
  );
  const [cx, cy] = [l + (W - l - r) / 2, t + (H - t - b) / 2];
  sketch.width = W * ratio;
  sketch.height = H * ratio;
  const pen = sketch.getContext('2d');
  pen.scale(ratio, ratio);
  for (const { x, y, marker } of data) {
    const [xs, ys] = [numbers(x), numbers(y)];
    pen.fillStyle = marker.color;
    pen.globalAlpha = marker.opacity;
    for (let i = 0; i < xs.length; i++) {
      pen.beginPath();
      pen.arc(
        cx + (xs[i] - middle(layout.xaxis)) / perPixel,
        cy - (ys[i] - middle(layout.yaxis)) / perPixel,
        marker.size / 2,
        0,
        2 * Math.PI,
      );
      pen.fill();
    }
  }
  element.dataset.sketched = base.key;
};

const draw = async () => {
  if (!base) return;
  const mine = ++turn;
  foreshadow();
  await library();
  if (mine !== turn || !element.clientWidth) return;
  const figure = (base.parsed ??= JSON.parse(base.figure));
  const colours = dress(figure.layout);
  figure.layout.uirevision = base.key;
  for (const trace of figure.data) {
    trace.visible = !away.has(trace.name);
    if (trace.type === 'scattergl' && !canvasHasGL()) trace.type = 'scatter';
  }
  const layout = { ...figure.layout, width: room.clientWidth, height: room.clientHeight };
  await Plotly.react(plot, [...figure.data, ...among(colours)], layout, CONFIG);
  sketch.hidden = true;
  hook();
  above();
  element.dataset.drawn = base.key;
};

// -- legend: each class can be switched off, or shown alone
const names = () => (base?.parsed?.data ?? []).map(trace => trace.name);
const paintLegend = () => {
  for (const b of legend.children) b.setAttribute('aria-pressed', !away.has(b.dataset.name));
};
const makeLegend = () => {
  const traces = base.parsed.data;
  legend.hidden = traces.length < 2;
  legend.replaceChildren(
    ...traces.map(trace => {
      const button = document.createElement('button'),
        dot = document.createElement('i');
      button.type = 'button';
      button.dataset.name = trace.name;
      button.title = 'Click: hide or show. Double click: only this one, or all again.';
      dot.style.background = trace.marker.color;
      button.append(dot, trace.name);
      button.onclick = () => {
        if (!away.delete(trace.name)) away.add(trace.name);
        paintLegend();
        draw();
      };
      button.ondblclick = () => {
        const alone = names().every(name => name === trace.name || away.has(name));
        away.clear();
        if (!alone) for (const name of names()) if (name !== trace.name) away.add(name);
        paintLegend();
        draw();
      };
      return button;
    }),
  );
  paintLegend();
};

// -- hover and click
const rowOf = event => {
  const row = event.points?.[0]?.customdata;
  return row === undefined || row === null ? null : Number(row);
};
const showTip = (row, name) => {
  const has = bitmap && row < sheet.n;
  picture.hidden = !has;
  if (has) {
    const { w, h, columns } = sheet;
    if (picture.width !== w) picture.width = w;
    if (picture.height !== h) picture.height = h;
    picture.style.width = GE.crisp(w, 112) + 'px';
    const sx = (row % columns) * w,
      sy = Math.floor(row / columns) * h;
    picture.getContext('2d').drawImage(bitmap, sx, sy, w, h, 0, 0, w, h);
  }
  word.textContent = name;
  tip.dataset.row = row;
  tip.hidden = false;
};
const place = event => {
  const b = GE.at(event, room),
    { x, y } = b;
  const left = x + 18 + tip.offsetWidth > b.width ? x - 18 - tip.offsetWidth : x + 18;
  const top = Math.min(Math.max(0, y - tip.offsetHeight / 2), b.height - tip.offsetHeight);
  tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
};
const hook = () => {
  if (hooked) return;
  hooked = true;
  plot.on('plotly_hover', event => {
    const row = rowOf(event);
    if (row === null) return;
    showTip(row, event.points[0].data.name);
    if (event.event) place(event.event);
    plot.classList.add('on-point');
  });
  plot.on('plotly_unhover', () => {
    tip.hidden = true;
    plot.classList.remove('on-point');
  });
  for (const name of ['plotly_relayouting', 'plotly_relayout', 'plotly_afterplot'])
    plot.on(name, above);
  plot.on('plotly_click', event => {
    const row = rowOf(event);
    if (row !== null) pick(row);
  });
};
room.addEventListener('pointermove', event => {
  if (!tip.hidden) place(event);
});
room.addEventListener('pointerleave', () => {
  tip.hidden = true;
});
const pick = index => document.dispatchEvent(new CustomEvent('ge:map-pick', { detail: { index } }));
GE.on(element, 'ge:map-random', () => {
  const shown = (base?.parsed?.data ?? []).filter(trace => !away.has(trace.name));
  const full = plot._fullData?.filter(t => shown.some(s => s.name === t.name)) ?? [];
  const rows = full.flatMap(trace => Array.from(trace.customdata ?? []));
  if (rows.length) pick(Number(rows[Math.floor(Math.random() * rows.length)]));
});

// -- values
GE.on(element, 'ge:map-part', async event => {
  const { part, value } = event.detail;
  if (part === 'marks') {
    marks = value;
    if (base?.components === 3) draw();
    else above();
  } else if (part === 'thumbs') {
    sheet = value;
    bitmap = null;
    if (!value?.b64) return;
    const bytes = Uint8Array.from(atob(value.b64), c => c.charCodeAt(0));
    const made = await createImageBitmap(new Blob([bytes], { type: value.media }));
    if (sheet === value) bitmap = made;
    element.dataset.thumbs = String(value.n);
  }
});
const show = () => {
  tip.hidden = true;
  if (!props.value?.figure) {
    base = null;
    legend.replaceChildren();
    over.replaceChildren();
    sketch.hidden = true;
    delete element.dataset.drawn;
    if (hooked) Plotly.purge(plot);
    hooked = false;
    return;
  }
  base = { ...props.value, parsed: JSON.parse(props.value.figure) };
  makeLegend();
  draw();
};
let wide = 0,
  tall = 0;
new ResizeObserver(() => {
  if (!room.clientWidth || (wide === room.clientWidth && tall === room.clientHeight)) return;
  [wide, tall] = [room.clientWidth, room.clientHeight];
  draw();
}).observe(room);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:map-follow'));
