// Tells the ridges which number is to be marked, and tells it again when they ask.
const tell = () =>
  document.dispatchEvent(
    new CustomEvent('ge:ridge-mark', { detail: { id: SETUP.id, mark: props.value } }),
  );
GE.on(element, 'ge:ridge-ask', event => {
  if (event.detail === SETUP.id) tell();
});
watch('value', tell);
tell();
