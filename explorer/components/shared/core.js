// What every component needs, here and in an exported file (explorer/export): one object, GE.
window.GE = (() => {
  const ge = { films: {} };
  // The scripts of the components by name: (element, trigger, props, server, upload, watch) => ...
  ge.make = {};

  // Listens for as long as the element is on the page. A part that goes and comes back runs its
  // script anew, and the one that has gone must not answer as well.
  ge.on = (element, name, heard, where = document) => {
    let there = false;
    const listen = event => {
      if (element.isConnected) there = true;
      else if (there) {
        where.removeEventListener(name, listen);
        return;
      }
      heard(event);
    };
    where.addEventListener(name, listen);
  };

  // The next frame of something that moves, when it is on screen: nobody sees a hidden film.
  const waiting = new Map();
  const sight = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      if (target.isConnected && !isIntersecting) continue;
      sight.unobserve(target);
      for (const tick of waiting.get(target) ?? []) requestAnimationFrame(tick);
      waiting.delete(target);
    }
  });
  ge.frame = (element, tick) => {
    if (element.offsetParent !== null) {
      requestAnimationFrame(tick);
      return;
    }
    waiting.set(element, (waiting.get(element) ?? new Set()).add(tick));
    sight.observe(element);
  };

  // Large values that the server sent lie here, and a component has a word in their place. The
  // framework compares and copies the values of all components at every event; with twenty films
  // seen, that took longer than what the event was about. `props.value` is the value as before.
  const LARGE = 2000;
  let count = 0;
  ge.held = new Map();
  ge.hold = (props, watch) => {
    let own = props.value?.held;
    const take = () => {
      const value = props.value;
      if (value?.held) {
        own = value.held;
        return;
      }
      ge.held.delete(own);
      own = undefined;
      if (value === null || typeof value !== 'object' || JSON.stringify(value).length < LARGE)
        return;
      own = 'value ' + ++count;
      ge.held.set(own, value);
      props.value = { held: own };
    };
    watch('value', take);
    take();
    return new Proxy(props, {
      get: (all, key) =>
        key === 'value' && all.value?.held ? ge.held.get(all.value.held) : all[key],
      set: (all, key, value) => {
        if (key === 'value' && all.value?.held) ge.held.set(all.value.held, value);
        else all[key] = value;
        return true;
      },
    });
  };

  return ge;
})();
