// Carries the code that the tab stands at to the server and to the address.
GE.on(element, 'ge:latent', event => {
  const { model, text, how } = event.detail;
  props.value = model + '~' + text;
  if (how === 'moved') trigger('moved');
  else trigger('jumped');
});
