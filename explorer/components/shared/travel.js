// States of the page: going to one without loading the page anew, by a link's words, by the
// browser's back and forward buttons, by a lesson.
(ge => {
  const inWindow = query => [...new URLSearchParams(query)].filter(([key]) => ge.ofPage(key));
  const ofState = query => [...new URLSearchParams(query)].filter(([key]) => !ge.ofPage(key));

  const params = () => new URLSearchParams(ofState(location.search));

  // The state on screen as it stands in an address, after the "?"; of the window nothing is said.
  ge.address = () => params().toString();
  // The whole address of a state (see frame.js).
  ge.link = (query = ge.inLanguage(ge.address()), hash = '') =>
    ge.base() + (query ? '?' + query : '') + hash;

  // One request at a time; of those that come meanwhile the newest is next.
  let under = null,
    next = null;
  const send = wish => {
    under = wish;
    ge.isOpen = false; // nothing is written into the address until the controls have their values
    ge.fetchState(wish);
  };
  const restore = (query, model) =>
    new Promise(done => {
      const wish = { query, model, done };
      if (!under) {
        send(wish);
        return;
      }
      next?.done();
      next = wish;
    });
  // The server has given the controls their values (page/address.py).
  ge.restored = model => {
    const { query, done } = under;
    under = null;
    if (next) {
      done();
      const wish = next;
      next = null;
      send(wish);
      return;
    }
    ge.reopened(model);
    document.dispatchEvent(new CustomEvent('ge:visited', { detail: query }));
    done();
  };

  // Whether two states differ only by what a laboratory or the plane keeps in the browser: of those
  // the server knows nothing.
  const inBrowser = (one, other) => {
    const [a, b] = [one, other].map(query => new URLSearchParams(query));
    const tab = a.get('tab'),
      rest = all => [...all].filter(([key]) => !key.startsWith(`${tab}.`)).sort();
    const alone = ['ideas', 'plane'].includes(tab);
    return alone && JSON.stringify(rest(a)) === JSON.stringify(rest(b));
  };

  // Goes to the state that a query means, "" for that of a bare address. What it does not name has
  // its first value. Resolves when the controls have theirs.
  ge.visit = (query, { replace = false, hash = location.hash } = {}) => {
    const state = new URLSearchParams(ofState(query)).toString();
    const near = ge.isOpen && inBrowser(state, ge.address());
    const whole = new URLSearchParams([...inWindow(location.search), ...ofState(query)]).toString();
    const address = location.pathname + (whole ? '?' + whole : '') + hash;
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    if (!near) return restore(state, '');
    ge.asked = new URLSearchParams(location.search);
    ge.write(ge.asked.toString(), false);
    document.dispatchEvent(new CustomEvent('ge:visited', { detail: state }));
    return Promise.resolve();
  };

  window.addEventListener('popstate', event => {
    const model = event.state?.model ?? '',
      query = params().toString();
    document.dispatchEvent(new CustomEvent('ge:window'));
    // A mark within the page, a lesson or the projector's view is no other state.
    if (ge.isOpen && query === ge.here.query && (!model || model === ge.current)) return;
    restore(query, model);
  });
})(window.GE);
