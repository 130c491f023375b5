// What is shipped: films and sets, fetched once each when they are first on stage.
PLANE.stock = app => {
  const films = new Map(), // by method/set: {film} or {problem} or {}
    truths = new Map();
  const LATER = 3000; // milliseconds until what failed is tried again
  const OFFLINE = 'The film could not be fetched. It is tried again when the page is connected.';

  const fetched = async path => {
    let answer;
    try {
      answer = await fetch(new URL(`plane/${path}?v=${app.about.version}`, document.baseURI));
    } catch {
      throw new Error(OFFLINE);
    }
    if (answer.status === 404) throw new Error((await answer.json()).problem);
    if (!answer.ok) throw new Error(OFFLINE);
    return PLANE.film.unpack(await answer.arrayBuffer());
  };
  const again = (all, key) =>
    setTimeout(() => {
      all.delete(key);
      app.changed();
    }, LATER);
  const own = {};
  own.film = (method, set) => {
    const key = `${method}/${set}`;
    if (!films.has(key)) {
      const item = {};
      films.set(key, item);
      fetched(`film/${key}`)
        .then(
          opened => (item.film = PLANE.film.make().add(opened)),
          error => {
            item.problem = error.message;
            if (error.message === OFFLINE) again(films, key);
          },
        )
        .finally(app.changed);
    }
    return films.get(key);
  };
  own.truth = set => {
    if (!truths.has(set)) {
      truths.set(set, {});
      fetched(`truth/${set}`)
        .then(
          opened => truths.set(set, app.truthOf(opened)),
          () => again(truths, set),
        )
        .finally(app.changed);
    }
    return truths.get(set);
  };
  // A set's points and its density, of a film without moments; of a run the true field, too.
  app.truthOf = ({ arrays }) => ({
    log: arrays.log_density?.data ?? null,
    density: arrays.log_density ? arrays.log_density.data.map(Math.exp) : null,
    data: arrays.data?.data ?? null,
    held: arrays.held_out?.data ?? null,
    field: arrays.true_field?.data ?? null,
  });
  return own;
};
