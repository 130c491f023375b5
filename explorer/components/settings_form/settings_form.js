const box = element.querySelector('.groups');
let key = null,
  fields = [];

const make = (kind, parent, text) => {
  const node = document.createElement(kind);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
};
const read = field => {
  const { data, input } = field;
  if (data.kind === 'bool') return input.checked;
  if (data.kind === 'str') return input.value;
  return input.value.trim() === '' ? null : Number(input.value);
};
const changed = () => {
  const given = {};
  for (const field of fields) {
    const value = read(field);
    const own = value !== field.data.value;
    field.row.classList.toggle('own', own);
    if (own) given[field.data.key] = value;
  }
  document.dispatchEvent(new CustomEvent('ge:settings', { detail: { id: props.form, given } }));
};
const makeField = (data, parent, n) => {
  const row = make('div', parent),
    name = make('label', row, data.label),
    id = `${props.form}-${n}`;
  row.className = 'field ' + data.kind;
  let input;
  if (data.choices?.length) {
    input = make('select', row);
    for (const choice of data.choices) make('option', input, choice).value = choice;
  } else {
    input = make('input', row);
    input.type = data.kind === 'bool' ? 'checkbox' : data.kind === 'str' ? 'text' : 'number';
    if (input.type === 'number') {
      input.step = 'any';
      input.inputMode = data.kind === 'int' ? 'numeric' : 'decimal';
      if (data.low != null) input.min = data.low;
      if (data.high != null) input.max = data.high;
    }
  }
  if (data.kind === 'bool') input.checked = data.value;
  else input.value = data.value;
  input.id = id;
  input.name = data.key;
  name.htmlFor = id;
  const help = make('small', row, data.help);
  help.id = id + '-help';
  input.setAttribute('aria-describedby', help.id);
  input.onchange = changed;
  return { data, input, row };
};
// What was changed before the form was made: a link says it.
const put = ({ data, input, row }, value) => {
  if (value === undefined || value === null) return;
  if (data.kind === 'bool') input.checked = value;
  else input.value = value;
  row.classList.toggle('own', value !== data.value);
};
const build = value => {
  fields = [];
  box.replaceChildren(
    ...value.groups.map(group => {
      const always = group.open == null;
      const part = document.createElement(always ? 'section' : 'details');
      if (!always) {
        make('summary', part, group.title);
        part.open = group.open;
      }
      for (const data of group.fields) fields.push(makeField(data, part, fields.length));
      return part;
    }),
  );
  for (const field of fields) put(field, value.given?.[field.data.key]);
};
const show = () => {
  const value = props.value;
  if (!value) return;
  if (value.key !== key) {
    build(value);
    key = value.key;
  }
  for (const { data, input } of fields) input.disabled = !!value.locked && !data.live;
  element.classList.toggle('locked', !!value.locked);
};
watch('value', show);
show();
