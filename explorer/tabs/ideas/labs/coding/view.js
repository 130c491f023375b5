IDEAS.views.coding = (() => {
  const { number, one } = IDEAS.state;
  const TEXT = 'the rain in spain stays mainly in the plain';
  const sentence = { first: TEXT, read: text => (/^[a-z ]{1,80}$/.test(text) ? text : TEXT) };
  const state = {
    p: number(0.8, 0, 1),
    q: number(0.5, 0, 1),
    n: number(200, 10, 2000),
    seed: number(1, 1, 9999),
    text: sentence,
    belief: one('text', 'english', 'even', 'other'),
    upto: number(6, 1, 12),
    model: { first: '', read: text => (/^[\w.-]{0,80}$/.test(text) ? text : '') },
    picture: number(0, 0, 199),
    read: number(784, 0, 784),
  };
  return { state, scenes: [], sentence };
})();
