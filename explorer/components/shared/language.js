// The language of the page: what the address says, else what was chosen here before, else English,
// which stands in the code. The words of another come with its table when it is first needed.
(ge => {
  const KEPT = 'generative-explorer-language';
  const files = window.GE_LANGUAGES ?? {};
  const known = code => code === 'en' || Object.hasOwn(files, code);
  const kept = () => {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const wanted = () => [ge.asked.get('lang'), kept()].find(known) ?? 'en';

  ge.language = 'en';
  // A text in the language of the page, itself where the table lacks it; and what stands in an
  // element as the code has it, for whoever looks for words there.
  ge.translate = text => text;
  ge.textOf = node => node.textContent;
  // The query of an address with the language in it, where that is not English.
  ge.inLanguage = query => {
    if (ge.language === 'en') return query;
    const all = new URLSearchParams(query);
    all.set('lang', ge.language);
    return all.toString();
  };

  const tables = {};
  ge.learn = (code, table) => (tables[code] = table);
  const fetched = {};
  const fetchWords = code =>
    (fetched[code] ??= new Promise((done, failed) => {
      const script = document.createElement('script');
      script.src = files[code];
      script.onload = done;
      script.onerror = () => {
        delete fetched[code];
        script.remove();
        failed();
      };
      document.head.append(script);
    }));

  // The header may come later than the words; and Gradio names a language, too.
  ge.showLanguage = () => {
    const { documentElement: root } = document;
    if (root.lang !== ge.language) root.lang = ge.language;
    for (const menu of document.querySelectorAll('.ge-language')) menu.value = ge.language;
  };
  const put = (query, code) => {
    query.delete('lang');
    if (code !== 'en') query.set('lang', code);
    const text = query.toString();
    const address = location.pathname + (text ? '?' + text : '') + location.hash;
    history.replaceState(history.state, '', address);
  };

  // Numbers keep their point, so that what is read from the page is read in every language.
  let newest = '';
  const apply = async code => {
    newest = code;
    if (code !== 'en') {
      try {
        await fetchWords(code);
      } catch {
        ge.notify('The words of that language could not be fetched. Choose it again.');
        newest = code = ge.language;
      }
    }
    if (newest !== code) return;
    ge.language = code;
    ge.showLanguage();
    if (code !== 'en' || ge.speak) ge.speak(tables[code] ?? null);
    document.dispatchEvent(new CustomEvent('ge:language', { detail: code }));
    // Words of another length, and on canvases: whoever measures or draws does so anew.
    window.dispatchEvent(new Event('resize'));
  };
  ge.chooseLanguage = code => {
    try {
      localStorage.setItem(KEPT, code);
    } catch {
      /* then it lasts as long as the page */
    }
    put(new URLSearchParams(location.search), code);
    return apply(code);
  };
  // What was chosen before stands in the address as well: it says what is on screen.
  const begin = () => {
    const code = wanted();
    if (code === 'en') return;
    put(new URLSearchParams(location.search), code);
    apply(code);
  };
  if (Object.keys(files).length) begin();
  // The browser's back goes to another state, in the language of now.
  document.addEventListener('ge:window', () => {
    const query = new URLSearchParams(location.search);
    if ((query.get('lang') ?? 'en') !== ge.language) put(query, ge.language);
  });
})(window.GE);
