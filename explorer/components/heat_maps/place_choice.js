// Carries the pixel that a person pointed at to the server.
GE.on(element, 'ge:place', event => {
  if (event.detail.maps !== MAPS) return;
  props.value = event.detail.at;
  trigger('pick');
});
