// Which server this page is on. What a visitor has is there alone: where another answers, because
// the first has ended, the page is loaded anew with it. Its address brings back what it says.
(ge => {
  const mine = window.GE_REPLICA;
  if (!mine) return; // a page of a file
  const HEADER = 'X-Replica',
    KEPT = 'generative-explorer-server',
    SOON = 30_000; // ms: proxies that send a page here and there would have it loaded for ever
  let leaving = false,
    looking = false;

  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
    } catch {
      return {}; // a browser that keeps nothing
    }
  };
  const keep = more => {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ ...kept(), ...more }));
    } catch {
      /* then nothing is said after the page is loaded anew */
    }
  };

  // A line at the top, until it is closed or replaced. button: its words and what it does.
  let line = null;
  const say = (sentences, button) => {
    line?.remove();
    line = null;
    if (!sentences.length) return;
    line = document.createElement('div');
    line.className = 'ge-server';
    line.setAttribute('role', 'alert');
    for (const sentence of sentences) {
      const p = document.createElement('p');
      p.textContent = sentence;
      line.append(p);
    }
    if (button) {
      const act = document.createElement('button');
      act.type = 'button';
      act.textContent = button.words;
      act.onclick = button.act;
      line.append(act);
    }
    // Gradio lets rules for narrow windows and for paper reach no further than this.
    (document.querySelector('.gradio-container .contain') ?? document.body).append(line);
  };
  const close = { words: 'Close', act: () => say([]) };
  const anew = { words: 'Load this page anew', act: () => location.reload() };

  // Another server answers for the one that this page was on.
  const goOn = () => {
    if (leaving) return;
    document.body.dataset.geServer = 'gone';
    if (Date.now() - (kept().reloaded ?? 0) > SOON) {
      leaving = true;
      keep({ reloaded: Date.now() });
      say(['The server of this page is gone. Another server takes over.']);
      location.reload();
    } else say(['A server answered that is not the one of this page.'], anew);
  };
  // Whether the server is there, asked until one answers.
  const fetched = window.fetch.bind(window);
  const here = () => new URL('replica', document.baseURI);
  const look = async () => {
    if (looking || leaving) return;
    looking = true;
    for (let tries = 0; !leaving; tries++) {
      const answer = await fetched(here(), { cache: 'no-store' }).catch(() => null),
        name = answer?.headers.get(HEADER);
      if (name) {
        if (name !== mine) goOn();
        else if (tries) say([]);
        break;
      }
      if (tries === 1 && !leaving) {
        document.body.dataset.geServer = 'gone';
        say(['The server of this page does not answer. Trying again …']);
      }
      await new Promise(done => setTimeout(done, 1000));
    }
    if (!leaving && !line) delete document.body.dataset.geServer;
    looking = false;
  };

  // The line by which a server knows that a page is open ends with the server.
  const follow = async answer => {
    const reader = answer.body.getReader();
    try {
      while (!(await reader.read()).done);
    } catch {
      /* an end like any other */
    }
    look();
  };
  const pathOf = asked => new URL(asked?.url ?? asked, document.baseURI).pathname;
  window.fetch = async (asked, ...more) => {
    let answer;
    try {
      answer = await fetched(asked, ...more);
    } catch (error) {
      if (error.name !== 'AbortError') look();
      throw error;
    }
    const path = pathOf(asked),
      name = answer.headers.get(HEADER);
    // A class is asked on one server, whichever this page is on.
    if (name && name !== mine && !/\/class(\/|$)/.test(path)) goOn();
    if (!name && answer.status >= 502) look();
    if (name && path.includes('/heartbeat/')) follow(answer.clone());
    return answer;
  };

  // A page that is loaded anew says what became of the one before.
  const ownModels = () => ge.models.some(model => model.name.includes('~'));
  window.addEventListener('pagehide', () => {
    leaving = true;
    keep({ own: ownModels() });
  });
  window.addEventListener('pageshow', () => {
    leaving = false;
  });
  const before = kept();
  keep({ name: mine, own: false });
  const [{ type } = {}] = performance.getEntriesByType('navigation');
  if (before.name && before.name !== mine && type === 'reload') {
    const told = [
      'The server of this page is gone. Another server shows the same tab, model and seed.',
      before.own
        ? 'Your models and a training run on it are lost. A model that you saved can be loaded ' +
          'again in the Train tab.'
        : 'A training run or uploaded pictures on it are lost.',
    ];
    const show = () => say(told, close);
    if (document.body?.dataset.ge === 'open') show();
    else document.addEventListener('ge:tab', show, { once: true });
  }
})(window.GE);
