const list = element.querySelector('.list');
element.querySelector('p').textContent = props.label;
list.setAttribute('aria-label', props.label);
let chosen = '',
  buttons = [];

const mark = () => {
  const on = buttons.find(b => b.dataset.key === chosen);
  for (const b of buttons) {
    b.setAttribute('aria-checked', b === on);
    b.tabIndex = b === (on ?? buttons[0]) ? 0 : -1;
  }
};
const choose = b => {
  if (b.getAttribute('aria-disabled') === 'true' || b.dataset.key === chosen) return;
  chosen = b.dataset.key;
  mark();
  document.dispatchEvent(
    new CustomEvent('ge:choose', { detail: { id: props.choices, key: chosen } }),
  );
};
const show = () => {
  const focused = buttons.indexOf(document.activeElement);
  buttons = (props.value || []).map(item => {
    const b = document.createElement('button'),
      title = document.createElement('b');
    b.type = 'button';
    b.setAttribute('role', 'radio');
    b.dataset.key = item.key;
    title.textContent = item.title;
    const note = document.createElement('span');
    note.textContent = item.off || item.note || '';
    b.append(title, note);
    b.setAttribute('aria-disabled', !!item.off);
    b.onclick = () => choose(b);
    return b;
  });
  list.replaceChildren(...buttons);
  mark();
  buttons[focused]?.focus();
};
list.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const able = buttons.filter(b => b.getAttribute('aria-disabled') !== 'true');
  const next = able[(able.indexOf(document.activeElement) + step + able.length) % able.length];
  next?.focus();
  if (next) choose(next);
});
GE.on(element, 'ge:chosen', event => {
  if (event.detail.id !== props.choices) return;
  chosen = event.detail.key;
  mark();
});
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:choices-ask', { detail: props.choices }));
