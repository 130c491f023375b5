// The tab fetches its scripts, its style and its words when it is first opened.
const host = element.querySelector('.host');
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
    app = PLANE.open(host, about, GE.asked.get('plane.state') ?? '');
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
    host.setAttribute('aria-busy', false);
  }
  opening = false;
};
document.addEventListener('ge:tab', open);
// Another state of the page: what is set here is that of that state.
document.addEventListener('ge:visited', () => {
  if (app && GE.tab === 'plane') app.load(GE.asked.get('plane.state') ?? '');
});
open();
