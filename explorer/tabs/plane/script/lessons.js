// Six lessons: each sets the tab to what it is about, asks a question, then says what to see.
PLANE.lessons = app => {
  const { el } = PLANE;
  const row = el('div', { class: 'lessons', role: 'group', 'aria-label': 'Lessons' }),
    card = el('section', { class: 'lesson', 'aria-label': 'Lesson', hidden: '' });
  let buttons = [],
    shown = null;
  const stateOf = lesson => {
    const state = PLANE.state.fresh();
    const keys = [
      'methods',
      'set',
      'surface',
      'beside',
      'layers',
      'moment',
      'time',
      'axis',
      'slice',
      'count',
      'mixture',
      'point',
    ];
    for (const key of keys)
      if (lesson[key] !== undefined) state[key] = structuredClone(lesson[key]);
    state.config = structuredClone(lesson.settings ?? {});
    state.lesson = lesson.key;
    return state;
  };
  const open = lesson => {
    app.go(stateOf(lesson));
    if (lesson.start && app.about.training) {
      app.start();
      return;
    }
    if (app.calm()) return;
    if (lesson.play === 'training') (app.put({ moment: 0 }), app.transport.play(true));
    if (lesson.play === 'generation') (app.put({ time: 0 }), app.transport.playMaking(true));
  };
  const paint = () => {
    const all = app.about.lessons;
    if (buttons.length !== all.length) {
      buttons = all.map(lesson => {
        const link = el(
          'a',
          {
            href:
              '?tab=plane&plane.state=' + encodeURIComponent(PLANE.state.write(stateOf(lesson))),
          },
          lesson.title,
        );
        link.onclick = event => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          open(lesson);
        };
        return link;
      });
      row.replaceChildren(el('span', {}, 'Lessons'), ...buttons);
    }
    const at = all.findIndex(lesson => lesson.key === app.state.lesson);
    buttons.forEach((b, k) =>
      k === at ? b.setAttribute('aria-current', 'true') : b.removeAttribute('aria-current'),
    );
    card.hidden = at < 0;
    if (at < 0 || shown === at) return (shown = at < 0 ? null : shown);
    shown = at;
    const lesson = all[at],
      said = el('div', { class: 'said', role: 'status' });
    const options = (lesson.choices ?? []).map((text, k) => {
      const b = el('button', { type: 'button', 'aria-pressed': 'false' }, text);
      b.onclick = () => {
        options.forEach((other, j) => {
          other.classList.toggle('right', j === lesson.answer);
          other.classList.toggle('wrong', j === k && k !== lesson.answer);
          other.setAttribute('aria-pressed', j === k);
        });
        said.replaceChildren(el('p', {}, lesson.see));
      };
      return b;
    });
    if (!options.length)
      options.push(
        el(
          'button',
          { type: 'button', onclick: () => said.replaceChildren(el('p', {}, lesson.see)) },
          'What to see',
        ),
      );
    card.replaceChildren(
      el(
        'div',
        {},
        el('h3', {}, lesson.title),
        el(
          'button',
          {
            type: 'button',
            class: 'close',
            'aria-label': 'Close the lesson',
            title: 'Close the lesson',
            onclick: () => app.set({ lesson: '' }),
          },
          '×',
        ),
      ),
      el('p', {}, lesson.question),
      el('div', { class: 'options' }, options),
      said,
    );
    return shown;
  };
  return { row, card, paint };
};
