const $ = query => element.querySelector(query);
const make = (kind, parent, text) => {
  const node = document.createElement(kind);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
};
const show = () => {
  const value = props.value;
  element.hidden = !value;
  if (!value) return;
  $('h2').textContent = value.title;
  $('.note').textContent = value.note;
  const sprite = value.batch && GE.unpack(value.batch);
  $('.batch').replaceChildren(
    ...Array.from({ length: sprite?.n ?? 0 }, (_, k) => {
      const figure = document.createElement('figure'),
        canvas = make('canvas', figure);
      const label = value.labels[k];
      canvas.setAttribute('role', 'img');
      canvas.setAttribute(
        'aria-label',
        `Picture ${k + 1} of the batch${label ? ', ' + label : ''}`,
      );
      const side = GE.crisp(sprite.w, 48);
      canvas.style.width = side + 'px';
      canvas.style.height = (side * sprite.h) / sprite.w + 'px';
      GE.draw(canvas, sprite, k);
      if (label) make('figcaption', figure, label);
      return figure;
    }),
  );
  for (const text of value.texts ?? []) make('pre', $('.batch'), text);
  $('.facts').replaceChildren(
    ...value.facts.map(({ name, text }) => {
      const row = document.createElement('div');
      make('dt', row, name);
      make('dd', row, text);
      return row;
    }),
  );
  $('caption').textContent = value.parts.length ? 'The update, against what it changes' : '';
  const most = Math.max(1e-12, ...value.parts.map(p => p.part));
  $('tbody').replaceChildren(
    ...value.parts.map(({ name, part, text }) => {
      const row = document.createElement('tr');
      make('th', row, name).scope = 'row';
      const bar = make('i', make('td', row));
      bar.style.width = (100 * part) / most + '%';
      make('td', row, text);
      return row;
    }),
  );
};
watch('value', show);
show();
