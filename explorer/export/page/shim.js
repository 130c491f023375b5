// Components of the page (explorer/components) without Gradio: what their scripts are given there,
// `props`, `watch`, `trigger` and `server`, is supplied here.

GE.hold = props => props; // no framework is in the way of large values
GE.films ??= {};

// The component `name` in `place`. props: what its script reads, {value} first of all. server:
// {function}, asked as there with all arguments. heard: {event: () => ...}, what it triggers.
// Returns {props, set(value)}.
const mount = (name, place, props = {}, { server = {}, heard = {} } = {}) => {
  const element = document.createElement('div'),
    watchers = [];
  element.className = 'ge-' + name.replaceAll('_', '-');
  element.innerHTML = TEMPLATES[name] ?? '';
  place.append(element);
  props.value ??= null;
  const watch = (key, follow) => key === 'value' && watchers.push(follow);
  GE.make[name](element, event => heard[event]?.(props.value), props, server, null, watch);
  return {
    element,
    props,
    set(value) {
      props.value = value;
      for (const follow of watchers) follow();
    },
  };
};

// An element with these attributes and children; texts are set as texts.
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith('on')) node[name] = value;
    else if (value !== null && value !== false)
      node.setAttribute(name, value === true ? '' : value);
  node.append(...children);
  return node;
};

// Numbers as the base64 that components unpack.
const base64 = array => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192)
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
};
