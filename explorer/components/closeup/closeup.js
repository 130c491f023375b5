const $ = query => element.querySelector(query);
const large = $('.large canvas'),
  title = $('.large figcaption'),
  svg = $('svg'),
  read = $('output');
const near = $('.near canvas'),
  nearNote = $('.near figcaption');
let index = -1,
  code = [];

GE.on(element, 'ge:picked', event => {
  const pick = event.detail;
  if (pick.grid !== props.follows || pick.index < 0) return;
  const { w } = pick.sprite;
  GE.draw(large, pick.sprite, pick.index);
  const room = Math.min(element.clientWidth || 280, 280);
  large.style.width = GE.crisp(w, room) + 'px';
  large.setAttribute('aria-label', `Picture ${pick.index + 1}, large`);
  title.textContent = `Picture ${pick.index + 1} of ${pick.sprite.n}`;
  if (pick.index !== index) element.classList.add('waiting');
  index = pick.index;
  // On a phone the close-up lies below the grid.
  if (pick.by === 'person' && window.innerWidth <= 720) {
    element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }
});

const show = () => {
  const v = props.value || {};
  element.classList.remove('waiting');
  code = v.code || [];
  GE.bars(svg, code);
  read.textContent = v.code_note || '';
  const sprite = GE.unpack(v.nearest);
  near.style.visibility = sprite ? 'visible' : 'hidden';
  element.classList.toggle('no-near', !sprite);
  if (sprite) {
    GE.draw(near, sprite, 0);
    near.style.width =
      GE.crisp(sprite.w, Math.min(112, 0.42 * (element.clientWidth || 280))) + 'px';
  }
  nearNote.textContent = v.nearest_note || '';
};
svg.addEventListener('pointermove', event => {
  if (!code.length) return;
  const b = svg.getBoundingClientRect();
  const i = Math.min(
    code.length - 1,
    Math.floor(((event.clientX - b.left) / b.width) * Math.max(code.length, 100 / 7)),
  );
  read.textContent = `z${i + 1} = ${code[i].toFixed(2)}`;
});
svg.addEventListener('pointerleave', () => {
  read.textContent = props.value?.code_note || '';
});
watch('value', show);
show();
document.dispatchEvent(new CustomEvent('ge:follow', { detail: props.follows }));
