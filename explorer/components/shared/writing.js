// Helpers for pictures that are written value by value. In the page's head, after pixels.js.
GE.writing = {};

// The bytes of base64, as a buffer for a typed array; empty where there are none.
GE.bytes = b64 => Uint8Array.from(atob(b64 ?? ''), c => c.charCodeAt(0)).buffer;

// Makes a canvas `across` CSS pixels wide for w x h picture pixels, one canvas pixel a screen
// pixel; returns how many of those a picture pixel takes.
GE.fit = (canvas, w, h, across) => {
  const scale = Math.max(1, Math.round((across * (window.devicePixelRatio || 1)) / w));
  if (canvas.width !== w * scale || canvas.height !== h * scale) {
    canvas.width = w * scale;
    canvas.height = h * scale;
  }
  canvas.style.width = across + 'px';
  canvas.style.height = (across * h) / w + 'px';
  return scale;
};

// What is not written: hatched in the theme's own greys, so that it is no shade of a picture.
GE.hatch = (canvas, element) => {
  const style = getComputedStyle(element),
    ratio = window.devicePixelRatio || 1;
  const side = Math.round(9 * ratio),
    tile = document.createElement('canvas');
  tile.width = tile.height = side;
  const t = tile.getContext('2d'),
    g = canvas.getContext('2d');
  t.fillStyle = style.getPropertyValue('--background-fill-secondary') || '#f6f5f3';
  t.fillRect(0, 0, side, side);
  t.strokeStyle = style.getPropertyValue('--body-text-color-subdued') || '#57534e';
  t.globalAlpha = 0.45;
  t.lineWidth = ratio;
  t.beginPath();
  for (const d of [-side, 0, side]) {
    t.moveTo(d, side);
    t.lineTo(d + side, 0);
  }
  t.stroke();
  g.fillStyle = g.createPattern(tile, 'repeat');
  g.fillRect(0, 0, canvas.width, canvas.height);
};
