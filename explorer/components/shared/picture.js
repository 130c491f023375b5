// A piece of the page as a picture, as it stands: a copy of it, with the style that each element
// has on screen and with canvases and images as data, is drawn by the browser as an SVG. Nothing
// leaves the browser.
(ge => {
  const SCALE = 2,
    LARGEST = 8192; // pixels of a side, beyond which browsers have no canvas
  const XHTML = document.documentElement.namespaceURI;

  // What is on the stage: the one of the part on screen; the whole tab where it has none.
  ge.stage = () => {
    const panel = document.querySelector(`.ge-panel-${ge.tab}`);
    if (!panel?.offsetParent) return null;
    const there = [...panel.querySelectorAll('.ge-stage, .ge-ideas .stage')].filter(
      stage => stage.offsetWidth && stage.offsetHeight,
    );
    const area = stage => stage.offsetWidth * stage.offsetHeight;
    return there.sort((a, b) => area(b) - area(a))[0] ?? panel;
  };

  // The style that elements of a kind have by themselves, which need not be said.
  const styles = () => {
    const frame = document.createElement('iframe'),
      known = new Map();
    frame.hidden = true;
    frame.setAttribute('aria-hidden', 'true');
    document.body.append(frame);
    const plain = frame.contentDocument,
      view = frame.contentWindow;
    return {
      of(element) {
        const key = element.namespaceURI + element.localName;
        if (!known.has(key)) {
          const sample = plain.createElementNS(element.namespaceURI, element.localName);
          plain.body.append(sample);
          const style = view.getComputedStyle(sample);
          known.set(key, Object.fromEntries([...style].map(n => [n, style.getPropertyValue(n)])));
          sample.remove();
        }
        return known.get(key);
      },
      close: () => frame.remove(),
    };
  };
  // An element's own style and those that its parent would pass on to it, as text.
  const written = (style, plain, above) => {
    let text = '';
    for (const name of style) {
      const value = style.getPropertyValue(name);
      // Of what has no border by itself, the width of one is told as none.
      const usual = value === plain[name] && !name.endsWith('-width');
      if (usual && (!above || value === above.getPropertyValue(name))) continue;
      if (/^(animation|transition|cursor)/.test(name)) continue;
      text += `${name}:${value};`;
    }
    return text;
  };

  const asImage = (source, width, height) => {
    const image = document.createElement('img');
    let data = source.src ?? '';
    if (!data.startsWith('data:')) {
      const sheet = document.createElement('canvas');
      sheet.width = source.naturalWidth ?? source.width;
      sheet.height = source.naturalHeight ?? source.height;
      if (sheet.width && sheet.height) sheet.getContext('2d').drawImage(source, 0, 0);
      data = sheet.toDataURL();
    }
    image.setAttribute('src', data);
    image.setAttribute('width', width);
    image.setAttribute('height', height);
    return image;
  };
  // What a field says is no part of its markup.
  const withValue = (from, to) => {
    if (from.localName === 'input') {
      to.setAttribute('value', from.value);
      to.toggleAttribute('checked', from.checked);
    } else if (from.localName === 'textarea') to.textContent = from.value;
    else if (from.localName === 'option') to.toggleAttribute('selected', from.selected);
  };
  const LEFT_OUT = new Set(['script', 'style', 'link', 'template', 'iframe', 'video', 'audio']);

  const copy = (from, plain, above) => {
    if (from.nodeType === Node.TEXT_NODE) return document.createTextNode(from.data);
    if (from.nodeType !== Node.ELEMENT_NODE || LEFT_OUT.has(from.localName)) return null;
    const style = getComputedStyle(from);
    if (style.display === 'none') return null;
    const picture = from.localName === 'canvas' || from.localName === 'img';
    const to = picture ? asImage(from, from.clientWidth, from.clientHeight) : from.cloneNode(false);
    for (const { name } of [...to.attributes]) {
      if (name.startsWith('on') || name === 'class') to.removeAttribute(name);
    }
    to.setAttribute('style', written(style, plain.of(picture ? to : from), above));
    if (picture) return to;
    withValue(from, to);
    const add = child => child && to.append(child);
    add(generated(from, '::before', plain));
    if (from.localName !== 'textarea') {
      for (const child of from.childNodes) add(copy(child, plain, style));
    }
    add(generated(from, '::after', plain));
    return to;
  };
  // The text that a style sheet puts before or after an element.
  const generated = (from, which, plain) => {
    if (from.namespaceURI !== XHTML) return null;
    const style = getComputedStyle(from, which),
      text = /^"(.*)"$/s.exec(style.content)?.[1];
    if (text === undefined || style.display === 'none') return null;
    const span = document.createElement('span');
    span.setAttribute('style', written(style, plain.of(span), null));
    span.textContent = text;
    return span;
  };

  // The element as a PNG, at twice its size on screen.
  ge.picture = async element => {
    const width = Math.ceil(element.offsetWidth),
      height = Math.ceil(element.offsetHeight);
    const scale = Math.min(SCALE, LARGEST / width, LARGEST / height);
    const plain = styles();
    let tree;
    try {
      tree = copy(element, plain, null);
    } finally {
      plain.close();
    }
    Object.assign(tree.style, { margin: '0', position: 'static', transform: 'none', zoom: '1' });
    const text = new XMLSerializer().serializeToString(tree);
    const svg =
      `<svg xmlns="${ge.SVG}" width="${width * scale}" height="${height * scale}" ` +
      `viewBox="0 0 ${width} ${height}"><foreignObject width="100%" height="100%">` +
      `${text}</foreignObject></svg>`;
    const image = new Image();
    image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(svg);
    await image.decode();
    const sheet = document.createElement('canvas');
    sheet.width = Math.round(width * scale);
    sheet.height = Math.round(height * scale);
    const pen = sheet.getContext('2d');
    pen.fillStyle = getComputedStyle(document.body).backgroundColor;
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(image, 0, 0, sheet.width, sheet.height);
    return new Promise((done, fail) => {
      sheet.toBlob(blob => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png');
    });
  };
})(window.GE);
