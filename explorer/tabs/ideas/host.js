const row = element.querySelector('.row'),
  lab = element.querySelector('.lab');
const first = props.labs[0].key,
  states = {};
let open = null,
  chosen = null,
  kit = null;
const known = key => props.labs.some(one => one.key === key);
const run = text => {
  const script = document.createElement('script');
  script.textContent = text;
  document.head.append(script);
  script.remove();
};
// The toolkit comes with the first laboratory, each laboratory when it is first opened; after that
// nothing is asked of the server but what a button says.
const fetched = {};
const bring = key =>
  (fetched[key] ??= (async () => {
    const [tools, one] = await Promise.all([(kit ??= server.kit('')), server.lab(key)]);
    if (!window.IDEAS) {
      const style = document.createElement('style');
      style.textContent = tools.style;
      document.head.append(style);
      run(tools.script);
    }
    if (!IDEAS.views[key]) run(one.script);
    IDEAS.server = server;
    return one.about;
  })());
const buttons = props.labs.map(({ key, title }) => {
  const b = document.createElement('button');
  b.type = 'button';
  b.setAttribute('role', 'tab');
  b.dataset.lab = key;
  b.textContent = title;
  b.onclick = () => choose(key);
  row.append(b);
  return b;
});
// Which laboratory is chosen; its button is brought into the row where that scrolls.
const mark = () => {
  for (const b of buttons) {
    const on = b.dataset.lab === chosen;
    b.setAttribute('aria-selected', on);
    b.tabIndex = on ? 0 : -1;
    if (on)
      row.scrollLeft = Math.max(0, b.offsetLeft - row.offsetLeft + b.offsetWidth - row.clientWidth);
  }
};
const choose = async key => {
  chosen = key;
  mark();
  let about;
  try {
    about = await bring(key);
  } catch {
    delete fetched[key];
    lab.textContent =
      'The laboratory could not be fetched. Choose it again when the page is connected.';
    return;
  }
  if (chosen !== key) return;
  open?.close();
  const put = text => {
    if (chosen !== key) return;
    states[key] = text;
    GE.put('ideas.state', text, '');
  };
  GE.put('ideas.lab', key, first, true);
  GE.put('ideas.state', states[key] ?? '', '');
  lab.dataset.lab = key;
  mark(); // the style sheet came with the toolkit
  open = IDEAS.open(lab, key, about, IDEAS.views[key], states[key], put);
};
const start = () => {
  if (chosen || GE.tab !== 'ideas') return;
  const lab = GE.asked.get('ideas.lab'),
    wanted = known(lab) ? lab : first;
  states[wanted] = GE.asked.get('ideas.state') ?? '';
  choose(wanted);
};
document.addEventListener('ge:tab', start);
// Another state of the page: the laboratory and what is set in it are those of that state.
document.addEventListener('ge:visited', () => {
  for (const key of Object.keys(states)) delete states[key];
  chosen = null;
  start();
});
start();
