// Carries a grid's selection to the server. After an update it waits until updates have ceased.
let timer = 0;
GE.on(element, 'ge:picked', event => {
  const { grid, index, by } = event.detail;
  if (grid !== props.grid || index < 0) return;
  clearTimeout(timer);
  const send = () => {
    props.value = index;
    trigger('select');
  };
  if (by === 'person') send();
  else timer = setTimeout(send, 250);
});
