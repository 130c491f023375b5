// Carries what a person chose of a list to the server, and what came with a link to the list.
GE.on(element, 'ge:choose', event => {
  if (event.detail.id !== CHOICES) return;
  props.value = event.detail.key;
  trigger('pick');
});
const tell = () =>
  document.dispatchEvent(
    new CustomEvent('ge:chosen', { detail: { id: CHOICES, key: props.value ?? '' } }),
  );
GE.on(element, 'ge:choices-ask', event => {
  if (event.detail === CHOICES) tell();
});
watch('value', tell);
tell();
