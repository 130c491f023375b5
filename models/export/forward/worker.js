// The model in a worker: it computes while the page goes on. A message {id, what, args} is answered
// by {id, value}, for what has steps by many, then {id, done: true}. A newer wish of the same
// `channel` ends the older one at its next step; so does {stop: channel}.

let model = null,
  config = null,
  written = null; // the chances of the picture that was written last
const newest = {};

// Lets messages that have come meanwhile be read: a task of its own, with none of a timer's delay.
const breath = (() => {
  const { port1, port2 } = new MessageChannel(),
    waiting = [];
  port1.onmessage = () => waiting.shift()();
  return () =>
    new Promise(resolve => {
      waiting.push(resolve);
      port2.postMessage(0);
    });
})();

// Pictures (C, H, W) in [0, 1] as the bytes of a sprite, (n, H, W, C).
const spriteOf = pictures => {
  const [C, H, W] = config.image,
    bytes = new Uint8ClampedArray(pictures.length * C * H * W);
  let at = 0;
  for (const x of pictures)
    for (let i = 0; i < H * W; i++)
      for (let c = 0; c < C; c++) bytes[at++] = 255 * x[c * H * W + i];
  return { bytes, n: pictures.length, h: H, w: W, c: C };
};

const WHAT = {
  load: ({ forward, settings, table, text }) => {
    const start = performance.now();
    config = settings;
    model = FORWARD[forward](config, unpackWeights(table, fromBase64(text)));
    return { ms: performance.now() - start };
  },

  // Samples of a seed, frame by frame.
  *sample({ seed, n, knobs }) {
    for (const frame of model.sample(streamsOf(seed, n), knobs)) {
      if (!frame) {
        yield null;
        continue;
      }
      const { step, total, pictures, codes, guesses, level } = frame;
      const drawn = pictures.length < n ? [...pictures, ...blank(n - pictures.length)] : pictures;
      yield {
        step,
        total,
        level,
        codes,
        sprite: spriteOf(drawn),
        guesses: guesses && spriteOf(guesses),
      };
    }
  },

  // The pictures of codes, of one class or none.
  *decode({ codes, label = null }) {
    const pictures = [];
    for (const code of codes) {
      pictures.push(model.decode(Float32Array.from(code), label));
      if (pictures.length % 8 === 0) yield null;
    }
    yield { sprite: spriteOf(pictures) };
  },

  // One picture of a seed, value by value; every step that is told has all that there is so far.
  *write({ seed, knobs, forced }) {
    const streams = streamsOf(seed, 1),
      labels = labelsOf(streams, knobs.label, config.classes),
      order = model.orders[knobs.order ?? 0],
      uniforms = streams.map(rng => rng.uniforms(order.length)),
      top = model.levels - 1,
      levels = new Uint8Array(order.length),
      nats = new Float32Array(order.length),
      [C, , W] = config.image;
    written = new Array(order.length);
    let i = 0;
    for (const frame of model.write(uniforms, { ...knobs, labels, forced })) {
      const place = order[i];
      levels[i] = Math.round(frame.pictures[0][place] * top);
      nats[i] = -frame.nats[0][place];
      written[place] = frame.logs[0];
      i++;
      if (i % (C * W) === 0 || i === order.length) {
        const done = i === order.length;
        yield {
          order: Uint16Array.from(order),
          levels: levels.slice(0, i),
          nats: nats.slice(0, i),
          label: labels?.[0] ?? null,
          running: !done,
        };
      } else if (i % 8 === 0) yield null;
    }
  },

  chances: ({ place }) => ({ chances: written?.[place] && Array.from(written[place], Math.exp) }),
};
const blank = n => {
  const [C, H, W] = config.image;
  return Array.from({ length: n }, () => new Float32Array(C * H * W));
};

onmessage = async ({ data }) => {
  const { id, what, args, channel, stop } = data;
  if (stop) {
    newest[stop] = null;
    return;
  }
  newest[channel ?? what] = id;
  try {
    const answer = WHAT[what](args);
    if (!answer?.next) {
      postMessage({ id, value: answer, done: true });
      return;
    }
    for (const value of answer) {
      if (value) postMessage({ id, value });
      await breath();
      if (newest[channel ?? what] !== id) break;
    }
    postMessage({ id, done: true });
  } catch (error) {
    postMessage({ id, error: String(error), done: true });
  }
};
