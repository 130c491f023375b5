const sheet = element.querySelector('canvas');
let value = null,
  sprite = null;
const layout = () => {
  if (!sprite || !element.clientWidth) return;
  const room = Math.min(
    element.clientWidth,
    Math.max(480, window.innerHeight / GE.zoom(element) - 60),
    900,
  );
  sheet.style.width = GE.crisp(value.side * sprite.w, room) + 'px';
};
const show = () => {
  if (!props.value?.sprite) {
    sprite = null;
    return;
  }
  value = props.value;
  sprite = GE.unpack(value.sprite);
  const { side } = value,
    { w, h } = sprite,
    one = document.createElement('canvas');
  sheet.width = side * w;
  sheet.height = side * h;
  const g = sheet.getContext('2d');
  for (let k = 0; k < sprite.n; k++) {
    GE.draw(one, sprite, k);
    g.drawImage(one, (k % side) * w, Math.floor(k / side) * h);
  }
  layout();
};
sheet.onclick = event => {
  if (!sprite) return;
  const b = sheet.getBoundingClientRect(),
    cell = at => Math.min(value.side - 1, Math.max(0, Math.floor(at * value.side)));
  const k =
    cell((event.clientY - b.top) / b.height) * value.side +
    cell((event.clientX - b.left) / b.width);
  GE.latent(value.model, GE.pack(GE.unpackCode(value.codes).slice(2 * k, 2 * k + 2)), 'jumped');
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
