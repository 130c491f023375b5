// Drawing helpers for every component that shows pictures. In the page's head, after page.js.

// A sprite {b64, n, h, w, c} as {bytes, n, h, w, c}, which one may be already; null where there is
// none.
GE.unpack = value => {
  if (value?.bytes) return value;
  if (!value?.b64) return null;
  const text = atob(value.b64),
    bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return { bytes, n: value.n, h: value.h, w: value.w, c: value.c };
};

// How much larger text is than on a small screen (page.css), and a font that grows with it.
GE.scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
GE.font = (size, weight = 400) => `${weight} ${size * GE.scale()}px system-ui, sans-serif`;

// Draws picture k of an unpacked sprite at one canvas pixel a pixel; CSS makes it large.
GE.draw = (canvas, sprite, k) => {
  const { bytes, h, w, c } = sprite;
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext('2d'),
    image = context.createImageData(w, h),
    out = image.data;
  let at = k * h * w * c;
  for (let i = 0; i < out.length; i += 4, at += c) {
    out[i] = bytes[at];
    out[i + 1] = bytes[at + (c === 3 ? 1 : 0)];
    out[i + 2] = bytes[at + (c === 3 ? 2 : 0)];
    out[i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
};

// A picture of raw bytes, (h, w, c), as a canvas.
GE.canvas = (b64, h, w, c) => {
  const canvas = document.createElement('canvas');
  GE.draw(canvas, GE.unpack({ b64, n: 1, h, w, c }), 0);
  return canvas;
};

// The largest size in CSS pixels, at most `room`, that shows every picture pixel as a whole number
// of screen pixels; a fraction only where one screen pixel each is already too much.
GE.crisp = (pixels, room) => {
  const ratio = window.devicePixelRatio || 1,
    scale = Math.floor((room * ratio) / pixels);
  return scale >= 1 ? (scale * pixels) / ratio : room;
};

// The projector's view is larger than life (share.css): what the browser says of the window is then
// in other units than what is drawn. By how much, where an event is in an element, in the element's
// own units, and how much room there is below its upper edge when the page has not been scrolled.
GE.zoom = element => element.currentCSSZoom ?? 1;
GE.at = (event, element) => {
  const box = element.getBoundingClientRect(),
    zoom = GE.zoom(element);
  return {
    x: (event.clientX - box.left) / zoom,
    y: (event.clientY - box.top) / zoom,
    width: box.width / zoom,
    height: box.height / zoom,
  };
};
GE.below = element => {
  const top = element.getBoundingClientRect().top + window.scrollY,
    taken = parseFloat(document.documentElement.style.getPropertyValue('--tour-room')) || 0;
  return (window.innerHeight - top - taken) / GE.zoom(element);
};

// An SVG element with these attributes; in ``parent``, and with a text, where they are given.
GE.SVG = 'http://www.w3.org/2000/svg';
GE.svg = (tag, set, parent, text) => {
  const node = document.createElementNS(GE.SVG, tag);
  for (const key in set) node.setAttribute(key, set[key]);
  if (text != null) node.textContent = text;
  parent?.append(node);
  return node;
};

// Bars up and down from a zero line, as SVG that takes the colours of the theme.
GE.bars = (svg, values, reach) => {
  const n = values.length,
    limit = Math.max(reach ?? 3, ...values.map(Math.abs));
  const step = Math.min(100 / n, 7),
    gap = 0.2 * step;
  svg.setAttribute('viewBox', '0 0 100 100');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.replaceChildren(
    ...values.map((v, i) => {
      const height = (Math.abs(v) / limit) * 49;
      return GE.svg('rect', {
        x: i * step + gap / 2,
        width: step - gap,
        y: v > 0 ? 50 - height : 50,
        height: Math.max(height, 0.6),
      });
    }),
  );
};
