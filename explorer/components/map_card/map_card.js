const $ = query => element.querySelector(query);
const near = $('.near'),
  figures = [...element.querySelectorAll('.pictures figure')];
$('.hint').textContent = props.hint;

const show = () => {
  const v = props.value;
  element.classList.toggle('empty', !v?.pictures);
  if (!v?.pictures) return;
  $('h2').textContent = v.title || '';
  $('.note').textContent = v.note || '';
  const sprite = GE.unpack(v.pictures);
  figures.forEach((figure, k) => {
    figure.hidden = k >= sprite.n;
    if (figure.hidden) return;
    const canvas = figure.querySelector('canvas');
    GE.draw(canvas, sprite, k);
    const room = Math.min(128, ((element.clientWidth || 280) - 14) / sprite.n);
    canvas.style.width = GE.crisp(sprite.w, room) + 'px';
    figure.style.maxWidth = room + 'px';
    canvas.setAttribute('aria-label', v.captions?.[k] ?? 'Picture');
    figure.querySelector('figcaption').textContent = v.captions?.[k] ?? '';
  });
  const others = GE.unpack(v.near);
  near.replaceChildren(
    ...(v.near_rows || []).map((row, k) => {
      const button = document.createElement('button'),
        canvas = document.createElement('canvas');
      const name = document.createElement('span');
      button.type = 'button';
      button.setAttribute('aria-label', `Select neighbour ${k + 1}: ${v.near_names[k]}`);
      GE.draw(canvas, others, k);
      canvas.style.width = GE.crisp(others.w, 62) + 'px';
      name.textContent = v.near_names[k];
      button.append(canvas, name);
      button.onclick = () =>
        document.dispatchEvent(new CustomEvent('ge:map-pick', { detail: { index: row } }));
      return button;
    }),
  );
};
watch('value', show);
show();
