// A panel: a method's plane, or two of them (a surface, and another beside it), with the point
// under the pointer. Knobs are handles for finger and keyboard.
PLANE.knob = (box, pen, { name, axis, at, move, step = 0.1, say, tone = 'p', drop }) => {
  const { el } = PLANE;
  const node = el('span', { class: 'knob', tabindex: '0', role: 'slider', 'aria-label': name });
  node.dataset.tone = tone;
  if (axis) node.dataset.axis = axis;
  box.append(node);
  let off = [0, 0];
  const local = event => {
    const b = box.getBoundingClientRect();
    return [event.clientX - b.left, event.clientY - b.top];
  };
  node.onpointerdown = event => {
    if (event.button) return;
    event.preventDefault();
    event.stopPropagation();
    node.focus({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    const [px, py] = local(event),
      [x, y] = at();
    off = [pen.X(x) - px, pen.Y(y) - py];
  };
  node.onpointermove = event => {
    event.stopPropagation();
    if (!node.hasPointerCapture(event.pointerId)) return;
    const [px, py] = local(event);
    move(...pen.back(px + off[0], py + off[1]));
  };
  node.onpointerup = () => drop?.();
  node.onkeydown = event => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
      event.key
    ];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const by = step * (event.shiftKey ? 5 : 1),
      [x, y] = at();
    const mx = axis === 'x' ? way[0] + way[1] : way[0],
      my = axis === 'y' ? way[0] + way[1] : way[1];
    move(x + by * mx, y + by * my);
    drop?.();
  };
  return {
    node,
    place() {
      const where = at();
      node.hidden = !where;
      if (!where) return;
      const [px, py] = [pen.X(where[0]).toFixed(1), pen.Y(where[1]).toFixed(1)];
      node.style.transform = `translate(${px}px, ${py}px)`;
      node.setAttribute('aria-valuenow', +(axis === 'y' ? where[1] : where[0]).toFixed(3));
      node.setAttribute('aria-valuemin', PLANE.maths.LOW);
      node.setAttribute('aria-valuemax', PLANE.maths.HIGH);
      node.setAttribute(
        'aria-valuetext',
        say?.() ?? `${where[0].toFixed(2)}, ${where[1].toFixed(2)}`,
      );
    },
  };
};

// The numbers at a point: [[name, value, kind], ...].
PLANE.readings = (view, [x, y]) => {
  const M = PLANE.maths,
    G = 64,
    { film, truth, at } = view,
    found = [];
  const grid = (name, label, kind = '') => {
    const values = film?.at(name, at);
    if (values) found.push([label, M.bilinear(values, G, x, y), kind]);
  };
  grid(
    'log_density',
    'log p̂',
    film?.header.density === 'lower bound' ? 'evidence, by quadrature' : film?.header.density,
  );
  grid('bound', 'ELBO', 'lower bound');
  if (truth?.log) found.push(['log p', M.bilinear(truth.log, G, x, y), 'truth']);
  grid('energy', 'energy', 'up to a constant');
  grid('critic', 'D', '');
  grid('best_critic', 'd*', 'p / (p + q)');
  if (film?.has('field')) {
    const { grid: values, n } = PLANE.layers.fieldAt(film, 'field', view);
    found.push([
      film.header.field_kind || 'field',
      [M.bilinear(values, n, x, y, 2, 0), M.bilinear(values, n, x, y, 2, 1)],
      '',
    ]);
  }
  return found;
};

// q(z | x) at the pointer: among the codes in the corner, and bent into the plane by the decoder.
PLANE.posterior = (pen, view) => {
  const M = PLANE.maths,
    { film, at, point } = view;
  const all = film.at('posterior', at),
    shape = film.shape('posterior'),
    E = shape[0],
    D = shape[2] / 2,
    value = k => M.bilinear(all, E, point[0], point[1], 2 * D, k);
  const mean = [value(0), D > 1 ? value(1) : 0],
    wide = [Math.exp(value(D) / 2), D > 1 ? Math.exp(value(D + 1) / 2) : 0];
  const bent = film.has('mesh') ? film.at('mesh', at) : null,
    [L, rows, columns] = bent ? film.shape('mesh') : [0, 0, 0],
    reach = film.header.reach ?? 2.5;
  const decoded = (a, b) => {
    const size = rows * columns * 2,
      last = bent.subarray((L - 1) * size, L * size);
    const v = M.clamp(((D > 1 ? b : a) + reach) / (2 * reach), 0, 1) * (rows - 1),
      u = columns > 1 ? M.clamp((a + reach) / (2 * reach), 0, 1) * (columns - 1) : 0;
    const j = Math.min(rows - 2, Math.floor(v)),
      i = Math.min(Math.max(0, columns - 2), Math.floor(u)),
      f = v - j,
      e = u - i,
      right = columns > 1 ? 1 : 0;
    return [0, 1].map(c => {
      const get = (r, k) => last[(r * columns + k) * 2 + c];
      return (
        (1 - f) * ((1 - e) * get(j, i) + e * get(j, i + right)) +
        f * ((1 - e) * get(j + 1, i) + e * get(j + 1, i + right))
      );
    });
  };
  if (bent) {
    for (const by of [1, 2]) {
      const line = [];
      for (let k = 0; k <= 40; k++) {
        const turn = (k / 40) * 2 * Math.PI;
        const z =
          D > 1
            ? [mean[0] + by * wide[0] * Math.cos(turn), mean[1] + by * wide[1] * Math.sin(turn)]
            : [mean[0] + by * wide[0] * (k / 20 - 1), 0];
        line.push(...decoded(...z));
      }
      pen.line(line, pen.tones.other, { width: by === 1 ? 3 : 1.6, alpha: 0.9 });
    }
    const [mx, my] = decoded(...mean);
    pen.dots([mx, my], pen.tones.other, { radius: 4, ring: pen.tones.ground });
    pen.line([...point, mx, my], pen.tones.other, { width: 1, dash: [3, 3] });
  }
  // The codes, in a corner away from the point.
  const { g } = pen,
    size = Math.min(150, 0.34 * pen.side),
    left = point[0] > 0 ? 8 : pen.side - size - 8,
    top = 8;
  const cx = z => left + ((z + 3) / 6) * size,
    cy = z => top + ((3 - z) / 6) * size,
    unit = size / 6;
  g.save();
  g.fillStyle = pen.tones.ground;
  g.globalAlpha = 0.92;
  g.fillRect(left, top, size, size);
  g.globalAlpha = 1;
  g.strokeStyle = pen.tones.line;
  g.strokeRect(left + 0.5, top + 0.5, size, size);
  g.beginPath();
  g.rect(left, top, size, size);
  g.clip();
  g.strokeStyle = pen.tones.soft;
  for (const by of [1, 2]) {
    g.globalAlpha = 0.7;
    g.beginPath();
    if (D > 1) g.arc(cx(0), cy(0), by * unit, 0, 2 * Math.PI);
    else
      (g.moveTo(cx(-by), cy(0.3)),
        g.lineTo(cx(-by), cy(-0.3)),
        g.moveTo(cx(by), cy(0.3)),
        g.lineTo(cx(by), cy(-0.3)));
    g.stroke();
  }
  if (D === 1) {
    g.beginPath();
    g.moveTo(left, cy(0));
    g.lineTo(left + size, cy(0));
    g.stroke();
  }
  g.globalAlpha = 1;
  g.strokeStyle = g.fillStyle = pen.tones.other;
  g.lineWidth = 2.2;
  if (D > 1) {
    for (const by of [1, 2]) {
      g.beginPath();
      g.ellipse(
        cx(mean[0]),
        cy(mean[1]),
        Math.max(1, by * wide[0] * unit),
        Math.max(1, by * wide[1] * unit),
        0,
        0,
        2 * Math.PI,
      );
      g.stroke();
    }
  } else {
    g.globalAlpha = 0.35;
    g.beginPath();
    for (let k = 0; k <= 60; k++) {
      const z = -3 + k / 10;
      g.lineTo(cx(z), cy(2.4 * Math.exp(-0.5 * ((z - mean[0]) / wide[0]) ** 2)));
    }
    g.fill();
    g.globalAlpha = 1;
    g.stroke();
  }
  g.restore();
  pen.text('codes z, prior in grey', left + 4, top + size - 5, pen.tones.soft, { size: 11 });
};

// A view: a canvas with a surface. heard: what happens on it (see app.js).
PLANE.view = (app, index, which) => {
  const { el, words } = PLANE,
    M = PLANE.maths;
  const canvas = el('canvas', { tabindex: '0', role: 'img' });
  const box = el('div', { class: 'box' }, canvas);
  const head = el('figcaption', {});
  const note = el('p', { class: 'note' });
  const read = el('p', { class: 'read' });
  const node = el('figure', { class: 'view' }, head, box, note, read);
  const pen = PLANE.draw.pen(canvas);
  const view = { node, box, head, note, canvas, pen, index, which, knobs: [] };

  const local = event => {
    const b = canvas.getBoundingClientRect();
    return pen
      .back(event.clientX - b.left, event.clientY - b.top)
      .map(v => M.clamp(v, M.LOW, M.HIGH));
  };
  canvas.onpointerdown = event => {
    if (event.button) return;
    if (app.tool()) {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      app.editor.begin(local(event));
      return;
    }
    app.press(local(event));
  };
  canvas.onpointermove = event => {
    const at = local(event);
    if (app.tool() && canvas.hasPointerCapture(event.pointerId)) {
      // All places between two frames, so that a quick stroke is no polygon.
      for (const each of event.getCoalescedEvents?.() ?? [event]) app.editor.go(local(each));
    }
    app.hover(at);
  };
  canvas.onpointerup = () => app.tool() && app.editor.end();
  canvas.onpointercancel = canvas.onpointerup;
  canvas.onpointerleave = () => app.hover(null);
  canvas.onkeydown = event => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
      event.key
    ];
    if (way) {
      event.preventDefault();
      const by = event.shiftKey ? 0.5 : 0.1,
        [x, y] = app.state.point ?? [0, 0];
      app.pin(
        [x + by * way[0], y + by * way[1]].map(v => M.clamp(v, M.LOW, M.HIGH)),
        true,
      );
    } else if (event.key === 'Escape') app.pin(null);
    else if ((event.key === ' ' || event.key === 'Enter') && app.tool()) {
      event.preventDefault();
      if (!app.state.point) app.pin([0, 0]);
      app.editor.begin(app.state.point);
      app.editor.end();
    }
  };

  view.knobs.push(
    PLANE.knob(box, pen, {
      name: 'Line of the slice, x₁',
      axis: 'x',
      tone: 'ink',
      at: () => (app.state.layers.includes('slice') ? [app.state.slice, -3.55] : null),
      move: x => app.set({ slice: M.clamp(x, M.LOW, M.HIGH) }),
      say: () => `x₁ = ${words(app.state.slice, 2)}`,
    }),
  );

  view.paint = side => {
    Object.assign(view, app.shown(index, which));
    view.node.classList.toggle('held', app.tool());
    canvas.style.width = canvas.style.height = side + 'px';
    box.style.width = box.style.height = side + 'px';
    pen.begin(side);
    PLANE.layers.paint(pen, view);
    app.editor.paint(pen);
    if (view.point) {
      const [x, y] = view.point;
      pen.line([x, M.LOW, x, M.HIGH], pen.tones.soft, { width: 0.8, alpha: 0.7 });
      pen.line([M.LOW, y, M.HIGH, y], pen.tones.soft, { width: 0.8, alpha: 0.7 });
      pen.ellipse(x, y, 0.07, 0.07, 0, pen.tones.ink, { width: 1.6 });
    }
    for (const knob of view.knobs) knob.place();
    say();
  };
  // What is at the point, in words below; read aloud only where it was moved by keys.
  const say = () => {
    let text = '';
    if (view.point && which === 0) {
      const two = v => words(v, 2);
      const of = v => (Array.isArray(v) ? `(${v.map(two).join(', ')})` : two(v));
      const each = PLANE.readings(view, view.point);
      text = of(view.point);
      for (const [name, v, kind] of each) text += ` · ${name} ${of(v)}${kind ? ` (${kind})` : ''}`;
    }
    if (read.textContent !== text) read.textContent = text;
    read.toggleAttribute('hidden', which > 0);
  };
  view.aloud = on => (on ? read.setAttribute('role', 'status') : read.removeAttribute('role'));
  return view;
};
