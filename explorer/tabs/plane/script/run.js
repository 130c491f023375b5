// Runs of this visitor on the server: begun, followed by long polls, paused, stepped, stopped.
PLANE.runs = app => {
  const own = { all: new Map() }; // by panel: {key, film, state, words, step, have}
  const address = path => new URL(`plane/${path}`, document.baseURI).href;
  const post = async (path, body) => {
    let answer;
    try {
      answer = await fetch(address(path), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ visitor: GE.visitor(), ...body }),
      });
    } catch {
      throw new Error('The server does not answer. Try again when the page is connected.');
    }
    if (answer.status === 400) throw new Error((await answer.json()).problem);
    if (!answer.ok)
      throw new Error('That did not work, for a reason that was not foreseen. Try it again.');
    return answer.json();
  };
  own.live = run => ['waiting', 'starting', 'running', 'paused', 'stopping'].includes(run.state);
  own.any = () => [...own.all.values()].some(own.live);

  let following = false,
    failures = 0;
  const follow = async () => {
    if (following) return;
    following = true;
    while (own.any()) {
      try {
        const have = Object.fromEntries(
          [...own.all].filter(([, r]) => own.live(r)).map(([k, r]) => [k, [r.id, r.have, r.told]]),
        );
        const news = await post('news', { have });
        failures = 0;
        for (const [slot, item] of Object.entries(news.runs)) take(own.all.get(slot), item);
      } catch (error) {
        if (++failures < 4) {
          await new Promise(done => setTimeout(done, 400 * failures));
          continue;
        }
        for (const run of own.all.values())
          if (own.live(run))
            Object.assign(run, { state: 'ended', words: error.message, problem: true });
      }
      app.changed();
    }
    following = false;
  };
  const take = (run, item) => {
    if (!run || run.id !== item.run) return;
    Object.assign(run, {
      state: item.state,
      words: item.words,
      problem: item.problem,
      note: item.note,
      part: item.part,
      have: item.have,
      told: item.told,
    });
    for (const packed of item.moments) {
      const opened = PLANE.film.unpack(PLANE.film.bytes(packed));
      run.film ??= PLANE.film.make();
      const thinned = run.film.thinned ?? 0;
      run.film.add(opened);
      run.arrived = performance.now();
      run.first ??= run.arrived - run.begun;
      if ((run.film.thinned ?? 0) > thinned)
        run.shownAt = Math.min(run.shownAt ?? 0, run.film.count - 2);
    }
    if (item.truth) run.truth = app.truthOf(PLANE.film.unpack(PLANE.film.bytes(item.truth)));
  };
  own.start = async (slot, order) => {
    const begun = performance.now();
    const answer = await post('start', { slot, ...order.body });
    own.all.set(slot, {
      id: answer.run,
      key: order.key,
      method: order.body.method,
      film: null,
      state: answer.state,
      words: answer.words,
      have: 0,
      told: 0,
      begun,
    });
    follow();
  };
  own.tell = async (slot, what, values = {}) => {
    const run = own.all.get(slot);
    if (!run || !own.live(run)) return;
    if (what === 'stop') run.state = 'stopping';
    await post('order', { slot, run: run.id, do: what, ...values });
  };
  own.forget = slot => own.all.delete(slot);
  // Runs of this visitor that go on from before the page was loaded anew.
  own.resume = async () => {
    const { runs } = await post('mine', {});
    for (const [slot, item] of Object.entries(runs))
      own.all.set(slot, {
        id: item.run,
        key: item.key,
        method: item.method,
        film: null,
        state: item.state,
        words: item.words,
        have: 0,
        told: 0,
        begun: performance.now(),
      });
    if (own.any()) follow();
    return Object.keys(runs).length;
  };
  return own;
};
