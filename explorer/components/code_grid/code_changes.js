// Carries the changes that a person asks for to the server, and those on screen to the address.
GE.on(element, 'ge:code-change', event => {
  if (event.detail.grid !== GRID) return;
  props.value = event.detail.changes;
  trigger('changed');
});
