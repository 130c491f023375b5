const $ = query => element.querySelector(query);
const cells = $('.cells'),
  given = $('.given canvas'),
  kept = $('.given span'),
  head = $('.head span');
cells.setAttribute('aria-label', props.label);
const GAP = 12,
  WORDS = 22,
  paper = document.createElement('canvas');
let value = null,
  sprite = null,
  one = null,
  hatched = null,
  tiles = [],
  halted = null;

// A picture with what is to be written hatched, what is dropped faint, and the line between.
const paintOne = (canvas, of, k, faint) => {
  const g = canvas.getContext('2d'),
    side = canvas.width / of.w,
    y = value.kept * side;
  const accent = getComputedStyle(element).getPropertyValue('--color-accent') || '#b4400c';
  GE.draw(paper, of, k);
  g.imageSmoothingEnabled = false;
  GE.hatch(canvas, element);
  if (faint) {
    g.drawImage(paper, 0, 0, of.w, value.kept, 0, 0, canvas.width, y);
    g.globalAlpha = 0.22;
    g.drawImage(
      paper,
      0,
      value.kept,
      of.w,
      of.h - value.kept,
      0,
      y,
      canvas.width,
      canvas.height - y,
    );
    g.globalAlpha = 1;
  } else {
    // Whole runs of written pixels at once: a row at a time.
    for (let r = 0; r < of.h; r++) {
      let from = 0;
      for (let c = 0; c <= of.w; c++) {
        if (c < of.w && !hatched[r * of.w + c]) continue;
        if (c > from)
          g.drawImage(paper, from, r, c - from, 1, from * side, r * side, (c - from) * side, side);
        from = c + 1;
      }
    }
  }
  const thick = Math.max(2, Math.round(side / 5));
  g.fillStyle = accent;
  g.fillRect(0, y - thick / 2, canvas.width, thick);
  g.fillRect(0, 0, thick, y);
};
const paint = () => {
  if (!value) return;
  paintOne(given, one, 0, true);
  tiles.forEach(({ canvas }, k) => paintOne(canvas, sprite, k, false));
};
const layout = () => {
  const width = element.clientWidth;
  if (!value || !width) return;
  const { n, w, h } = sprite,
    narrow = width < 620,
    across = Math.ceil(Math.sqrt(n));
  element.classList.toggle('narrow', narrow);
  const height = Math.max(300, GE.below(element) - 40);
  const first = GE.crisp(w, narrow ? Math.min(200, width) : Math.min(252, width * 0.26));
  const room = narrow ? width : width - first - 36;
  const down = Math.ceil(n / across);
  const least = narrow ? (room - GAP * (across - 1)) / across : 72;
  const side = GE.crisp(
    w,
    Math.max(
      least,
      Math.min(
        (room - GAP * (across - 1)) / across,
        (((height - 26 - GAP * (down - 1)) / down - WORDS) * w) / h,
      ),
    ),
  );
  cells.style.gridTemplateColumns = `repeat(${across}, ${side}px)`;
  GE.fit(given, w, h, first);
  for (const { canvas } of tiles) GE.fit(canvas, w, h, side);
  paint();
};
const makeTile = () => {
  const figure = document.createElement('figure'),
    canvas = document.createElement('canvas');
  const words = document.createElement('figcaption');
  canvas.setAttribute('role', 'img');
  figure.append(canvas, words);
  cells.append(figure);
  return { figure, canvas, words };
};
const show = () => {
  const next = props.value;
  if (!next?.made || (next.running && next.run === halted)) return;
  halted = null;
  const before = value;
  $('.both').classList.remove('empty');
  value = next;
  sprite = GE.unpack(value.made);
  one = GE.unpack(value.given);
  hatched = new Uint8Array(GE.bytes(value.hatched));
  while (tiles.length < sprite.n) tiles.push(makeTile());
  while (tiles.length > sprite.n) tiles.pop().figure.remove();
  tiles.forEach(({ canvas, words }, k) => {
    words.textContent = value.captions[k] || '\u00a0';
    canvas.setAttribute('aria-label', `Ending ${k + 1}, ${value.captions[k]}`);
  });
  given.setAttribute(
    'aria-label',
    `The picture that was given; its upper ${value.kept} rows are kept`,
  );
  kept.textContent = `${value.kept} of ${sprite.h} rows kept`;
  head.textContent = `below the line, ${sprite.n} times`;
  element.dataset.running = value.running;
  if (before && before.made.n === value.made.n && before.made.w === value.made.w) paint();
  else layout();
};
GE.on(element, 'ge:film-stop', e => {
  if (e.detail !== props.sheet || !value) return;
  halted = value.running ? value.run : null;
  element.dataset.running = false;
});
new ResizeObserver(layout).observe(element);
GE.on(element, 'resize', layout, window);
new MutationObserver(paint).observe(document.body, {
  attributes: true,
  attributeFilter: ['class'],
});
watch('value', show);
show();
