// The text of one moment; the newest, until a person goes to another.
const $ = query => element.querySelector(query),
  range = $('input');
let run = null,
  own = false; // whether a person chose the moment
$('h2').textContent = props.label;
$('label span').textContent = 'Moment of the run';
$('pre').setAttribute('aria-label', props.label);
const paint = () => {
  const moment = props.value?.moments[+range.value];
  $('.said').textContent = moment?.words ?? '';
  $('pre').textContent = moment?.text ?? '';
  range.setAttribute('aria-valuetext', moment?.words ?? '');
};
const show = () => {
  const value = props.value;
  element.hidden = !value;
  if (!value) return;
  if (value.run !== run) own = false;
  run = value.run;
  const last = value.moments.length - 1;
  if (+range.value === last) own = false;
  range.max = last;
  if (!own || +range.value > last) range.value = last;
  paint();
};
range.oninput = () => {
  own = +range.value < +range.max;
  paint();
};
watch('value', show);
show();
