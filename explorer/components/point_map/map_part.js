// One invisible part of a point map: hands its value on to the map, which may appear later.
// PART: its name, set before this script.
const say = () =>
  document.dispatchEvent(
    new CustomEvent('ge:map-part', {
      detail: { part: PART, value: props.value },
    }),
  );
watch('value', say);
GE.on(element, 'ge:map-follow', say);
say();

// The choice also listens: the point selected now, and the one before it.
if (PART === 'choice') {
  GE.on(element, 'ge:map-pick', event => {
    const { index } = event.detail,
      now = (props.value || '').split(',')[0];
    if (String(index) === now) return;
    props.value = index < 0 ? '' : now === '' ? String(index) : `${index},${now}`;
    trigger('pick');
  });
}
