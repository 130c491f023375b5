// The lines of "Show the code" as a notebook: it installs what they need, gets the project, and has
// the very lines (explorer/page/notebook.py).
(ge => {
  const lines = text =>
    text.split('\n').map((line, k, all) => line + (k + 1 < all.length ? '\n' : ''));
  const cell = (kind, id, text) => ({
    cell_type: kind,
    id,
    metadata: {},
    ...(kind === 'code' && { execution_count: null, outputs: [] }),
    source: lines(text),
  });
  // Pictures that the lines made are shown: a notebook would say numbers.
  const SHOWN = /^images = /m;
  const SHOW = '# The pictures side by side.\nfrom models.data.pictures import grid\n\n'
    + 'grid(images)';

  // A notebook of nbformat 4.5. title: Markdown, its first cell.
  ge.notebook = (code, title) => ({
    cells: [
      cell('markdown', 'title', title),
      cell('code', 'install', window.GE_NOTEBOOK.install),
      cell('code', 'project', window.GE_NOTEBOOK.project),
      cell('code', 'lines', code),
      ...(SHOWN.test(code) ? [cell('code', 'show', SHOW)] : []),
    ],
    metadata: {
      kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
      language_info: { name: 'python' },
    },
    nbformat: 4,
    nbformat_minor: 5,
  });

  // Saves these lines as a notebook that is named for what is on screen.
  ge.saveNotebook = code => {
    const model = ge.current.replace(/~.*/, '');
    const tab = ge.titles[ge.tab] ?? ge.tab,
      about = ge.models.find(m => m.name === ge.current);
    const heading = `# Generative Explorer: ${tab}\n\n`;
    const of = ge.needs[ge.tab]?.length && about ? `${about.title}. ` : '';
    const title = `${heading}${of}[What was on screen](${ge.link()}).`;
    const name = [ge.tab, ge.partOf(ge.tab), of && model].filter(Boolean).join('-');
    const text = JSON.stringify(ge.notebook(code.trimEnd(), title), null, 1) + '\n';
    ge.download(new Blob([text], { type: 'application/x-ipynb+json' }), `${name}.ipynb`);
    ge.notify(`${name}.ipynb is in your downloads. It opens in Jupyter and in Colab.`);
  };
})(window.GE);
