// On a Hugging Face Space the page lies in a frame of the Space's own page, whose address is what
// people see and copy: it is told of every state, and links begin with it.
(ge => {
  const space = window.GE_SPACE ?? '',
    framed = space !== '' && window.parent !== window;
  // What a link begins with: the address of this server, or that of the page around the frame.
  ge.host = () => window.GE_HOME || location.origin + location.pathname;
  ge.base = () => (framed ? space : ge.host());
  if (!framed) return;

  const hub = new URL(space).origin;
  let told = null;
  // The Hub's own keys in the frame's address (colours, a private Space's signature) stay there.
  const tell = () => {
    const query = new URLSearchParams(location.search);
    for (const key of [...query.keys()]) if (key.startsWith('__')) query.delete(key);
    const queryString = query.toString(),
      { hash } = location;
    if (told === queryString + hash) return;
    told = queryString + hash;
    // Somebody else's page may have the frame, too: to that nothing is said.
    window.parent.postMessage({ queryString, hash }, hub);
  };
  for (const name of ['pushState', 'replaceState']) {
    const own = history[name].bind(history);
    history[name] = (...values) => {
      own(...values);
      if (ge.isOpen) tell();
    };
  }
  window.addEventListener('popstate', tell);
})(window.GE);
