const $ = query => element.querySelector(query);
const players = $('.players'),
  ways = $('.ways');
const play = $('.play'),
  range = $('input'),
  read = $('output');
let value = null,
  rows = [],
  t = 0,
  playing = false,
  start = 0,
  frame = 0;
const LOOP = 5000; // milliseconds there and back

const add = (parent, html, name) => {
  const node = document.createElement(name === 'player' ? 'figure' : 'div');
  node.className = name;
  node.innerHTML = html;
  parent.append(node);
  return node;
};
const build = () => {
  players.replaceChildren();
  ways.replaceChildren();
  rows = value.ways.map(data => {
    const player = add(players, '<figcaption></figcaption><canvas role="img"></canvas>', 'player');
    player.querySelector('figcaption').textContent = data.name;
    const way = add(
      ways,
      '<div><b></b><span></span></div><div class="strip"><canvas></canvas><i></i></div>',
      'way',
    );
    way.querySelector('b').textContent = data.name;
    const it = {
      data,
      sprite: GE.unpack(data.sprite),
      screen: player.querySelector('canvas'),
      note: way.querySelector('span'),
      strip: way.querySelector('.strip'),
      sheet: way.querySelector('.strip canvas'),
      line: way.querySelector('i'),
    };
    it.screen.setAttribute('aria-label', `${data.name}: the picture between A and B`);
    it.screen.style.width = GE.crisp(it.sprite.w, 144) + 'px';
    let held = false;
    const move = event => {
      stop();
      go(GE.at(event, it.strip).x / it.width);
    };
    it.strip.onpointerdown = event => {
      held = true;
      it.strip.setPointerCapture(event.pointerId);
      move(event);
    };
    it.strip.onpointermove = event => held && move(event);
    it.strip.onpointerup = it.strip.onpointercancel = () => {
      held = false;
    };
    it.strip.ondblclick = () => jump(it);
    return it;
  });
};
const jump = it => {
  const D = GE.unpackCode(value.kept[0]).length,
    k = Math.round(t * (it.sprite.n - 1));
  GE.latent(value.model, GE.pack(GE.unpackCode(it.data.codes).slice(k * D, (k + 1) * D)), 'jumped');
};
const go = position => {
  t = Math.max(0, Math.min(1, position));
  range.value = Math.round(t * 1000);
  read.textContent = `${Math.round(t * 100)} % to B`;
  for (const it of rows) {
    GE.draw(it.screen, GE.between(it.sprite, t * (it.sprite.n - 1)), 0);
    it.line.style.left = t * it.width + 'px';
    const at = it.data.lengths[Math.round(t * (it.sprite.n - 1))];
    it.note.textContent = `|z| = ${at.toFixed(2)}`;
  }
};
const step = now => {
  if (!playing) return;
  const phase = ((now - start) % LOOP) / LOOP;
  // Slower at both ends, so that A and B can be seen.
  const way = phase < 0.5 ? phase * 2 : 2 - phase * 2;
  go(way * way * (3 - 2 * way));
  frame = requestAnimationFrame(step);
};
const stop = () => {
  playing = false;
  cancelAnimationFrame(frame);
  play.textContent = '▶';
  play.setAttribute('aria-label', 'Play');
};
play.onclick = () => {
  if (playing || !value) return stop();
  playing = true;
  start = performance.now();
  play.textContent = '❚❚';
  play.setAttribute('aria-label', 'Pause');
  frame = requestAnimationFrame(step);
};
range.oninput = () => {
  stop();
  go(range.value / 1000);
};

const layout = () => {
  for (const it of rows) {
    const room = it.strip.clientWidth,
      { w, h, n } = it.sprite;
    if (!room) return;
    const tile = Math.max(GE.crisp(w, room > 700 ? 58 : 42), 26);
    const across = Math.min(n, Math.max(3, Math.floor(room / tile)));
    it.width = across * tile;
    it.strip.style.setProperty('--tall', (tile * h) / w + 'px');
    it.sheet.width = across * w;
    it.sheet.height = h;
    it.sheet.style.width = it.width + 'px';
    const one = document.createElement('canvas'),
      g = it.sheet.getContext('2d');
    for (let i = 0; i < across; i++) {
      GE.draw(one, it.sprite, Math.round((i / (across - 1)) * (n - 1)));
      g.drawImage(one, i * w, 0);
    }
  }
  if (rows.length) go(t);
};
const show = () => {
  if (!props.value?.ways) return;
  value = props.value;
  GE.kept = { model: value.model, codes: [...value.kept], faces: GE.unpack(value.faces) };
  document.dispatchEvent(new CustomEvent('ge:kept'));
  build();
  layout();
};
new ResizeObserver(layout).observe(element);
watch('value', show);
show();
