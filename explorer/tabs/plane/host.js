// The tab fetches its scripts, its style and its words when it is first opened.
const host = element.querySelector('.host');
const asked = new URLSearchParams(location.search);
const address = path => new URL(`plane/${path}?v=${props.version}`, document.baseURI).href;
const bring = (tag, attributes) =>
  new Promise((done, failed) => {
    const node = Object.assign(document.createElement(tag), attributes, {
      onload: done,
      onerror: failed,
    });
    document.head.append(node);
  });
let app = null,
  opening = false;
const open = async () => {
  if (GE.tab !== 'plane' || opening) return;
  if (app) {
    app.changed();
    return;
  }
  opening = true;
  try {
    const [about] = await Promise.all([
      fetch(address('about')).then(answer => {
        if (!answer.ok) throw new Error();
        return answer.json();
      }),
      bring('link', { rel: 'stylesheet', href: address('kit.css') }),
      bring('script', { src: address('kit.js') }),
    ]);
    app = PLANE.open(host, about, asked.get('plane.state') ?? '');
    PLANE.app = app;
    host.dataset.open = 'yes';
  } catch (error) {
    console.warn(error);
    const again = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: 'Try again',
      onclick: open,
    });
    host.replaceChildren('The methods could not be fetched. ', again);
  }
  opening = false;
};
document.addEventListener('ge:tab', open);
// Back and forward through what was chosen.
window.addEventListener('popstate', () => {
  const now = new URLSearchParams(location.search);
  if (!app || now.get('tab') !== 'plane') return;
  if (GE.tab !== 'plane') GE.go('plane');
  app.load(now.get('plane.state') ?? '');
});
open();
