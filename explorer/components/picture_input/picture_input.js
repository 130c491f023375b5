// The pad is SIZE pixels a side and is sent at SENT: four times what most models read is enough.
const SIZE = 280,
  SENT = 112,
  LARGEST = 20e6;
// A pen that has not moved for so long, in milliseconds, rests.
const REST = 150;
const $ = query => element.querySelector(query);
const canvas = $('canvas'),
  pen = $('.pen input'),
  colour = $('input[type=color]');
const hint = $('.hint'),
  chooser = $('input[type=file]'),
  polarity = $('select'),
  problem = $('.problem');
const g = canvas.getContext('2d', { willReadFrequently: true });
canvas.width = canvas.height = SIZE;
canvas.setAttribute('aria-label', props.label);
hint.textContent = props.label;
$('.files').hidden = !props.uploads;
if (props.pen) pen.value = props.pen;

let strokes = [],
  current = null,
  file = null,
  picture = null,
  timer = 0,
  pending = false;

const channels = () => GE.models.find(m => m.name === GE.current)?.image?.[0] ?? 1;
const ink = () => (channels() === 3 ? colour.value : '#ffffff');
const dress = () => {
  colour.hidden = channels() !== 3;
};

const line = (s, from) => {
  g.strokeStyle = g.fillStyle = s.ink;
  g.lineWidth = s.size;
  g.lineCap = g.lineJoin = 'round';
  const p = s.points;
  if (p.length === 1) {
    g.beginPath();
    g.arc(p[0][0], p[0][1], s.size / 2, 0, 7);
    g.fill();
    return;
  }
  g.beginPath();
  g.moveTo(...p[Math.max(0, from - 1)]);
  for (let i = Math.max(1, from); i < p.length; i++) g.lineTo(...p[i]);
  g.stroke();
};
const repaint = () => {
  g.fillStyle = '#000';
  g.fillRect(0, 0, SIZE, SIZE);
  if (picture) {
    const k = SIZE / Math.max(picture.width, picture.height);
    const w = picture.width * k,
      h = picture.height * k;
    g.drawImage(picture, (SIZE - w) / 2, (SIZE - h) / 2, w, h);
  }
  for (const s of strokes) line(s, 0);
  hint.hidden = !!(picture || strokes.length);
};

const small = document.createElement('canvas');
small.width = small.height = SENT;
const pack = () => {
  const c = channels(),
    s = small.getContext('2d', { willReadFrequently: true });
  s.imageSmoothingQuality = 'high';
  s.drawImage(canvas, 0, 0, SENT, SENT);
  const rgba = s.getImageData(0, 0, SENT, SENT).data,
    out = new Uint8Array(SENT * SENT * c);
  for (let i = 0, o = 0; i < rgba.length; i += 4)
    for (let k = 0; k < c; k++) out[o++] = rgba[i + k];
  let text = '';
  for (let i = 0; i < out.length; i += 8192)
    text += String.fromCharCode(...out.subarray(i, i + 8192));
  return { kind: 'drawing', b64: btoa(text), W: SENT, H: SENT, C: c, polarity: 'keep' };
};
// What lies on pads by the value that was sent of it, so that a pad that goes and comes back has
// it.
const pads = (GE.pads ??= new Map());
const send = () => {
  clearTimeout(timer);
  pending = false;
  // A file is sent as it is, for the server's gate; what is drawn over it turns it into a drawing.
  const value =
    file && !strokes.length
      ? { ...file, polarity: polarity.value }
      : strokes.length
        ? { ...pack(), ...(file && { polarity: polarity.value }) }
        : null;
  if (value) {
    value.id = String((GE.padCount = (GE.padCount ?? 0) + 1));
    pads.delete(props.value?.id);
    pads.set(value.id, { strokes: [...strokes], file, picture });
  }
  props.value = value;
  trigger('draw');
};
// The stroke is the browser's alone while the pen moves: what the last rest has begun ends, and the
// next rest sends what there is then.
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(send, REST);
  if (pending) return;
  pending = true;
  trigger('pen');
};

const place = event => {
  const b = canvas.getBoundingClientRect();
  return [((event.clientX - b.left) / b.width) * SIZE, ((event.clientY - b.top) / b.height) * SIZE];
};
canvas.addEventListener('pointerdown', event => {
  if (event.button) return;
  canvas.setPointerCapture(event.pointerId);
  current = { size: +pen.value, ink: ink(), points: [place(event)] };
  strokes.push(current);
  hint.hidden = true;
  line(current, 0);
  soon();
});
canvas.addEventListener('pointermove', event => {
  if (!current) return;
  const from = current.points.length;
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const e of moves.length ? moves : [event]) current.points.push(place(e));
  line(current, from);
  soon();
});
// Painted again as one line: the pieces of a stroke in progress overlap at their edges.
const lift = () => {
  if (current) {
    current = null;
    repaint();
    soon();
  }
};
canvas.addEventListener('pointerup', lift);
canvas.addEventListener('pointercancel', lift);

const clear = () => {
  strokes = [];
  file = picture = null;
  problem.textContent = '';
};
$('.clear').onclick = () => {
  clear();
  repaint();
  send();
};
const undo = () => {
  if (strokes.length) strokes.pop();
  else file = picture = null;
  repaint();
  send();
};
$('.undo').onclick = undo;
canvas.addEventListener('keydown', event => {
  if (event.key === 'z' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    undo();
  }
});
polarity.onchange = () => {
  if (file) send();
};

const take = async blob => {
  clear();
  repaint();
  if (blob.size > LARGEST) {
    problem.textContent = `'${blob.name}' is larger than 20 MB; a smaller picture will do.`;
    return;
  }
  const url = await new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  }).catch(() => null);
  if (url === null) {
    problem.textContent = `'${blob.name}' could not be read.`;
    return;
  }
  file = { kind: 'file', name: blob.name || 'picture', b64: url.slice(url.indexOf(',') + 1) };
  // Some formats only the server can open: then the pad stays dark and `seen` shows the result.
  picture = await createImageBitmap(blob).catch(() => null);
  repaint();
  send();
};
$('.choose').onclick = () => chooser.click();
chooser.onchange = () => {
  if (chooser.files[0]) take(chooser.files[0]);
  chooser.value = '';
};
if (props.uploads) {
  const stop = event => {
    event.preventDefault();
    event.stopPropagation();
  };
  for (const name of ['dragenter', 'dragover'])
    element.addEventListener(name, event => {
      stop(event);
      element.classList.add('over');
    });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', event => {
    stop(event);
    element.classList.remove('over');
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  GE.on(element, 'paste', event => {
    const image = [...event.clipboardData.files].find(f => f.type.startsWith('image/'));
    if (image && element.isConnected && element.offsetParent !== null) take(image);
  });
}
// The server may clear the pad, by giving it None.
watch('value', () => {
  if (!props.value) {
    clear();
    repaint();
  }
});
// What was on the pad when it was last on the page, else what its value shows.
const restore = async value => {
  const kept = pads.get(value.id);
  if (kept) ({ file, picture } = kept);
  if (kept) strokes = [...kept.strokes];
  else if (value.kind === 'drawing') picture = GE.canvas(value.b64, value.H, value.W, value.C);
  repaint();
};
if (props.value) restore(props.value);
GE.on(element, 'ge:model', dress);
dress();
repaint();
