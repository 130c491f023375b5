// What the front end's own look-ups are replaced by (front_end.py). A table of a tree is made once
// and believed only as far as the tree still says the same.
const geTrees = new WeakMap();

function geTree(root) {
  const table = new Map();
  const add = (node, parent, place) => {
    const entry = { node, parent, place };
    if (!table.has(node.id)) table.set(node.id, entry);
    node.children?.forEach((child, k) => add(child, entry, k));
  };
  add(root, null, 0);
  geTrees.set(root, table);
  return table;
}

// Whether a node is still where it was found, and every node above it.
function geStands({ node, parent, place }, root) {
  if (parent === null) return node === root;
  return parent.node.children?.[place] === node && geStands(parent, root);
}

function geFind(root, id) {
  let entry = geTrees.get(root)?.get(id);
  if (!entry || !geStands(entry, root)) entry = geTree(root).get(id);
  return entry?.node ?? null;
}

const geEvents = new WeakMap();

// The names of a component's events: of each dependency the first that is the component's.
function geEventsOf(dependencies, id) {
  let known = geEvents.get(dependencies);
  if (known?.length !== dependencies.length) {
    const table = new Map();
    for (const { targets } of dependencies) {
      const first = new Map();
      for (const [target, name] of targets) if (!first.has(target)) first.set(target, name);
      for (const [target, name] of first) {
        if (!table.has(target)) table.set(target, []);
        if (name) table.get(target).push(name);
      }
    }
    known = { length: dependencies.length, table };
    geEvents.set(dependencies, known);
  }
  return [...(known.table.get(id) ?? [])];
}
