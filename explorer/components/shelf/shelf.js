// A radio group of thumbnails. It tells of its choice as an image grid does (grid_choice.js).
const box = element.querySelector('.tiles');
box.setAttribute('aria-label', props.label);
let tiles = [],
  selected = 0;
const mark = () =>
  tiles.forEach((tile, i) => {
    tile.setAttribute('aria-checked', i === selected);
    tile.tabIndex = i === selected ? 0 : -1;
  });
const pick = (i, focus) => {
  selected = i;
  // Kept in the value as well: a shelf that goes and comes back frames the same one.
  props.value = { ...props.value, selected };
  mark();
  if (focus) tiles[i].focus();
  document.dispatchEvent(
    new CustomEvent('ge:picked', { detail: { grid: props.grid, index: i, by: 'person' } }),
  );
};
const show = () => {
  const sprite = GE.unpack(props.value);
  tiles = Array.from({ length: sprite?.n ?? 0 }, (_, i) => {
    const tile = document.createElement('button');
    tile.type = 'button';
    tile.setAttribute('role', 'radio');
    tile.setAttribute('aria-label', (tile.title = props.value.names?.[i] ?? 'Sample ' + (i + 1)));
    tile.append(document.createElement('canvas'));
    tile.onclick = () => pick(i);
    GE.draw(tile.firstChild, sprite, i);
    return tile;
  });
  selected = Math.min(props.value?.selected ?? 0, Math.max(0, tiles.length - 1));
  box.replaceChildren(...tiles);
  mark();
};
box.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
  if (!step || !tiles[selected + step]) return;
  event.preventDefault();
  pick(selected + step, true);
});
watch('value', show);
show();
