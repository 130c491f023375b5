// Films: a method's moments as numbers, shipped whole or growing during a run. The bytes are those
// of models/plane/film.py: a length, a header of JSON, then arrays, quantised linearly.
PLANE.film = (() => {
  const { mix } = PLANE.maths;
  const KINDS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
  const MOST = 240; // moments kept of a run; beyond them every other one goes

  // {header, arrays: {name: {shape, data}}}; the first of a shape is the moment.
  const unpack = buffer => {
    const view = new DataView(buffer),
      length = view.getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const arrays = {};
    for (const [name, item] of Object.entries(header.arrays)) {
      const count = item.shape.reduce((a, b) => a * b, 1),
        Kind = KINDS[item.dtype],
        from = 4 + length + item.start;
      // A copy, as numbers of several bytes may lie at odd places.
      const raw = new Kind(buffer.slice(from, from + count * Kind.BYTES_PER_ELEMENT));
      const data = new Float32Array(count),
        { scale, offset } = item;
      for (let k = 0; k < count; k++) data[k] = offset + scale * raw[k];
      arrays[name] = { shape: item.shape, data };
    }
    return { header, arrays };
  };

  const bytes = b64 => Uint8Array.from(atob(b64), c => c.charCodeAt(0)).buffer;

  const make = () => {
    const film = { header: null, steps: [], seconds: [], logs: {}, measures: {}, parts: {} };
    const kept = {}; // what was mixed last, by name

    // Takes in an unpacked film of one moment or of many, after those that are here.
    film.add = ({ header, arrays }) => {
      film.header = { ...film.header, ...header };
      const before = film.steps.length;
      film.steps.push(...header.steps);
      film.seconds.push(...header.seconds);
      const after = film.steps.length;
      const series = (all, name, values) => {
        all[name] ??= [];
        while (all[name].length < before) all[name].push(null);
        all[name].push(...values);
      };
      for (const [name, values] of Object.entries(header.logs)) series(film.logs, name, values);
      for (const [name, item] of Object.entries(header.measures)) {
        const own = (film.measures[name] ??= { value: [], stderr: [], kind: item.kind });
        series(own, 'value', item.value);
        series(own, 'stderr', item.stderr ?? item.value.map(() => null));
        own.kind = item.kind;
      }
      for (const [name, { shape, data }] of Object.entries(arrays)) {
        const own = (film.parts[name] ??= { moments: [] });
        own.shape = shape.slice(1);
        while (own.moments.length < before) own.moments.push(null);
        const size = data.length / shape[0];
        for (let k = 0; k < shape[0]; k++)
          own.moments.push(data.subarray(k * size, (k + 1) * size));
      }
      for (const own of [
        ...Object.values(film.logs),
        ...Object.values(film.measures).flatMap(m => [m.value, m.stderr]),
        ...Object.values(film.parts).map(p => p.moments),
      ])
        while (own.length < after) own.push(null);
      if (after > MOST) thin();
      return film;
    };
    // Keeps the first, the last and every other moment between.
    const thin = () => {
      const last = film.steps.length - 1;
      const half = list => list.filter((_, k) => k === last || k % 2 === 0);
      film.steps = half(film.steps);
      film.seconds = half(film.seconds);
      for (const name of Object.keys(film.logs)) film.logs[name] = half(film.logs[name]);
      for (const own of Object.values(film.measures)) {
        own.value = half(own.value);
        own.stderr = half(own.stderr);
      }
      for (const own of Object.values(film.parts)) own.moments = half(own.moments);
      film.thinned = (film.thinned ?? 0) + 1;
      for (const name of Object.keys(kept)) delete kept[name];
    };

    Object.defineProperty(film, 'count', { get: () => film.steps.length });
    film.has = name => !!film.parts[name]?.moments.some(Boolean);
    film.shape = name => film.parts[name]?.shape;
    // The array at a place between moments; where one has none, the nearest before it that has.
    film.at = (name, place) => between(name, place, k => film.parts[name].moments[k]);
    // exp of the log-density and of the bound, mixed as densities.
    const exps = new WeakMap();
    film.density = (name, place) =>
      between(
        name,
        place,
        k => {
          const log = film.parts[name].moments[k];
          if (!log) return null;
          if (!exps.has(log)) exps.set(log, log.map(Math.exp));
          return exps.get(log);
        },
        'exp',
      );
    const between = (name, place, moment, kind = '') => {
      if (!film.parts[name]) return null;
      const last = film.count - 1,
        at = Math.max(0, Math.min(last, place)),
        k = Math.min(last, Math.floor(at)),
        f = at - k;
      // A moment that has not the thing has that of one before it, at first that of the next.
      const held = j => {
        for (let i = j; i >= 0; i--) if (moment(i)) return moment(i);
        for (let i = j + 1; i <= last; i++) if (moment(i)) return moment(i);
        return null;
      };
      const a = held(k);
      if (!a || f === 0 || k === last) return a;
      const b = moment(k + 1);
      if (!b || b === a || b.length !== a.length) return a;
      const own = (kept[name + kind] ??= { out: new Float32Array(a.length) });
      if (own.out.length !== a.length) own.out = new Float32Array(a.length);
      if (own.a !== a || own.b !== b || own.f !== f)
        Object.assign(own, { a, b, f, out: mix(a, b, f, own.out) });
      return own.out;
    };
    // The last number of a series that was measured by this place, or null.
    film.number = (list, place) => {
      if (!list?.length) return null;
      let k = Math.round(Math.max(0, Math.min(list.length - 1, place)));
      while (k > 0 && list[k] == null) k--;
      return list[k] ?? null;
    };
    return film;
  };
  return { unpack, bytes, make, of: buffer => make().add(unpack(buffer)) };
})();
