const $ = query => element.querySelector(query);
const canvas = $('canvas'),
  range = $('input'),
  play = $('.play'),
  said = $('output');
canvas.setAttribute('aria-label', props.label);
let sprite = null,
  at = 0,
  way = 1,
  running = false,
  last = 0;

const paint = () => {
  if (!sprite) return;
  GE.draw(canvas, sprite, at);
  range.value = at;
  said.textContent = props.value.captions?.[at] ?? `${at + 1} / ${sprite.n}`;
};
const go = k => {
  at = Math.max(0, Math.min(sprite ? sprite.n - 1 : 0, k));
  paint();
};
const tick = now => {
  if (!running) return;
  if (!element.isConnected) {
    running = false;
    return;
  }
  if (sprite && sprite.n > 1 && now - last >= 1000 / props.fps) {
    last = now;
    if (props.bounce) {
      if (at + way < 0 || at + way >= sprite.n) way = -way;
      at += way;
    } else at = (at + 1) % sprite.n;
    paint();
  }
  GE.frame(element, tick);
};
const run = on => {
  if (on === running) return;
  running = on;
  play.textContent = on ? '❚❚' : '▶';
  play.setAttribute('aria-label', on ? 'Pause' : 'Play');
  if (on) GE.frame(element, tick);
};
play.onclick = () => run(!running);
$('.back').onclick = () => {
  run(false);
  go(at - 1);
};
$('.on').onclick = () => {
  run(false);
  go(at + 1);
};
range.oninput = () => {
  run(false);
  go(+range.value);
};
element.addEventListener('keydown', event => {
  if (event.target === range || event.target === play) return;
  const key = {
    ' ': () => run(!running),
    ArrowLeft: () => go(at - 1),
    ArrowRight: () => go(at + 1),
  }[event.key];
  if (key) {
    event.preventDefault();
    key();
  }
});
const size = () => {
  if (sprite)
    canvas.style.width =
      GE.crisp(sprite.w, Math.min(props.room, element.clientWidth || props.room)) + 'px';
};
const show = () => {
  sprite = GE.unpack(props.value);
  const n = sprite?.n ?? 0;
  range.max = Math.max(0, n - 1);
  for (const control of element.querySelectorAll('button, input')) control.disabled = n < 2;
  if (at >= n) at = 0;
  size();
  paint();
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (props.autoplay && n > 1 && !still) run(true);
};
new ResizeObserver(size).observe(element);
watch('value', show);
show();
