IDEAS.views.judging = (() => {
  const { number, one } = IDEAS.state;
  const state = {
    part: number(0.01, 0.001, 1),
    copies: number(20, 1, 100),
    flip: number(0.001, 0.000001, 0.3),
    which: one('noise', 'copies'),
    seed: number(1, 1, 9999),
    mx: number(1, -3, 3),
    my: number(0.4, -3, 3),
    a: number(1.2, 0.05, 2.5),
    b: number(0.7, 0.05, 2.5),
    turn: number(30, -90, 90),
    n: number(200, 5, 5000),
    model: one('truth', 'copies', 'sure', 'one', 'moments', 'ring', 'wide'),
    k: number(3, 1, 10),
    balls: one('no', 'yes'),
  };
  return { state, scenes: [] };
})();
