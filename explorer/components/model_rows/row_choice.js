// Carries the picture that a person chose in rows of models to the server, and one that came with a
// link to the rows.
GE.on(element, 'ge:row-picked', event => {
  if (event.detail.rows !== ROWS) return;
  props.value = event.detail.picked;
  trigger('pick');
});
const mark = () =>
  document.dispatchEvent(
    new CustomEvent('ge:row-given', { detail: { rows: ROWS, picked: props.value ?? '' } }),
  );
GE.on(element, 'ge:row-ask', event => {
  if (event.detail === ROWS) mark();
});
watch('value', mark);
mark();
