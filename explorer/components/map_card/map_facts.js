// How faithful the map is. props.value: {knn, trust, knn_note, trust_note}, texts; null: being
// measured.
const numbers = element.querySelectorAll('dd:not(.note)'),
  notes = element.querySelectorAll('.note');
const show = () => {
  const v = props.value || {};
  numbers[0].textContent = v.knn || '–';
  numbers[1].textContent = v.trust || '–';
  notes[0].textContent = v.knn_note || '\u00a0';
  notes[1].textContent = v.trust_note || '\u00a0';
};
watch('value', show);
show();
