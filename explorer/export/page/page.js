// The tabs that the model can serve, in the order of the file, and what is said below them.

const tabs = TABS.filter(tab => model.can.includes(tab.needs));
const bar = document.querySelector('[role=tablist]'),
  main = document.querySelector('main');

const pick = chosen => {
  for (const tab of tabs) {
    const on = tab === chosen;
    tab.button.setAttribute('aria-selected', on);
    tab.button.tabIndex = on ? 0 : -1;
    tab.panel.hidden = !on;
  }
  history.replaceState?.(null, '', '#' + chosen.key);
  chosen.enter();
};
for (const tab of tabs) {
  tab.panel = make('section', {
    id: 'panel-' + tab.key,
    role: 'tabpanel',
    class: 'ge-panel',
    'aria-labelledby': 'tab-' + tab.key,
  });
  tab.button = make(
    'button',
    {
      id: 'tab-' + tab.key,
      role: 'tab',
      type: 'button',
      'aria-controls': tab.panel.id,
      onclick: () => pick(tab),
    },
    tab.title,
  );
  bar.append(tab.button);
  main.append(tab.panel);
  // A part that is built where it cannot be seen has no room to measure.
  tab.enter = () => {
    tab.show ??= tab.build(tab.panel);
    tab.show();
  };
}
bar.hidden = tabs.length < 2;
bar.onkeydown = event => {
  const at = tabs.findIndex(tab => tab.button === event.target),
    last = tabs.length - 1;
  const to = {
    ArrowRight: at === last ? 0 : at + 1,
    ArrowLeft: at ? at - 1 : last,
    Home: 0,
    End: last,
  }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  tabs[to].button.focus();
  pick(tabs[to]);
};

model.ready.then(
  ({ ms }) => {
    document.body.dataset.ready = Math.round(ms);
    pick(tabs.find(tab => '#' + tab.key === location.hash) ?? tabs[0]);
  },
  error => {
    console.error(error);
    main.replaceChildren(
      make(
        'p',
        { class: 'failed', role: 'alert' },
        'This browser cannot run the model. A current Chrome, Edge, Firefox or Safari can.',
      ),
    );
  },
);
