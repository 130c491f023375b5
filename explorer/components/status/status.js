const text = element.querySelector('p'),
  bar = element.querySelector('.bar');
const show = () => {
  const v = props.value || {};
  text.textContent = v.text || '\u00a0';
  element.dataset.kind = v.kind || 'plain';
  bar.style.visibility = v.kind === 'busy' ? 'visible' : 'hidden';
  // Not while it is hidden: it would keep the browser drawing sixty times a second.
  bar.classList.toggle('endless', v.kind === 'busy' && v.progress == null);
  bar.firstElementChild.style.width = v.progress == null ? '' : 100 * v.progress + '%';
};
watch('value', show);
show();
