const box = element.querySelector('.masks');
box.setAttribute('aria-label', props.label);
let figures = [];

const paint = ({ canvas, data, bits }) => {
  const style = getComputedStyle(element),
    { h, w } = data,
    ratio = window.devicePixelRatio || 1;
  const room = Math.min(props.side, element.clientWidth || props.side);
  const fit = room / Math.max(h, w),
    cell = fit * ratio >= 1 ? Math.floor(fit * ratio) : fit * ratio;
  canvas.width = Math.max(1, Math.round(cell * w));
  canvas.height = Math.max(1, Math.round(cell * h));
  canvas.style.width = canvas.width / ratio + 'px';
  canvas.style.height = canvas.height / ratio + 'px';
  const g = canvas.getContext('2d');
  g.fillStyle = style.getPropertyValue('--background-fill-secondary') || '#eee';
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.fillStyle = style.getPropertyValue('--color-accent') || '#b4400c';
  for (let k = 0; k < h * w; k++) {
    if (bits[k])
      g.fillRect(
        Math.floor((k % w) * cell),
        Math.floor(Math.floor(k / w) * cell),
        Math.ceil(cell),
        Math.ceil(cell),
      );
  }
  if (!data.kernel) return;
  g.strokeStyle = style.getPropertyValue('--body-background-fill') || '#fff';
  g.lineWidth = Math.max(1, ratio);
  g.beginPath();
  for (let i = 0; i <= w; i++) {
    g.moveTo(i * cell, 0);
    g.lineTo(i * cell, canvas.height);
  }
  for (let j = 0; j <= h; j++) {
    g.moveTo(0, j * cell);
    g.lineTo(canvas.width, j * cell);
  }
  g.stroke();
  g.strokeStyle = style.getPropertyValue('--body-text-color') || '#111';
  g.lineWidth = 2.5 * ratio;
  g.strokeRect(
    (w >> 1) * cell + ratio,
    (h >> 1) * cell + ratio,
    cell - 2 * ratio,
    cell - 2 * ratio,
  );
};
const paintAll = () => figures.forEach(paint);
const show = () => {
  figures = (props.value?.masks ?? []).map(data => {
    const node = document.createElement('figure');
    node.innerHTML =
      '<figcaption><b></b></figcaption><div class="drawn"><span ' +
      'class="down"></span><div><span class="across"></span><canvas ' +
      'role="img"></canvas></div></div><p></p>';
    node.querySelector('b').textContent = data.name;
    node.querySelector('p').textContent = data.words;
    node.querySelector('.down').textContent = data.down ?? '';
    node.querySelector('.across').textContent = data.across ?? '';
    const canvas = node.querySelector('canvas');
    canvas.setAttribute('aria-label', `${data.name}. ${data.words}`);
    return { node, canvas, data, bits: Uint8Array.from(atob(data.bits), c => c.charCodeAt(0)) };
  });
  box.replaceChildren(...figures.map(f => f.node));
  paintAll();
};
new ResizeObserver(paintAll).observe(element);
new MutationObserver(() => setTimeout(paintAll, 0)).observe(document.body, {
  attributes: true,
  attributeFilter: ['class'],
});
watch('value', show);
show();
