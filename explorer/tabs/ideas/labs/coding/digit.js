{
  const M = IDEAS.maths;

  // A digit by a shipped model: the server codes it, the browser shows what came back.
  IDEAS.views.coding.scenes.push({
    key: 'digit',
    title: 'A digit',
    words:
      'A real test digit, written by arithmetic coding with a model of this page, and read ' +
      'back. The model is the code.',
    build(s) {
      const select = s.el('select', { id: 'idea-coding-model' });
      select.style.cssText =
        'grid-column: 1 / -1; font-size: 14px; padding: 4px 8px; border: 1px solid ' +
        'var(--input-border-color); border-radius: 4px; background: ' +
        'var(--input-background-fill); color: var(--body-text-color);';
      s.side.append(
        s.el(
          'div',
          { class: 'field' },
          s.el('label', { for: 'idea-coding-model' }, 'Model'),
          s.el('span'),
          select,
        ),
      );
      s.slider('picture', { label: 'Picture', step: 1, whole: true });
      const [go, all] = s.buttons(
        ['Encode and decode', () => ask('code'), 'main'],
        ['With every model', () => ask('every')],
      );
      s.slider('read', { label: 'Read back up to pixel', step: 1, whole: true });
      s.text(
        'A code for the wrong belief costs the KL divergence: compare a model of clothes ' +
          'with one of digits.',
      );
      const status = s.status(),
        row = s.row(180);
      const frame = title => {
        const canvas = s.el('canvas', { role: 'img', 'aria-label': title }),
          figure = s.el('figure', {}, s.el('figcaption', {}, s.el('b', {}, title)), canvas);
        canvas.style.cssText =
          'width: 196px; height: 196px; image-rendering: pixelated; background: #000;';
        row.append(figure);
        return canvas;
      };
      const back = frame('Read back so far'),
        cost = frame('Bits each pixel cost');
      const numbers = s.numbers([
        ['bytes', 'The file', 'bytes', 'p'],
        ['model', 'By the likelihood', 'bytes'],
        ['png', 'PNG', 'bytes'],
        ['webp', 'WebP, lossless', 'bytes'],
        ['raw', 'As it is', 'bytes'],
        ['same', 'Bit for bit', ''],
      ]);
      const bars = s.plot({
        title: 'Bytes read',
        note: 'while the picture is read back',
        x: [0, 784],
        y: [0, 30],
        tall: 150,
        names: ['pixels', ''],
      });
      const formula = s.formula(
        '−log_2 *p*(*x*) = Σ_i −log_2 *p*(*x*_i | *x*_{<i}) = {bits} bits = {nats} nats · log_2 e',
      );
      const hex = s.el('p', { class: 'words' });
      hex.style.overflowWrap = 'anywhere';
      const wide = s.el('div', {
          class: 'wide',
          tabindex: '0',
          role: 'region',
          'aria-label': 'Bytes by model',
        }),
        table = s.el('table');
      wide.append(table);
      s.stage.append(hex, wide);
      wide.hidden = true;
      let result = null,
        busy = false,
        known = null,
        told = false;
      const list = async () => {
        known = [];
        try {
          known = await IDEAS.server.coders('');
        } catch {
          status(
            'The models could not be listed. Open the laboratory again when the page is connected.',
          );
          return;
        }
        select.replaceChildren(...known.map(m => s.el('option', { value: m.name }, m.title)));
        go.disabled = all.disabled = !known.length;
        if (!known.length) {
          status(
            'No model here writes a picture value by value, or no test pictures are shipped. ' +
              'Start the page with its own models to code a digit.',
          );
          return;
        }
        if (!known.some(m => m.name === s.state.model)) s.state.model = known[0].name;
        select.value = s.state.model;
        status('Press “Encode and decode”. It takes about a second.');
      };
      select.onchange = () => {
        result = null;
        s.set({ model: select.value });
      };
      const ask = async kind => {
        if (busy) return;
        busy = true;
        told = false;
        status(
          kind === 'code'
            ? 'The model reads the picture pixel by pixel, twice: to write the file and to ' +
                'read it back.'
            : '',
        );
        try {
          if (kind === 'code') {
            result = await IDEAS.server.code([s.state.model, s.state.picture]);
            s.state.read = 0;
            loop.start();
          } else {
            const rows = [],
              { model, picture } = s.state;
            for (const [k, other] of known.entries()) {
              status(`Each model codes this picture: ${k + 1} of ${known.length}, ${other.title}.`);
              const one = await IDEAS.server.length([other.name, model, picture]);
              if (one) rows.push(one);
              wide.hidden = false;
              rows.sort(
                (a, b) => a.space.localeCompare(b.space) || a.bytes - b.bytes || a.bits - b.bits,
              );
              fill(rows);
            }
            told = true;
            status(
              'The fewest bytes belong to the model that gives this picture the highest ' +
                'likelihood. Only lengths of the same kind of pixels can be compared.',
            );
          }
        } catch {
          status('The picture could not be coded. Try another model, or load the page anew.');
        }
        busy = false;
        s.changed();
      };
      const fill = rows =>
        table.replaceChildren(
          s.el(
            'thead',
            {},
            s.el(
              'tr',
              {},
              s.el('th', {}, 'Model'),
              s.el('th', { class: 'n' }, 'bytes'),
              s.el('th', { class: 'n' }, 'bits'),
              s.el('th', {}, 'pixels'),
            ),
          ),
          s.el(
            'tbody',
            {},
            ...rows.map(r =>
              s.el(
                'tr',
                {},
                s.el('td', {}, r.title),
                s.el('td', { class: 'n' }, String(r.bytes)),
                s.el('td', { class: 'n' }, r.bits.toFixed(1)),
                s.el('td', {}, r.space),
              ),
            ),
          ),
        );
      const loop = s.loop(() => {
        const D = result?.order.length ?? 0;
        s.state.read = Math.min(D, s.state.read + Math.max(1, Math.round(D / 150)));
        return s.state.read < D;
      });
      const paint = (canvas, w, h, colour) => {
        if (canvas.width !== w || canvas.height !== h) {
          canvas.width = w;
          canvas.height = h;
        }
        const g = canvas.getContext('2d'),
          image = g.createImageData(w, h);
        for (let i = 0; i < w * h; i++) {
          image.data.set(colour(i), 4 * i);
          image.data[4 * i + 3] = 255;
        }
        g.putImageData(image, 0, 0);
      };
      return () => {
        if (!known) list();
        if (!result) {
          numbers({ bytes: '–', model: '–', png: '–', webp: '–', raw: '–', same: '–' });
          bars.draw(pen => pen.axes());
          formula({ bits: '–', nats: '–' });
          return;
        }
        const { order, bits, values, width, height, levels } = result,
          n = Math.min(order.length, Math.round(s.state.read));
        const shown = new Uint8Array(order.length);
        order.slice(0, n).forEach(place => {
          shown[place] = 1;
        });
        paint(back, width, height, i => {
          const v = (values[i] * 255) / (levels - 1);
          return shown[i] ? [v, v, v] : [52, 60, 92];
        });
        const most = Math.max(...bits, 1);
        paint(cost, width, height, i => {
          const t = Math.sqrt(bits[i] / most);
          return [255 * t, 154 * t * t, 87 * t * t * t];
        });
        cost.setAttribute('aria-label', `Bits each pixel cost: at most ${most.toFixed(1)}`);
        const path = (result.path ??= (() => {
          let t = 0;
          return order.map(place => (t += bits[place]) / 8);
        })());
        bars.x = [0, order.length];
        bars.y = [0, path.at(-1) * 1.15];
        bars.draw(pen => {
          const xs = path.slice(0, Math.max(1, n)).map((_, i) => i + 1);
          pen.axes();
          pen.area(xs, path.slice(0, xs.length), 'p');
          pen.line(xs, path.slice(0, xs.length), 'p');
        });
        bars.note(`${(path[n - 1] ?? 0).toFixed(1)} bytes read for ${n} of ${order.length} pixels`);
        const total = M.sum(bits);
        numbers({
          bytes: String(result.bytes),
          model: (total / 8).toFixed(1),
          png: String(result.png),
          webp: String(result.webp),
          raw: String(result.raw),
          same: result.same ? 'the same' : 'not the same',
        });
        formula({ bits: total.toFixed(2), nats: (total * Math.LN2).toFixed(2) });
        const text = `The file: ${result.hex}`;
        if (hex.textContent !== text) hex.textContent = text;
        if (!busy && !loop.on && !told)
          status(
            `${result.title}: ${result.bytes} bytes, read back ` +
              `${result.same ? 'bit for bit' : 'wrongly'}, in ${result.seconds.toFixed(1)} s.`,
          );
      };
    },
  });
}
