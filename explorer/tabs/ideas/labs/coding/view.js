IDEAS.views.coding = (() => {
  const C = IDEAS.coding,
    M = IDEAS.maths,
    { number, one } = IDEAS.state;
  const TEXT = 'the rain in spain stays mainly in the plain';
  const sentence = { first: TEXT, read: text => (/^[a-z ]{1,80}$/.test(text) ? text : TEXT) };
  const state = {
    p: number(0.8, 0, 1),
    q: number(0.5, 0, 1),
    n: number(200, 10, 2000),
    seed: number(1, 1, 9999),
    text: sentence,
    belief: one('text', 'english', 'even', 'other'),
    upto: number(6, 1, 12),
    model: { first: '', read: text => (/^[\w.-]{0,80}$/.test(text) ? text : '') },
    picture: number(0, 0, 199),
    read: number(784, 0, 784),
  };

  const coin = {
    key: 'coin',
    title: 'A coin',
    words:
      'A coin that shows heads with probability p, coded by somebody who believes in q. Drag both.',
    build(s) {
      s.slider('p', { label: 'Heads in truth, p' });
      s.slider('q', { label: 'Heads as believed, q' });
      s.slider('n', { label: 'Tosses that are coded', log: true, whole: true });
      s.buttons(
        ['Toss again', () => s.set({ seed: (s.state.seed % 9999) + 1 }), 'main'],
        ['Believe the truth', () => s.set({ q: s.state.p })],
      );
      s.text(
        'The line touches the entropy curve at q: it is the average length of a code made for q, whatever the truth p is. The gap at p is the KL divergence.',
      );
      const numbers = s.numbers([
        ['h', 'Entropy of p', 'bits a toss', 'p'],
        ['c', 'With the code for q', 'bits a toss', 'q'],
        ['kl', 'Extra, KL(p‖q)', 'bits a toss', 'r'],
        ['bits', 'Bits really written', ''],
        ['back', 'Decoded', ''],
      ]);
      const plot = s.plot({
        title: 'Bits a toss',
        x: [0, 1],
        y: [0, 2.2],
        tall: 300,
        names: ['heads, p', ''],
      });
      const formula = s.formula(
        'H(*p*, *q*) = −*p* log_2 *q* − (1 − *p*) log_2 (1 − *q*) = H(*p*) + KL(*p*‖*q*) = {h} + {kl} = {c} bits',
      );
      const xs = M.grid(0, 1, 201),
        hs = Array.from(xs, x => C.entropy([x, 1 - x]));
      plot.handle({
        name: 'Heads in truth, p',
        tone: 'p',
        axis: 'x',
        step: [0.01, 0],
        at: () => [s.state.p, C.entropy([s.state.p, 1 - s.state.p])],
        move: x => s.set({ p: +x.toFixed(3) }),
        say: () => `p = ${s.state.p.toFixed(2)}`,
        range: () => [s.state.p, 0, 1],
      });
      plot.handle({
        name: 'Heads as believed, q',
        tone: 'q',
        axis: 'x',
        step: [0.01, 0],
        at: () => [s.state.q, C.entropy([s.state.q, 1 - s.state.q])],
        move: x => s.set({ q: +x.toFixed(3) }),
        say: () => `q = ${s.state.q.toFixed(2)}`,
        range: () => [s.state.q, 0, 1],
      });
      const strip = s.el('p', { class: 'words' });
      s.stage.append(strip);
      return () => {
        const { p, q, n, seed } = s.state,
          rng = M.random(seed),
          c = C.cross([p, 1 - p], [q, 1 - q]);
        const tosses = Array.from({ length: Math.round(n) }, () => (rng.uniform() < p ? 0 : 1));
        const data = C.encode(tosses, [q, 1 - q]);
        plot.draw(pen => {
          pen.axes();
          pen.line(xs, hs, 'ink');
          pen.clip(() => {
            if (q > 0 && q < 1) pen.line([0, 1], [C.bits(1 - q), C.bits(q)], 'q', { width: 1.6 });
            if (Number.isFinite(c)) {
              pen.line([p, p], [C.entropy([p, 1 - p]), c], 'r', { width: 4 });
              pen.dots([p], [c], 'r', { radius: 5 });
            }
          });
        });
        const h = C.entropy([p, 1 - p]),
          k = C.kl([p, 1 - p], [q, 1 - q]);
        numbers(
          {
            h,
            c,
            kl: k,
            bits: data ? String(data.length) : '∞',
            back: data
              ? C.decode(data, [q, 1 - q], tosses.length).every((v, i) => v === tosses[i])
                ? 'the same'
                : 'another'
              : '–',
          },
          {
            bits: data
              ? `${(data.length / tosses.length).toFixed(3)} a toss`
              : 'it happened, and has no code',
          },
        );
        formula({ h, kl: k, c });
        const shown = tosses
          .slice(0, 60)
          .map(t => (t ? 'T' : 'H'))
          .join(' ');
        const text = `First tosses: ${shown}${tosses.length > 60 ? ' …' : ''}  First bits: ${data ? data.slice(0, 60).join('') : 'none'}`;
        if (strip.textContent !== text) strip.textContent = text;
        plot.say(`Entropy ${s.words(h)} bits at p ${p}; the code for q ${q} takes ${s.words(c)}`);
      };
    },
  };

  const letters = {
    key: 'letters',
    title: 'Letters',
    words:
      'A sentence, coded by four beliefs about letters: its own frequencies, English, every letter alike, and those of another language.',
    build(s) {
      const box = s.el('input', {
        type: 'text',
        id: 'idea-coding-text',
        maxlength: '80',
        autocomplete: 'off',
      });
      const problem = s.el('p', { class: 'problem', role: 'alert' });
      s.side.append(
        s.el(
          'div',
          { class: 'field' },
          s.el('label', { for: 'idea-coding-text' }, 'Your sentence'),
          s.el('span'),
          box,
          problem,
        ),
      );
      box.style.cssText = 'grid-column: 1 / -1; width: 100%; text-align: left;';
      box.oninput = () => {
        const text = box.value.toLowerCase().replace(/[^a-z ]/g, '');
        problem.textContent = text.trim()
          ? ''
          : 'At least one letter of a to z is needed; the last sentence is kept.';
        if (text.trim()) s.set({ text });
      };
      s.choice('belief', {
        label: 'The code is made for',
        options: [
          ['text', 'this sentence'],
          ['english', 'English'],
          ['even', 'every letter alike'],
          ['other', 'vowels only, nearly'],
        ],
      });
      s.slider('upto', { label: 'Letters shown as intervals', step: 1, whole: true });
      s.text(
        'Huffman gives each letter whole bits. Arithmetic coding gives the sentence one number in a narrow interval, and pays for fractions of bits.',
      );
      const numbers = s.numbers([
        ['h', 'Entropy', 'bits a letter', 'p'],
        ['c', 'With this code', 'bits a letter', 'q'],
        ['kl', 'Extra, KL', 'bits a letter', 'r'],
        ['huff', 'Huffman for this belief', 'bits a letter'],
        ['bits', 'Really written', 'bits, arithmetic'],
      ]);
      const plot = s.plot({
        title: 'Letters',
        note: 'of the sentence (orange), as believed (blue)',
        x: [-0.5, 26.5],
        y: [0, 0.3],
        tall: 190,
        edge: { b: 8 },
        columns: false,
      });
      const nest = s.plot({
        title: 'Where the sentence lies',
        note: 'each letter is a part of the interval before it',
        x: [0, 1],
        y: [0, 6],
        tall: 230,
        bare: true,
      });
      const formula = s.formula(
        '−log_2 *q*(sentence) = Σ −log_2 *q*(letter) = {sum} bits; written: {bits}',
      );
      return () => {
        const { text, belief } = s.state;
        if (document.activeElement !== box && box.value !== text) box.value = text;
        const p = C.frequencies(text),
          vowels = C.LETTERS.map(c => ('aeiou '.includes(c) ? 1 / 6 : 0));
        const q = {
          text: p,
          english: C.english,
          even: C.LETTERS.map(() => 1 / 27),
          other: C.hedged(vowels, 0.1),
        }[belief];
        const all = C.symbols(text),
          data = C.encode(all, q),
          back =
            data &&
            C.decode(data, q, all.length)
              .map(k => C.LETTERS[k])
              .join('');
        const h = C.entropy(p),
          c = C.cross(p, q),
          words = C.huffman(q);
        numbers(
          {
            h,
            c,
            kl: C.kl(p, q),
            huff: C.lengthOf(p, words),
            bits: data ? String(data.length) : '∞',
          },
          { bits: back === text ? 'decoded: the same' : 'decoded: another' },
        );
        formula({ sum: c * all.length, bits: data ? String(data.length) : '∞' });
        plot.y = [0, 1.3 * Math.max(...p, ...q)];
        plot.draw(pen => {
          pen.axes();
          pen.bars(-0.5, 1, p, 'p', { part: 0.4, shift: -0.2, alpha: 0.75 });
          pen.bars(-0.5, 1, q, 'q', { part: 0.4, shift: 0.2, alpha: 0.75 });
          C.LETTERS.forEach((c, i) => {
            const top = plot.Y(Math.max(p[i], q[i])) - 6;
            pen.textAt(c === ' ' ? '␣' : c, plot.X(i), top, 'ink', 'center');
          });
        });
        const first = all.slice(0, s.state.upto),
          spans = C.intervals(first, q);
        nest.draw(pen => {
          const { g } = pen,
            t = pen.tones(),
            rows = first.length + 1,
            high = 230 / (rows + 0.2),
            wide = nest.canvas.clientWidth - 2;
          // Each row is the interval above it, enlarged; its part for the next letter is marked.
          for (let r = 0; r < rows; r++) {
            let at = 0;
            const y = 2 + r * high;
            q.forEach((a, i) => {
              const w = a * wide,
                on = i === first[r];
              if (a > 0) {
                g.fillStyle = on ? t.p : i % 2 ? t.line : t.ground;
                g.globalAlpha = on ? 0.75 : 1;
                g.fillRect(1 + at, y, w, high - 10);
                g.globalAlpha = 1;
                if (w > 11) {
                  g.font = '11px system-ui, sans-serif';
                  g.textAlign = 'center';
                  g.textBaseline = 'middle';
                  g.fillStyle = on ? t.ground : t.soft;
                  g.fillText(
                    C.LETTERS[i] === ' ' ? '␣' : C.LETTERS[i],
                    1 + at + w / 2,
                    y + (high - 10) / 2,
                  );
                }
                if (on && r < rows - 1) {
                  g.strokeStyle = t.p;
                  g.beginPath();
                  g.moveTo(1 + at, y + high - 10);
                  g.lineTo(1, y + high);
                  g.moveTo(1 + at + w, y + high - 10);
                  g.lineTo(1 + wide, y + high);
                  g.stroke();
                }
              }
              at += w;
            });
          }
        });
        const [low, high] = spans.at(-1);
        nest.note(
          `after ${first.length} letters: from ${low.toFixed(8)} to ${high.toFixed(8)}, ${s.words(C.bits(high - low), 1)} bits`,
        );
        nest.say(
          `Nested intervals; after ${first.length} letters the interval is ${high - low} wide`,
        );
      };
    },
  };

  // A digit by a shipped model: the server codes it, the browser shows what came back.
  const digit = {
    key: 'digit',
    title: 'A digit',
    words:
      'A real test digit, written by arithmetic coding with a model of this page, and read back. The model is the code.',
    build(s) {
      const select = s.el('select', { id: 'idea-coding-model' });
      select.style.cssText =
        'grid-column: 1 / -1; font-size: 14px; padding: 4px 8px; border: 1px solid var(--input-border-color); border-radius: 4px; background: var(--input-background-fill); color: var(--body-text-color);';
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
        'A code for the wrong belief costs the KL divergence: compare a model of clothes with one of digits.',
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
            'No model here writes a picture value by value, or no test pictures are shipped. Start the page with its own models to code a digit.',
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
            ? 'The model reads the picture pixel by pixel, twice: to write the file and to read it back.'
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
              'The fewest bytes belong to the model that gives this picture the highest likelihood. Only lengths of the same kind of pixels can be compared.',
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
            `${result.title}: ${result.bytes} bytes, read back ${result.same ? 'bit for bit' : 'wrongly'}, in ${result.seconds.toFixed(1)} s.`,
          );
      };
    },
  };
  return { state, scenes: [coin, letters, digit] };
})();
