// The lectures, to be begun or gone on with.
GE.tours = props.tours;
const dialog = element.querySelector('dialog'),
  list = element.querySelector('ol');
const begin = (key, station) => {
  dialog.close();
  GE.tour(key, station);
};
const item = ({ key, title, lecture, blurb, stations }) => {
  const li = document.createElement('li'),
    head = document.createElement('h3'),
    text = document.createElement('p');
  const buttons = document.createElement('div');
  head.textContent = lecture ? `${lecture}: ${title}` : title;
  text.textContent = blurb;
  const button = (words, station) => {
    const b = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: words,
    });
    b.onclick = () => begin(key, station);
    buttons.append(b);
  };
  const place = GE.tourPlace(key);
  button(`Begin (${stations} stations)`, 1);
  if (place > 1) button(`Go on at station ${place}`, place);
  li.append(head, text, buttons);
  return li;
};
GE.lectures = () => {
  list.replaceChildren(...props.tours.map(item));
  dialog.showModal();
};
element.querySelector('.close').onclick = () => dialog.close();
dialog.onclick = event => {
  if (event.target === dialog) dialog.close();
};
