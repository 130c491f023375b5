// The explanation beside it, in a size for the back row. Escape or a click outside closes it.
element.querySelector('button').onclick = () => {
  const text = element.closest('.ge-note')?.querySelector('.ge-idea .prose, .ge-idea');
  if (!text) return;
  const dialog = document.createElement('dialog'),
    close = document.createElement('button');
  dialog.className = 'ge-reader-dialog';
  dialog.setAttribute('aria-label', 'The idea');
  close.type = 'button';
  close.textContent = 'Close';
  close.onclick = () => dialog.close();
  dialog.append(close, text.cloneNode(true));
  dialog.onclick = event => {
    if (event.target === dialog) dialog.close();
  };
  dialog.onclose = () => dialog.remove();
  // Inside the app's own root, so that its styles reach it.
  element.closest('.gradio-container').append(dialog);
  dialog.showModal();
};
