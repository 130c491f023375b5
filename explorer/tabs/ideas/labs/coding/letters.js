{
  const C = IDEAS.coding;

  IDEAS.views.coding.scenes.push({
    key: 'letters',
    title: 'Letters',
    words:
      'A sentence, coded by four beliefs about letters: its own frequencies, English, every ' +
      'letter alike, and those of another language.',
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
        'Huffman gives each letter whole bits. Arithmetic coding gives the sentence one ' +
          'number in a narrow interval, and pays for fractions of bits.',
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
                  g.font = GE.font(13);
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
          `after ${first.length} letters: from ${low.toFixed(8)} to ${high.toFixed(8)}, ` +
            `${s.words(C.bits(high - low), 1)} bits`,
        );
        nest.say(
          `Nested intervals; after ${first.length} letters the interval is ${high - low} wide`,
        );
      };
    },
  });
}
