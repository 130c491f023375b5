// Latent codes in the browser: packed as the Latent tab does, and blends of sprites.

GE.pack = z => {
  const bytes = new Uint8Array(z.length * 2),
    view = new DataView(bytes.buffer);
  z.forEach((value, i) =>
    view.setInt16(2 * i, Math.max(-32767, Math.min(32767, Math.round(value * 2048))), true),
  );
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};

GE.unpackCode = text => {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(raw, c => c.charCodeAt(0)),
    view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true) / 2048);
};

// A weighted mean of pictures of an unpacked sprite, as a sprite of one. parts: [[k, weight], ...]
GE.mix = (sprite, parts) => {
  const { bytes, h, w, c } = sprite,
    size = h * w * c,
    out = new Uint8ClampedArray(size);
  const used = parts.filter(part => part[1] > 0.001);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (const [k, weight] of used) sum += bytes[k * size + i] * weight;
    out[i] = sum;
  }
  return { bytes: out, n: 1, h, w, c };
};

// Between two pictures of a row of n, at position p from 0 to n - 1.
GE.between = (sprite, p) => {
  const k = Math.max(0, Math.min(sprite.n - 2, Math.floor(p))),
    t = Math.max(0, Math.min(1, p - k));
  return GE.mix(
    sprite,
    sprite.n < 2
      ? [[0, 1]]
      : [
          [k, 1 - t],
          [k + 1, t],
        ],
  );
};

// Says where the tab now stands. how: "moved" within the pad's plane, or "jumped".
GE.latent = (model, text, how) =>
  document.dispatchEvent(new CustomEvent('ge:latent', { detail: { model, text, how } }));
// Shows a picture in the large view while something is being dragged; null: the marker's again.
GE.latentPreview = (sprite, words) =>
  document.dispatchEvent(new CustomEvent('ge:latent-preview', { detail: { sprite, words } }));
// Brings the pad on screen.
GE.latentShow = () => {
  const pad = document.querySelector('.ge-latent-pad');
  if (pad) window.scrollBy({ top: pad.getBoundingClientRect().top - 12, behavior: 'smooth' });
};
