// A question to the class (--class): asked here, answered on phones, counted while one watches.
// The server keeps it no longer than this dialog is open.
(ge => {
  if (!window.GE_CLASS) return;
  const el = (tag, set = {}, ...inside) => {
    const node = Object.assign(document.createElement(tag), set);
    node.append(...inside);
    return node;
  };
  const address = () => ge.host().replace(/\/$/, '') + '/class';
  const call = async (path, method, key, wish) => {
    const headers = { 'Content-Type': 'application/json', ...(key && { 'Question-Key': key }) };
    const body = wish && JSON.stringify(wish);
    const answer = await fetch('class' + path, { method, headers, body, keepalive: !wish });
    return answer.json();
  };
  const ALONE =
    'This address reaches this machine alone. For phones, start with --host 0.0.0.0 and open the ' +
    "page by this machine's name.";
  const GONE = 'The server does not answer. Trying again …';

  // What a lesson or a lecture asks at the station on screen.
  const atStation = () => {
    const { station, record } = ge.touring ?? {};
    return record?.stations[station - 1]?.predict ?? null;
  };

  ge.askClass = () => {
    const asked = atStation();
    const text = el('textarea', { id: 'ge-class-text', value: asked?.question ?? '' });
    const choices = el('textarea', {
      id: 'ge-class-choices',
      value: asked?.choices.join('\n') ?? 'Yes\nNo',
    });
    const problem = el('p', { className: 'problem' });
    problem.setAttribute('role', 'status');
    const send = el('button', { type: 'button', className: 'main', textContent: 'Ask' });
    const dialog = ge.dialog('Ask the class', [
      el('label', { htmlFor: text.id, textContent: 'Question' }),
      text,
      el('label', { htmlFor: choices.id, textContent: 'Answers, one a line' }),
      choices,
      problem,
      send,
    ]);
    dialog.classList.add('ge-class-ask');
    send.onclick = async () => {
      const wish = {
        question: text.value.trim(),
        choices: choices.value
          .split('\n')
          .map(line => line.trim())
          .filter(Boolean),
      };
      send.disabled = true;
      let told;
      try {
        told = await call('', 'POST', '', wish);
      } catch {
        told = { problem: 'The server does not answer. Try again.' };
      }
      send.disabled = false;
      problem.textContent = told.problem ?? '';
      if (told.problem) return;
      dialog.close();
      const same = asked && wish.choices.join('\n') === asked.choices.join('\n');
      watch(wish, told, same ? asked.answer : null);
    };
  };

  // The code, and the answers as they come. answer: which one is right, where a lesson says so.
  const watch = ({ question, choices }, { code, key }, answer) => {
    const rows = choices.map(text => {
      const bar = el('i'),
        count = el('b', { textContent: '0' });
      return el('li', {}, el('span', { textContent: text }), el('em', {}, bar), count);
    });
    const total = el('p', { className: 'total', textContent: 'No answers yet.' });
    total.setAttribute('role', 'status');
    const end = el('button', { type: 'button', textContent: 'Take no more answers' });
    const show = el('button', { type: 'button', textContent: 'Show the answer' });
    const next = el('button', { type: 'button', textContent: 'Ask another' });
    show.hidden = answer === null;
    const place = el('p', { className: 'place' });
    place.append('Open ', el('b', { textContent: address().replace(/^\w+:\/\//, '') }), ', code ');
    place.append(el('strong', { textContent: code }));
    // A lecturer who tries it on the own machine is told why no phone gets there.
    const alone = ['localhost', '127.0.0.1'].includes(location.hostname) && !window.GE_HOME;
    const hint = el('p', { className: 'total', hidden: !alone, textContent: ALONE });
    const dialog = ge.dialog(
      question,
      [
        place,
        hint,
        el('ol', { className: 'answers' }, ...rows),
        total,
        el('div', { className: 'buttons' }, end, show, next),
      ],
      true,
    );
    dialog.classList.add('ge-class-watch');

    let isOpen = true,
      timer = 0;
    const paint = counts => {
      const sum = counts.reduce((a, b) => a + b, 0),
        most = Math.max(1, ...counts);
      rows.forEach((row, k) => {
        row.querySelector('i').style.width = `${(100 * counts[k]) / most}%`;
        row.querySelector('b').textContent = counts[k];
      });
      const words = sum === 1 ? '1 answer' : `${sum || 'No'} answers`;
      total.textContent = words + (isOpen ? (sum ? '.' : ' yet.') : '. The question is closed.');
    };
    const look = async () => {
      try {
        const told = await call(`/${code}/counts`, 'GET', key);
        if (told.problem) {
          total.textContent = told.problem;
          return;
        }
        paint(told.counts);
      } catch {
        total.textContent = GONE;
      }
      if (dialog.isConnected) timer = setTimeout(look, 1000);
    };
    look();
    end.onclick = async () => {
      await call(`/${code}/close`, 'POST', key).catch(() => ({}));
      isOpen = false;
      end.disabled = true;
      clearTimeout(timer);
      look();
    };
    show.onclick = () => {
      rows[answer].classList.add('right');
      rows[answer].setAttribute('aria-label', `${choices[answer]}: the right answer`);
    };
    next.onclick = () => {
      dialog.close();
      ge.askClass();
    };
    dialog.addEventListener('close', () => {
      clearTimeout(timer);
      call(`/${code}/forget`, 'POST', key).catch(() => ({}));
    });
  };
})(window.GE);
