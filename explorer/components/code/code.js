const code = element.querySelector('code'),
  [button, notebook] = element.querySelectorAll('button');
const WORDS = 'from|import|as|def|return|for|in|if|else|with|None|True|False';
const KINDS = new RegExp(`(#.*)|('[^'\\n]*'|"[^"\\n]*")|\\b(${WORDS})\\b`, 'g');
const show = () => {
  const text = String(props.value ?? '').trimEnd(),
    parts = [];
  let last = 0;
  for (const m of text.matchAll(KINDS)) {
    parts.push(text.slice(last, m.index));
    const span = document.createElement('span');
    span.className = m[1] ? 'remark' : m[2] ? 'text' : 'word';
    span.textContent = m[0];
    parts.push(span);
    last = m.index + m[0].length;
  }
  code.replaceChildren(...parts, text.slice(last));
};
button.onclick = async () => {
  // Without a secure origin there is no clipboard: select, so that Ctrl+C copies.
  const done = await navigator.clipboard?.writeText(code.textContent).then(
    () => true,
    () => false,
  );
  if (!done) getSelection().selectAllChildren(code);
  button.textContent = done ? 'Copied' : 'Selected';
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1500);
};
notebook.onclick = () => GE.saveNotebook(code.textContent);
watch('value', show);
show();
