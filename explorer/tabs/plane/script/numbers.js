// The numbers beside the planes, and their curves over the training.
PLANE.numbers = app => {
  const { el, words } = PLANE;
  const ROWS = {
    log_likelihood: [
      'Held-out log p̂',
      'Mean log-likelihood of held-out points in nats, higher is better',
    ],
    kl_forward: ['KL(p ‖ p̂)', 'In nats; large where the model misses data'],
    kl_backward: ['KL(p̂ ‖ p)', 'In nats; large where the model puts mass that is not there'],
    js: ['Jensen–Shannon', 'In nats, at most 0.69'],
    w1: ['Wasserstein-1', 'In units of the plane'],
    mmd: ['MMD²', 'Squared, without bias'],
    modes: ['Modes found', 'Modes with at least a fifth of their share of the samples'],
  };
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
  let chosen = 'log_likelihood';
  const table = el('table', {}),
    caption = el('p', { class: 'words' });
  const plots = [0, 1].map(() => {
    const canvas = el('canvas', { role: 'img' }),
      title = el('b', {}),
      note = el('span', {}),
      figure = el('figure', {}, el('figcaption', {}, title, ' ', note), canvas);
    canvas.onpointerdown = canvas.onpointermove = event => {
      if (event.type === 'pointermove' && !(event.buttons & 1)) return;
      const b = canvas.getBoundingClientRect();
      app.transport.play(false);
      app.follow(false);
      app.set({ moment: Math.max(0, Math.min(1, (event.clientX - b.left - 38) / (b.width - 44))) });
    };
    return { canvas, title, note, figure };
  });
  const node = el(
    'div',
    { class: 'numbers' },
    el('h3', {}, 'How close to the truth'),
    table,
    caption,
    plots.map(p => p.figure),
  );

  let shape = '';
  const build = films => {
    const there = Object.keys(ROWS).filter(key => films.some(f => f?.measures[key]));
    const key = there.join() + '|' + films.map((f, i) => app.title(i)).join();
    if (key === shape) return;
    shape = key;
    if (!there.includes(chosen) && there.length) chosen = there[0];
    table.replaceChildren(
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('th', { scope: 'col' }, 'Measure'),
          films.map((_, i) => {
            const name = films.length > 1 ? app.title(i) : 'Now';
            // There is no room for three names: the dots are those beside the names above.
            if (films.length < 3) return el('th', { scope: 'col' }, name);
            const dot = el('i', { class: 'dot', 'aria-hidden': 'true' });
            dot.dataset.panel = i;
            return el('th', { scope: 'col', title: name, 'aria-label': name }, dot);
          }),
        ),
      ),
      el(
        'tbody',
        {},
        there.map(row => {
          const pick = el(
            'button',
            {
              type: 'button',
              title: 'Show its curve',
              onclick: () => {
                chosen = row;
                app.changed();
              },
            },
            ROWS[row][0],
          );
          pick.dataset.row = row;
          return el(
            'tr',
            {},
            el('th', { scope: 'row' }, pick),
            films.map(() => el('td', {})),
          );
        }),
      ),
    );
  };
  // Three digits after the point, two where columns are narrow; less is of no interest.
  const plain = (v, digits = 3) => {
    const text = v.toFixed(digits);
    return +text === 0 ? text.replace('-', '') : text.replace('-', '−');
  };
  const put = (cell, text) => {
    if (cell.textContent !== text) cell.textContent = text;
  };
  // One line plot: lines of {x, y}, with a rule at the present moment of each film.
  const plot = ({ canvas }, lines, log) => {
    const wide = canvas.parentNode.clientWidth,
      tall = 120;
    if (!wide) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (canvas.width !== Math.round(wide * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = tall * ratio;
      canvas.style.width = '100%';
      canvas.style.height = tall + 'px';
    }
    const g = canvas.getContext('2d'),
      t = PLANE.draw.tones(canvas);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, wide, tall);
    const scale = log ? v => Math.log10(Math.max(v, 1e-6)) : v => v;
    const ys = lines.flatMap(l => l.y.filter(v => v != null)).map(scale);
    if (!ys.length) return;
    // The first moments of a run may lie far off; the scale is that of the rest.
    const sorted = [...ys].sort((a, b) => a - b),
      cut = k =>
        sorted[Math.max(0, Math.min(sorted.length - 1, Math.round(k * (sorted.length - 1))))];
    let low = log ? sorted[0] : cut(0.04),
      high = log ? sorted[sorted.length - 1] : cut(0.97);
    const room = 0.08 * (high - low) || 0.5;
    low -= room;
    high += room;
    const X = u => 38 + u * (wide - 44),
      Y = v => tall - 8 - ((scale(v) - low) / (high - low)) * (tall - 16);
    g.font = '11px system-ui, sans-serif';
    g.fillStyle = t.soft;
    g.strokeStyle = t.line;
    g.textAlign = 'right';
    for (let k = 0; k < 3; k++) {
      const v = low + ((k + 0.5) * (high - low)) / 3,
        y = tall - 8 - ((v - low) / (high - low)) * (tall - 16);
      g.beginPath();
      g.moveTo(38, y);
      g.lineTo(wide - 6, y);
      g.stroke();
      g.fillText(words(log ? 10 ** v : v, log || Math.abs(high - low) < 1 ? 2 : 1), 34, y + 4);
    }
    g.save();
    g.beginPath();
    g.rect(38, 2, wide - 44, tall - 4);
    g.clip();
    for (const line of lines) {
      g.strokeStyle = line.colour;
      g.setLineDash(line.dash ?? []);
      g.lineWidth = line.width ?? 2;
      g.beginPath();
      let up = false;
      line.y.forEach((v, k) => {
        if (v == null) return;
        g[up ? 'lineTo' : 'moveTo'](X(line.x(k)), Y(v));
        up = true;
      });
      g.stroke();
    }
    g.restore();
    g.setLineDash([]);
    g.strokeStyle = t.ink;
    g.globalAlpha = 0.5;
    g.beginPath();
    g.moveTo(X(app.state.moment), 4);
    g.lineTo(X(app.state.moment), tall - 4);
    g.stroke();
    g.globalAlpha = 1;
  };
  const paint = () => {
    const films = app
      .panels()
      .map(p => p.film)
      .filter(Boolean);
    const all = app.panels().map(p => p.film);
    build(all);
    node.classList.toggle('none', !films.length);
    for (const pick of table.querySelectorAll('button')) {
      const row = pick.dataset.row;
      pick.setAttribute('aria-pressed', row === chosen);
      all.forEach((film, i) => {
        const cell = pick.closest('tr').children[i + 1],
          own = film?.measures[row],
          at = film && app.place(film),
          v = own && film.number(own.value, at),
          e = own && film.number(own.stderr, at),
          few = films.length < 3;
        if (row === 'modes' && v != null) put(cell, `${v} ${own.kind}`);
        else {
          const error = e && few ? ` ± ${plain(e)}` : '';
          put(cell, v == null ? '–' : plain(v, few ? 3 : 2) + error);
        }
        const error = e ? `, standard error ${words(e)}` : '';
        cell.title = own ? own.kind + error : '';
      });
    }
    const kinds = [...new Set(all.map(f => f?.measures[chosen]?.kind).filter(Boolean))];
    put(caption, ROWS[chosen][1] + (kinds.length ? `. How: ${kinds.join('; ')}.` : ''));
    const t = PLANE.draw.tones(node),
      colours = [t.model, t.truth, t.other, t.held];
    const along = film => k => app.momentOf(film, k);
    const losses = [];
    all.forEach(
      (film, i) =>
        film &&
        Object.entries(film.logs)
          .slice(0, 4)
          .forEach(([name, y], j) =>
            losses.push({
              y,
              x: along(film),
              name,
              colour: colours[films.length > 1 ? i : j],
              dash: DASHES[films.length > 1 ? j : 0],
              width: 1.8,
            }),
          ),
    );
    // Of those that learn by likelihood or a bound of it; the loss of a field is something else.
    const likely = film =>
      ['exact', 'lower bound'].includes(film.header.density) && !film.has('field');
    const chosenLines = [];
    all.forEach((film, i) => {
      if (!film?.measures[chosen]) return;
      chosenLines.push({ y: film.measures[chosen].value, x: along(film), colour: colours[i] });
      // What it is to training points, beside: the loss is its negative.
      const { loss } = film.logs;
      if (chosen === 'log_likelihood' && loss && likely(film))
        chosenLines.push({
          y: loss.map(v => (v == null ? null : -v)),
          x: along(film),
          colour: colours[i],
          dash: [4, 3],
          width: 1.3,
        });
    });
    const beside = films.some(likely) ? 'dashed: of training points' : '';
    put(plots[0].title, films.length > 1 ? 'Losses' : losses.length === 1 ? 'Loss' : 'Losses');
    put(
      plots[0].note,
      films.length > 1 ? '' : losses.map(l => l.name.replaceAll('_', ' ')).join(', '),
    );
    put(plots[1].title, ROWS[chosen][0]);
    put(
      plots[1].note,
      chosen === 'log_likelihood'
        ? beside
        : films.length > 1
          ? app
              .panels()
              .map((_, i) => app.title(i))
              .join(', ')
          : '',
    );
    const logs = chosen === 'kl_forward' || chosen === 'kl_backward';
    plot(plots[0], losses, false);
    plot(plots[1], chosenLines, logs && chosenLines.every(l => l.y.every(v => v == null || v > 0)));
    plots[0].canvas.setAttribute(
      'aria-label',
      `Losses over the training: ${losses.map(l => l.name).join(', ')}`,
    );
    plots[1].canvas.setAttribute('aria-label', `${ROWS[chosen][0]} over the training`);
  };
  return { node, paint };
};
