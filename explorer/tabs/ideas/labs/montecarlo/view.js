IDEAS.views.montecarlo = (() => {
  const { number, one } = IDEAS.state;
  const state = {
    f: one('square', 'tail', 'exp'),
    k: number(6, 0, 20),
    seed: number(1, 1, 9999),
    m: number(1, -4, 4),
    s: number(1.2, 0.2, 4),
    T: number(200, 1, 2000),
    x: number(1.5, -4, 4),
    noise: number(0.5, 0.1, 2),
    qm: number(0.4, -3, 3),
    qs: number(0.9, 0.1, 2),
    model: { first: '', read: text => (/^[\w.-]{0,80}$/.test(text) ? text : '') },
    picture: number(0, 0, 199),
  };
  const WORDS = [
    ['square', 'x²'],
    ['tail', 'x > 2'],
    ['exp', 'eˣ'],
  ];
  return { state, scenes: [], WORDS };
})();
