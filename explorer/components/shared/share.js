// What can be taken away of every tab and part: its link and its picture; and the menu that has it.
(ge => {
  // A sentence at the foot of the page, said to those who listen to it as well.
  let said = null,
    clearing = 0;
  ge.notify = sentence => {
    if (!said) {
      said = document.createElement('p');
      said.className = 'ge-said';
      said.setAttribute('role', 'status');
      root().append(said);
    }
    said.textContent = sentence;
    clearTimeout(clearing);
    clearing = setTimeout(() => {
      said.textContent = '';
    }, 6000);
  };
  // Gradio lets rules for narrow windows and for paper reach no further than this.
  const root = () => document.querySelector('.gradio-container .contain') ?? document.body;

  // Puts a text into the clipboard. Without a secure origin there is none: then the text is shown,
  // selected, for the keyboard's own copy.
  ge.copy = async (text, done) => {
    const copied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (copied) {
      ge.notify(done);
      return;
    }
    const field = document.createElement('textarea');
    field.readOnly = true;
    field.value = text;
    field.setAttribute('aria-label', 'To copy');
    ge.dialog('Copy this by Ctrl+C', [field]);
    field.select();
  };

  // A dialog. Escape or a press outside
  // closes it.
  ge.dialog = (title, content, wide = false) => {
    const dialog = document.createElement('dialog'),
      head = document.createElement('h2'),
      close = document.createElement('button');
    dialog.className = 'ge-dialog';
    dialog.classList.toggle('wide', wide);
    head.textContent = title;
    dialog.setAttribute('aria-label', title);
    close.type = 'button';
    close.className = 'close';
    close.textContent = 'Close';
    close.onclick = () => dialog.close();
    dialog.append(close, head, ...content);
    dialog.onclick = event => {
      if (event.target === dialog) dialog.close();
    };
    dialog.onclose = () => dialog.remove();
    root().append(dialog);
    dialog.showModal();
    return dialog;
  };

  ge.copyLink = () => {
    const own = ge.current.includes('~');
    const shown = ge.models.find(m => !m.name.includes('~'))?.title;
    const but = own ? ` Your own model stays here; the link shows ${shown}.` : '';
    return ge.copy(ge.link(), 'The link to what is on screen is copied.' + but);
  };

  ge.download = (blob, name) => {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(blob);
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
  };

  ge.savePicture = async () => {
    const stage = ge.stage();
    if (!stage) {
      ge.notify('There is nothing on screen to save yet.');
      return;
    }
    ge.notify('The picture is being made.');
    const part = ge.partOf(ge.tab),
      model = ge.current.replace(/~.*/, '');
    const name = [ge.tab, part, model].filter(Boolean).join('-');
    try {
      ge.download(await ge.picture(stage), `${name}.png`);
      ge.notify('The picture is in your downloads, at twice the size on screen.');
    } catch (error) {
      console.warn(error);
      ge.notify(
        'This browser cannot save what is on screen. Its print function makes a PDF of it.',
      );
    }
  };

  // The model on screen as a file that runs by itself (explorer/page/take_home.py).
  ge.takeHome = async () => {
    const name = ge.current,
      own = name.replace(/~.*/, '');
    ge.notify('The file is being made: the model, and a page that runs it without this server.');
    const answer = await fetch(
      new URL('take-home/' + encodeURIComponent(name), document.baseURI),
    ).catch(() => null);
    if (!answer?.ok) {
      ge.notify((await answer?.text()) ?? 'The page’s server does not answer; try again.');
      return;
    }
    const file = await answer.blob(),
      size = (file.size / 1e6).toFixed(1);
    ge.download(file, `${own}.html`);
    ge.notify(`${own}.html (${size} MB) is in your downloads. It opens without a network.`);
  };

  // The functions that programs may call, as Gradio shows them: by a link of its foot, which this
  // page has put away.
  ge.showPrograms = () => document.querySelector('footer .show-api')?.click();

  // The entries of the menu: words, and what they do.
  ge.sharing = [
    { words: 'Copy link', act: () => ge.copyLink() },
    { words: 'Save picture', act: () => ge.savePicture() },
    { words: 'Take it home', act: () => ge.takeHome() },
    { words: 'Make a lesson', act: () => ge.makeLesson() },
    ...(window.GE_CLASS ? [{ words: 'Ask the class', act: () => ge.askClass() }] : []),
    { words: 'Use via API', act: () => ge.showPrograms() },
    { words: 'Projector', key: 'P', act: () => ge.project(true) },
  ];

  let menu = null;
  const close = () => {
    if (!menu) return;
    const { list, button } = menu;
    menu = null;
    if (list.contains(document.activeElement)) button.focus();
    list.remove();
    button.setAttribute('aria-expanded', 'false');
  };
  ge.share = button => {
    if (menu) {
      close();
      return;
    }
    const list = document.createElement('div');
    list.className = 'ge-menu';
    list.setAttribute('role', 'menu');
    list.setAttribute('aria-label', 'Share');
    const entries = ge.sharing.map(({ words, key, act }) => {
      const entry = document.createElement('button');
      entry.type = 'button';
      entry.setAttribute('role', 'menuitem');
      entry.tabIndex = -1;
      entry.textContent = words;
      if (key) {
        const hint = document.createElement('kbd');
        hint.textContent = key;
        entry.setAttribute('aria-keyshortcuts', key);
        entry.append(hint);
      }
      entry.onclick = () => {
        close();
        act();
      };
      return entry;
    });
    list.append(...entries);
    list.onkeydown = event => {
      const at = entries.indexOf(document.activeElement),
        last = entries.length - 1;
      const to = {
        ArrowDown: at === last ? 0 : at + 1,
        ArrowUp: at <= 0 ? last : at - 1,
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === 'Escape' || event.key === 'Tab') close();
      if (to === undefined) return;
      event.preventDefault();
      entries[to].focus();
    };
    const at = button.getBoundingClientRect();
    list.style.top = `${at.bottom + 4}px`;
    list.style.right = `${document.documentElement.clientWidth - at.right}px`;
    root().append(list);
    button.setAttribute('aria-expanded', 'true');
    menu = { list, button };
    entries[0].focus();
  };
  document.addEventListener('pointerdown', event => {
    if (menu && !menu.list.contains(event.target) && !menu.button.contains(event.target)) close();
  });

  // -- the projector ------------------------------------------------------------------------------

  // The stage alone, large. The address says so, for a link on the lectern's own machine.
  const viewed = () => new URLSearchParams(location.search).get('view') === 'projector';
  const apply = () => {
    const on = viewed();
    if (on === (document.body.dataset.view === 'projector')) return;
    if (on) document.body.dataset.view = 'projector';
    else delete document.body.dataset.view;
    // Whoever measures the room it has does so anew.
    window.dispatchEvent(new Event('resize'));
  };
  ge.project = on => {
    if (on === viewed()) return;
    const query = new URLSearchParams(location.search);
    if (on) query.set('view', 'projector');
    else query.delete('view');
    ge.write(query.toString(), true);
    apply();
    if (on) ge.notify('Press P or Escape for the whole page.');
  };
  const writing = target =>
    target.closest?.('input, textarea, select, [contenteditable=true], dialog') &&
    !target.matches('input[type=range], input[type=checkbox], input[type=radio]');
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && viewed() && !document.querySelector('dialog[open]')) {
      ge.project(false);
    }
    if (event.key.toLowerCase() === 'p' && !writing(event.target)) ge.project(!viewed());
  });
  document.addEventListener('ge:window', apply);
  document.addEventListener('DOMContentLoaded', apply);

  // On paper the page is light, and says where it can be had.
  let dark = false;
  window.addEventListener('beforeprint', () => {
    dark = document.body.classList.contains('dark');
    document.body.classList.remove('dark');
    document.getElementById('ge-tabs').dataset.address = ge.link();
  });
  window.addEventListener('afterprint', () => document.body.classList.toggle('dark', dark));
})(window.GE);
