// Carries the settings that a person has changed to the server.
GE.on(element, 'ge:settings', event => {
  if (event.detail.id !== FORM) return;
  props.value = JSON.stringify(event.detail.given);
  trigger('changed');
});
