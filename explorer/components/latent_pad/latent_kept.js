// Carries the codes A, B and C to the server. GE.kept: what they are now (set by interpolation.js).
GE.on(element, 'ge:latent-keep', event => {
  const { model, slot, text } = event.detail;
  if (GE.kept?.model !== model) return;
  GE.kept.codes[slot] = text;
  props.value = [model, ...GE.kept.codes].join('~');
  trigger('swap');
});
