const canvas = element.querySelector('canvas'),
  note = element.querySelector('span');
const show = () => {
  const v = props.value || {},
    sprite = GE.unpack(v.sprite);
  if (sprite) {
    GE.draw(canvas, sprite, 0);
    canvas.style.width = GE.crisp(sprite.w, 96) + 'px';
  } else canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
  note.textContent = v.note || '';
};
watch('value', show);
show();
