IDEAS.views.reparametrisation = (() => {
  const { number, one } = IDEAS.state;
  const state = {
    f: one('hill', 'waves', 'step', 'high'),
    m: number(0.5, -3, 4),
    s: number(0.7, 0.1, 2),
    T: number(1, 1, 200),
    seed: number(1, 1, 9999),
    rate: number(0.05, 0.002, 0.5),
    start: number(-1.5, -3, 4),
  };
  const KINDS = {
    score: ['Score function', 'r'],
    baseline: ['With baseline', 'q'],
    reparametrised: ['Reparametrised', 'p'],
  };
  const FUNCTIONS = [
    ['hill', 'a hill'],
    ['high', 'the hill, 10 higher'],
    ['waves', 'waves'],
    ['step', 'a step'],
  ];
  return { state, scenes: [], KINDS, FUNCTIONS };
})();
