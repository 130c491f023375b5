// Tells the server how many frames of which run the browser holds: only the others are sent.
GE.on(element, 'ge:film', event => {
  if (event.detail.id !== FILM) return;
  const have = `${event.detail.run ?? ''}|${event.detail.n}`;
  if (props.value !== have) props.value = have;
});
document.dispatchEvent(new CustomEvent('ge:film-ask', { detail: FILM }));
