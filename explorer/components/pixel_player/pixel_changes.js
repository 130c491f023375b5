// Carries the changes that a person asks for to the server, and those on screen to the address.
GE.on(element, 'ge:pixel-change', event => {
  if (event.detail.id !== PLAYER) return;
  props.value = event.detail.changes;
  trigger('changed');
});
