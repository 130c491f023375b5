const $ = query => element.querySelector(query);
const plot = $('.plot'), room = $('.room'), tip = $('.tip'), legend = $('.legend');
const picture = $('.tip canvas'), word = $('.tip span');
plot.setAttribute('aria-label', props.label);

const CONFIG = { displayModeBar: false, displaylogo: false, scrollZoom: true, doubleClick: 'reset' };
let base = null, marks = null, sheet = null, bitmap = null, hooked = false, turn = 0;
const away = new Set();  // classes that are switched off, by name

// plotly.js comes with Gradio's own plot component, once this tab has been opened.
let arrived = null;
const library = () => arrived ??= new Promise(done => {
  const look = () => (window.Plotly ? done() : setTimeout(look, 40));
  look();
});
const canvasHasGL = () => {
  try { return !!document.createElement('canvas').getContext('webgl'); } catch { return false; }
};

// -- colours of the page, light or dark
const css = name => getComputedStyle(element).getPropertyValue(name).trim();
const dress = layout => {
  const ink = css('--body-text-color'), soft = css('--body-text-color-subdued');
  const line = css('--border-color-primary');
  layout.font = { family: 'system-ui, sans-serif', size: 13, color: soft };
  const axes = layout.scene
    ? ['xaxis', 'yaxis', 'zaxis'].map(a => layout.scene[a])
    : [layout.xaxis, layout.yaxis];
  for (const axis of axes) Object.assign(axis, { gridcolor: line, zerolinecolor: line, color: soft });
  return { ink, accent: css('--color-accent'), ground: css('--body-background-fill') };
};

// -- what lies over the points: neighbours, the way between two points, the selected ones
const over = colours => {
  const solid = base.components === 3, m = marks || {};
  const trace = (points, more) => {
    const p = points || [];
    return {
      type: solid ? 'scatter3d' : 'scatter', hoverinfo: 'skip', showlegend: false, mode: 'markers',
      x: p.map(q => q[0]), y: p.map(q => q[1]), ...(solid && { z: p.map(q => q[2]) }), ...more,
    };
  };
  const ring = (size, width, color) => ({
    size: solid ? size * 0.7 : size, symbol: 'circle-open', color, line: { width, color },
  });
  const { ink, accent, ground } = colours;
  return [
    trace(m.path, { mode: 'lines', line: { color: ground, width: solid ? 8 : 6 } }),
    trace(m.path, { mode: 'lines', line: { color: accent, width: solid ? 5 : 2.5 } }),
    trace(m.near, { marker: ring(11, 1.6, ink) }),
    trace(m.before && [m.before], { marker: ring(17, 2.5, accent) }),
    trace(m.now && [m.now], { marker: ring(20, 6, ground) }),
    trace(m.now && [m.now], { marker: ring(20, 3, accent) }),
    trace(m.yours && [m.yours], { marker: {
      symbol: solid ? 'diamond' : 'star', size: solid ? 9 : 20, color: accent,
      line: { color: ground, width: 1.5 },
    } }),
  ];
};

const draw = async () => {
  if (!base) return;
  const mine = ++turn;
  await library();
  if (mine !== turn || !element.clientWidth) return;
  const figure = base.parsed ??= JSON.parse(base.figure);
  const colours = dress(figure.layout);
  figure.layout.uirevision = base.key;
  for (const trace of figure.data) {
    trace.visible = !away.has(trace.name);
    if (trace.type === 'scattergl' && !canvasHasGL()) trace.type = 'scatter';
  }
  const layout = { ...figure.layout, width: room.clientWidth, height: room.clientHeight };
  await Plotly.react(plot, [...figure.data, ...over(colours)], layout, CONFIG);
  element.dataset.drawn = base.key;
  hook();
};

// -- legend: each class can be switched off, or shown alone
const names = () => (base?.parsed?.data ?? []).map(trace => trace.name);
const paintLegend = () => {
  for (const b of legend.children) b.setAttribute('aria-pressed', !away.has(b.dataset.name));
};
const makeLegend = () => {
  const traces = base.parsed.data;
  legend.hidden = traces.length < 2;
  legend.replaceChildren(...traces.map(trace => {
    const button = document.createElement('button'), dot = document.createElement('i');
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
  }));
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
    const sx = (row % columns) * w, sy = Math.floor(row / columns) * h;
    picture.getContext('2d').drawImage(bitmap, sx, sy, w, h, 0, 0, w, h);
  }
  word.textContent = name;
  tip.dataset.row = row;
  tip.hidden = false;
};
const place = event => {
  const b = room.getBoundingClientRect();
  const x = event.clientX - b.left, y = event.clientY - b.top;
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
    plot.classList.add('over');
  });
  plot.on('plotly_unhover', () => { tip.hidden = true; plot.classList.remove('over'); });
  plot.on('plotly_click', event => {
    const row = rowOf(event);
    if (row !== null) pick(row);
  });
};
room.addEventListener('pointermove', event => { if (!tip.hidden) place(event); });
room.addEventListener('pointerleave', () => { tip.hidden = true; });
const pick = index => document.dispatchEvent(new CustomEvent('ge:map-pick', { detail: { index } }));
document.addEventListener('ge:map-random', () => {
  const shown = (base?.parsed?.data ?? []).filter(trace => !away.has(trace.name));
  const full = plot._fullData?.filter(t => shown.some(s => s.name === t.name)) ?? [];
  const rows = full.flatMap(trace => Array.from(trace.customdata ?? []));
  if (rows.length) pick(Number(rows[Math.floor(Math.random() * rows.length)]));
});

// -- values
document.addEventListener('ge:map-part', async event => {
  const { part, value } = event.detail;
  if (part === 'marks') {
    marks = value;
    draw();
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
    if (hooked) Plotly.purge(plot);
    hooked = false;
    return;
  }
  base = { ...props.value, parsed: JSON.parse(props.value.figure) };
  makeLegend();
  draw();
};
let wide = 0, tall = 0;
new ResizeObserver(() => {
  if (!room.clientWidth || (wide === room.clientWidth && tall === room.clientHeight)) return;
  [wide, tall] = [room.clientWidth, room.clientHeight];
  draw();
}).observe(room);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:map-follow'));
