// Tells the server which pixel is pointed at, once the pointer rests.
let timer = 0;
GE.on(element, 'ge:pixel', event => {
  if (event.detail.id !== PLAYER) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    props.value = `${event.detail.place}:${+event.detail.field}`;
    trigger('point');
  }, 70);
});
