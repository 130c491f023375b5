// What can be laid over the plane, each drawn from a film at a place in its training (`at`) and a
// time of generation (`time`, 0 noise to 1 data).
PLANE.layers = (() => {
  const M = PLANE.maths,
    G = 64;

  const { reference } = PLANE.surfaces;

  const levels = view => [0.04, 0.12, 0.25, 0.45, 0.7].map(v => v * reference(view));
  // The level of the field that belongs to a time of generation, mixed of its neighbours.
  const fieldAt = (film, name, view) => {
    // A film has its true field with it; that of a run comes with the truth of the set.
    const all = film.at(name, view.at) ?? (name === 'true_field' && view.truth?.field);
    if (!all) return null;
    const shape = film.shape(name) ?? film.shape('field'),
      [T, A] = shape,
      size = A * A * 2,
      at = M.place(film.header.levels, view.time),
      k = Math.min(T - 1, Math.floor(at)),
      f = at - k;
    const a = all.subarray(k * size, (k + 1) * size);
    if (f === 0 || k === T - 1) return { grid: a, n: A };
    const own = (film.levelKept ??= {});
    own[name] ??= new Float32Array(size);
    return { grid: M.mix(a, all.subarray((k + 1) * size, (k + 2) * size), f, own[name]), n: A };
  };
  const arrows = (pen, field, colour, shift) => {
    const { grid, n } = field,
      starts = [],
      steps = [];
    const sizes = [];
    for (let k = 0; k < n * n; k++) sizes.push(Math.hypot(grid[2 * k], grid[2 * k + 1]));
    const top = [...sizes].sort((a, b) => a - b)[Math.floor(0.95 * sizes.length)] || 1,
      cell = M.SIDE / n;
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const k = j * n + i,
          size = sizes[k];
        // Long ones are cut, short ones kept to be seen: the root of the length.
        const by = size > 0 ? (0.95 * cell * Math.sqrt(Math.min(1, size / top))) / size : 0;
        const dx = grid[2 * k] * by,
          dy = grid[2 * k + 1] * by;
        starts.push(M.centre(i, n) - dx / 2 + shift, M.centre(j, n) - dy / 2);
        steps.push(dx, dy);
      }
    }
    pen.arrows(starts, steps, colour);
  };
  const mesh = {
    title: 'bent grid',
    help:
      'The grid of noise or codes, as the model bends it into the plane. The generation ' +
      'slider goes through its stages; colour says how much area grows (blue) or shrinks ' +
      '(orange).',
    there: view => !!view.film?.has('mesh'),
    draw(pen, view) {
      const all = view.film.at('mesh', view.at),
        [L, rows, columns] = view.film.shape('mesh'),
        size = rows * columns * 2;
      const at = view.time * (L - 1),
        k = Math.min(L - 1, Math.floor(at)),
        f = at - k;
      const a = all.subarray(k * size, (k + 1) * size),
        b = k < L - 1 ? all.subarray((k + 1) * size, (k + 2) * size) : a;
      const own = (view.film.meshKept ??= new Float32Array(size));
      const points = M.mix(a, b, f, own);
      view.film.bent = { points, rows, columns };
      const dets = view.film.at('log_det', view.at);
      if (dets && columns > 1) {
        const each = rows * columns;
        const da = dets.subarray(k * each, (k + 1) * each),
          db = k < L - 1 ? dets.subarray((k + 1) * each, (k + 2) * each) : da;
        const { g } = pen;
        g.save();
        for (let j = 0; j < rows - 1; j++) {
          for (let i = 0; i < columns - 1; i++) {
            const corners = [
              j * columns + i,
              j * columns + i + 1,
              (j + 1) * columns + i + 1,
              (j + 1) * columns + i,
            ];
            let sum = 0;
            for (const c of corners) sum += da[c] + f * (db[c] - da[c]);
            const v = M.clamp(-sum / 4 / 2.5, -1, 1);
            g.fillStyle = v > 0 ? pen.tones.model : pen.tones.truth;
            g.globalAlpha = 0.5 * Math.abs(v);
            g.beginPath();
            corners.forEach((c, m) =>
              g[m ? 'lineTo' : 'moveTo'](pen.X(points[2 * c]), pen.Y(points[2 * c + 1])),
            );
            g.fill();
          }
        }
        g.restore();
      }
      const style = columns > 1 ? { width: 0.9, alpha: 0.6 } : { width: 2.6 };
      for (let j = 0; j < rows && columns > 1; j++)
        pen.line(points.subarray(j * columns * 2, (j + 1) * columns * 2), pen.tones.ink, style);
      for (let i = 0; i < columns; i++) {
        const line = [];
        for (let j = 0; j < rows; j++)
          line.push(points[(j * columns + i) * 2], points[(j * columns + i) * 2 + 1]);
        pen.line(line, columns > 1 ? pen.tones.ink : pen.tones.other, style);
      }
    },
  };
  const layers = {
    contours: {
      title: 'contours of the model',
      help: 'Lines of equal density of the model.',
      there: view => !!view.film?.has('log_density'),
      draw: (pen, view) =>
        pen.contours(view.film.density('log_density', view.at), G, levels(view), pen.tones.model, {
          width: 1.5,
        }),
    },
    truth_contours: {
      title: 'contours of the truth',
      help: 'Lines of equal density of the distribution that the data come from.',
      there: view => !!view.truth?.density,
      draw: (pen, view) =>
        pen.contours(view.truth.density, G, levels(view), pen.tones.truth, {
          width: 1.5,
          dash: [5, 3],
        }),
    },
    mesh,
    arrows: {
      title: 'field as arrows',
      help:
        'The score, velocity or force that the model has learned, at the time of the ' +
        'generation slider. The root of an arrow’s length is drawn.',
      there: view => !!view.film?.has('field'),
      draw: (pen, view) => arrows(pen, fieldAt(view.film, 'field', view), pen.tones.model, 0),
    },
    true_field: {
      title: 'true field',
      help: 'The field of the known density at the same time, beside the learned one.',
      there: view =>
        !!view.film?.has('true_field') || (!!view.truth?.field && !!view.film?.has('field')),
      draw: (pen, view) =>
        arrows(pen, fieldAt(view.film, 'true_field', view), pen.tones.truth, 0.05),
    },
    streamlines: {
      title: 'field as streamlines',
      help: 'Lines that follow the arrows.',
      there: view => !!view.film?.has('field'),
      draw(pen, view) {
        const { grid, n } = fieldAt(view.film, 'field', view);
        for (let j = 0; j < 11; j++) {
          for (let i = 0; i < 11; i++) {
            const line = M.streamline(grid, n, M.centre(i, 11), M.centre(j, 11), 9, 0.06);
            pen.line(line, pen.tones.model, { width: 1.1, alpha: 0.75 });
            if (line.length >= 4) {
              const e = line.length;
              pen.arrows(
                line.slice(e - 4, e - 2),
                [line[e - 2] - line[e - 4], line[e - 1] - line[e - 3]],
                pen.tones.model,
                { head: 5, width: 1.1 },
              );
            }
          }
        }
      },
    },
    components: {
      title: 'components',
      help:
        'Each Gaussian at one and two standard deviations. Data have the colours of the ' +
        'components that answer for them.',
      there: view => !!view.film?.has('components'),
      draw(pen, view) {
        const c = view.film.at('components', view.at);
        for (let k = 0; k < c.length / 6; k++) {
          const { a, b, turn } = M.ellipse(c[k * 6 + 3], c[k * 6 + 4], c[k * 6 + 5]),
            colour = pen.tones.parts[k % 10];
          for (const by of [1, 2])
            pen.ellipse(c[k * 6 + 1], c[k * 6 + 2], by * a, by * b, turn, colour, {
              width: by === 1 ? 2.2 : 1.2,
              fill: by === 2 ? Math.min(0.22, c[k * 6]) : 0,
            });
        }
      },
    },
    data: {
      title: 'data',
      help: 'Points that are trained on.',
      there: view => !!view.data?.length,
      draw(pen, view) {
        const many = view.data.length / 2,
          radius = (many > 1500 ? 1.1 : many > 400 ? 1.5 : 2.4) * (pen.side > 420 ? 1.15 : 1);
        const c = view.layers.includes('components') && view.film?.at('components', view.at);
        if (!c) {
          const look = { radius, alpha: many > 400 ? 0.45 : 0.75 };
          pen.kept('data', view.data, sheet => sheet.dots(view.data, sheet.tones.ink, look));
          return;
        }
        const shares = [];
        pen.dots(
          view.data,
          k => {
            M.responsibilities(c, view.data[2 * k], view.data[2 * k + 1], shares);
            return pen.tones.parts[shares.indexOf(Math.max(...shares)) % 10];
          },
          { radius: radius + 0.6, alpha: 0.8 },
        );
      },
    },
    held_out: {
      title: 'held-out data',
      help:
        'Points of the same distribution that nothing is trained on; the model is judged ' +
        'by them.',
      there: view => !!view.held?.length,
      draw: (pen, view) =>
        pen.kept('held', view.held, sheet =>
          sheet.crosses(view.held, sheet.tones.truth, { alpha: 0.7 }),
        ),
    },
    samples: {
      title: 'samples',
      help:
        'What the model draws, from the same noise at every moment. Where it makes them ' +
        'step by step, the generation slider shows them on their way.',
      there: view => !!view.film?.has('samples'),
      draw(pen, view) {
        const moving = view.time < 1 && view.film.has('paths');
        const points = moving ? way(view) : view.film.at('samples', view.at);
        pen.dots(points, pen.tones.model, {
          radius: pen.side > 420 ? 2.9 : 2.2,
          alpha: 0.95,
          ring: pen.tones.ground,
        });
      },
    },
    paths: {
      title: 'paths of the samples',
      help: 'The way of each sample from noise to data, up to the time of the generation slider.',
      there: view => !!view.film?.has('paths'),
      draw(pen, view) {
        const all = view.film.at('paths', view.at),
          [K, P] = view.film.shape('paths'),
          last = M.place(view.film.header.times, view.time);
        for (let p = 0; p < P; p++) {
          const line = [];
          for (let k = 0; k <= Math.min(K - 1, Math.floor(last)); k++)
            line.push(all[(k * P + p) * 2], all[(k * P + p) * 2 + 1]);
          pen.line(line, pen.tones.model, { width: 1, alpha: 0.45 });
        }
        pen.dots(all.subarray(0, P * 2), pen.tones.soft, { radius: 1.4, alpha: 0.7 });
        if (view.time >= 1 || !view.layers.includes('samples'))
          pen.dots(way(view), pen.tones.model, { radius: 2.4, ring: pen.tones.ground });
      },
    },
    phases: {
      title: 'positive and negative phase',
      help:
        'Training pushes the energy down at data (blue) and up at the ends of the chains ' +
        '(orange).',
      there: view => !!view.film?.has('negative'),
      draw(pen, view) {
        pen.dots(view.film.at('positive', view.at), pen.tones.truth, {
          radius: 3,
          ring: pen.tones.ground,
        });
        pen.dots(view.film.at('negative', view.at), pen.tones.model, {
          radius: 3,
          ring: pen.tones.ground,
        });
      },
    },
    push: {
      title: 'pull on the samples',
      help:
        'The way on which each sample would look more real to the discriminator: what the ' +
        'generator’s loss asks of it.',
      there: view => !!view.film?.has('push'),
      draw(pen, view) {
        const steps = view.film.at('push', view.at);
        pen.arrows(
          view.film.at('samples', view.at).subarray(0, steps.length),
          steps,
          pen.tones.other,
          { width: 1.3 },
        );
      },
    },
    slice: {
      title: 'slice p(x₂ | x₁)',
      help:
        'The density along an upright line that you drag, scaled to one: how x₂ is ' +
        'distributed where x₁ is known.',
      there: view => !!view.film?.has('log_density') || !!view.truth?.density,
      draw(pen, view) {
        const x = view.slice;
        pen.line([x, M.LOW, x, M.HIGH], pen.tones.ink, { width: 1.2, alpha: 0.8 });
        const side = x > 0.5 ? -1 : 1;
        const curve = (density, colour, fill) => {
          const p = M.slice(density, G, x),
            line = [];
          for (let j = 0; j < G; j++) line.push(x + side * 1.6 * Math.min(2, p[j]), M.centre(j, G));
          if (fill) {
            const { g } = pen;
            g.save();
            g.globalAlpha = 0.22;
            g.fillStyle = colour;
            g.beginPath();
            g.moveTo(pen.X(x), pen.Y(M.LOW));
            for (let k = 0; k < line.length; k += 2) g.lineTo(pen.X(line[k]), pen.Y(line[k + 1]));
            g.lineTo(pen.X(x), pen.Y(M.HIGH));
            g.fill();
            g.restore();
          }
          pen.line(line, colour, { width: 2.2, dash: fill ? [] : [5, 3] });
        };
        if (view.film?.has('log_density'))
          curve(view.film.density('log_density', view.at), pen.tones.model, true);
        if (view.truth?.density) curve(view.truth.density, pen.tones.truth, false);
      },
    },
    posterior: {
      title: 'q(z | x) at the pointer',
      help:
        'Where the encoder puts the point under the pointer: an ellipse among the codes, ' +
        'and what the decoder makes of that ellipse.',
      there: view => !!view.film?.has('posterior'),
      draw(pen, view) {
        if (view.point) PLANE.posterior(pen, view);
      },
    },
  };
  // The samples at a time of their making, between the steps of the film.
  const way = view => {
    const all = view.film.at('paths', view.at),
      [K, P] = view.film.shape('paths'),
      at = M.place(view.film.header.times, view.time),
      k = Math.min(K - 1, Math.floor(at)),
      a = all.subarray(k * P * 2, (k + 1) * P * 2);
    if (k === K - 1 || at === k) return a;
    const own = (view.film.wayKept ??= new Float32Array(P * 2));
    return M.mix(a, all.subarray((k + 1) * P * 2, (k + 2) * P * 2), at - k, own);
  };
  // Drawn in this order, whatever the order in which they were switched on.
  const ORDER = [
    'mesh',
    'truth_contours',
    'contours',
    'data',
    'held_out',
    'components',
    'streamlines',
    'arrows',
    'true_field',
    'paths',
    'samples',
    'phases',
    'push',
    'slice',
    'posterior',
  ];
  const paint = (pen, view) => {
    const surface = PLANE.surfaces.all[view.surface];
    if (surface.there(view)) surface.draw(pen, view);
    pen.axes();
    for (const key of ORDER)
      if (view.layers.includes(key) && layers[key].there(view)) layers[key].draw(pen, view);
  };
  return { layers, ORDER, paint, way, fieldAt };
})();
