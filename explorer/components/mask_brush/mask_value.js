// Carries a brush's mask to the server and the address, and one that a link brought to the brush.
let own = null;
GE.on(element, 'ge:mask', event => {
  if (event.detail.brush !== BRUSH || event.detail.mask === props.value) return;
  props.value = own = event.detail.mask;
  trigger('painted');
});
const given = () => {
  if (!props.value || props.value === own) return;
  document.dispatchEvent(
    new CustomEvent('ge:mask-given', { detail: { brush: BRUSH, mask: props.value } }),
  );
};
watch('value', given);
given();
