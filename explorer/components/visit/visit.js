// Asks the server for the values of the controls in a state (see travel.js).
let asked = 0;
GE.fetchState = ({ query, model }) => {
  props.value = { query, model, time: ++asked };
  trigger('go');
};
