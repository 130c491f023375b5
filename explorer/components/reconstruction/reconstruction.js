const three = element.querySelector('.three'),
  words = element.querySelector('p');
const names = ['What the model sees', 'What it makes of it', 'Difference'];
const show = () => {
  const value = props.value || {},
    sprite = GE.unpack(value.sprite);
  words.textContent = value.note || '';
  words.classList.toggle('problem', !!value.problem);
  if (!sprite) {
    three.replaceChildren();
    return;
  }
  while (three.children.length < sprite.n) {
    const figure = document.createElement('figure');
    figure.append(document.createElement('figcaption'), document.createElement('canvas'));
    figure.firstChild.textContent = names[three.children.length];
    figure.lastChild.setAttribute('role', 'img');
    figure.lastChild.setAttribute('aria-label', figure.firstChild.textContent);
    three.append(figure);
  }
  [...three.children].forEach((figure, k) => {
    GE.draw(figure.lastChild, sprite, k);
    figure.lastChild.style.width = GE.crisp(sprite.w, 142) + 'px';
  });
};
watch('value', show);
show();
