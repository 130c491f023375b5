// The model in its worker, as the page asks it.

const model = (() => {
  const facts = JSON.parse(document.getElementById('model').textContent);
  // From a blob: a page that was opened as a file may start no worker from another file.
  const script = document.getElementById('forward').textContent;
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  const waiting = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, value, error, done } }) => {
    const { step, resolve, reject } = waiting.get(id);
    if (value) {
      step?.(value);
      waiting.get(id).last = value;
    }
    if (!done) return;
    const { last } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(last);
  };
  // Asks the worker. step: called with each answer on the way; the promise gives the last one, or
  // nothing where a newer wish of the same channel came before any.
  const ask = (what, args, step, channel) =>
    new Promise((resolve, reject) => {
      const id = ++count;
      waiting.set(id, { step, resolve, reject });
      worker.postMessage({ id, what, args, channel });
    });
  const stop = channel => worker.postMessage({ stop: channel });
  const ready = ask('load', {
    forward: facts.forward,
    settings: facts.config,
    table: facts.table,
    text: document.getElementById('weights').textContent.trim(),
  });
  return { ...facts, ask, stop, ready };
})();
