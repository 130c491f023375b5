// Which model a place of the page shows. A place is a tab, or a part of one. What a person chose is
// their wish; where it cannot serve, another stands in, is told of in a line, and the wish is kept.
(() => {
  const ge = window.GE;
  Object.assign(ge, { able: {}, titles: {}, wish: null, lastAt: {}, setModel: () => {} });
  const modelOf = name => ge.models.find(model => model.name === name);
  const isOwn = name => name.includes('~');
  const titleOf = name => modelOf(name)?.title ?? 'This model';

  ge.placeOf = (tab, part = ge.partOf(tab)) => (part ? `${tab}_${part}` : tab);
  // A need is a capability, or several between bars of which one will do.
  const meets = (can, need) => need.split('|').some(one => can.includes(one));
  const needsOf = (tab, part) => [
    ...(ge.needs[tab] ?? []),
    ...(ge.parts[tab]?.find(one => one.key === part)?.needs ?? []),
  ];
  // The server has looked at the models of everybody; of one's own the capabilities are known.
  const serves = (tab, part, name) => {
    const needs = needsOf(tab, part),
      model = modelOf(name);
    if (!needs.length) return true;
    if (!model) return false;
    const known = ge.able[ge.placeOf(tab, part)];
    return known && !isOwn(name)
      ? known.includes(name)
      : needs.every(need => meets(model.capabilities, need));
  };
  ge.serves = (tab, name, part = ge.partOf(tab)) => serves(tab, part, name);
  // Whether the tab serves the model in any of its parts.
  ge.servesSomewhere = (tab, name) =>
    (ge.parts[tab] ?? [{ key: null }]).some(part => serves(tab, part.key, name));

  ge.hasModels = (tab, part) => ge.models.some(model => serves(tab, part, model.name));

  // The model that a place begins with for this wish (null: nobody has chosen yet).
  const pick = (tab, part) => {
    if (!needsOf(tab, part).length) return ge.wish ?? ge.current;
    if (ge.wish !== null && serves(tab, part, ge.wish)) return ge.wish;
    const able = [
      ...(ge.able[ge.placeOf(tab, part)] ?? []),
      ...ge.models.map(model => model.name).filter(isOwn),
    ].filter(name => serves(tab, part, name));
    const last = ge.lastAt[ge.placeOf(tab, part)];
    if (able.includes(last)) return last;
    const data = modelOf(ge.wish)?.data;
    return able.find(name => modelOf(name).data === data) ?? able[0] ?? null;
  };

  // Has the tab on screen show a model that it can, and says which where it is not the wish.
  // quiet: of a state that was gone to as a whole, it is no news which model it begins with.
  ge.settle = (quiet = false, step = false) => {
    const tab = ge.tab,
      part = ge.partOf(tab),
      before = ge.current;
    const name = pick(tab, part);
    const needs = needsOf(tab, part).length > 0;
    if (name !== null) {
      if (needs) ge.lastAt[ge.placeOf(tab, part)] = name;
      if (name !== ge.current) ge.setModel(name);
    }
    if (name === null) closed(tab, part);
    else if (needs && ge.wish !== null && name !== ge.wish) standsIn(tab, part, name);
    else if (needs && ge.wish === null && name !== before && !quiet) {
      begins(tab, part, name, before);
    } else if (ge.turnedAway?.tab === tab) sentHere(tab, ge.turnedAway);
    else say(tab, '');
    ge.turnedAway = null;
    gate(tab, name !== null);
    ge.putModel(step);
  };

  // The address names the model, unless a link without one would show it. The name of one's own is
  // the key to it, and does not go into an address to share.
  ge.putModel = (step = false) => {
    const here = ge.able[ge.placeOf(ge.tab)]?.[0] ?? ge.firstModel;
    const name = isOwn(ge.current) ? ge.firstModel : ge.current;
    // The first page is of no model.
    if (ge.tab === ge.firstTab && !ge.needs[ge.tab]?.length) ge.put('model', null, null);
    else ge.put('model', name, here === ge.firstModel ? here : null, step);
  };

  const button = (text, act) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = text;
    made.onclick = act;
    return made;
  };
  const say = (tab, text, ...offers) => {
    const box = ge.notices[tab];
    if (!box) return;
    box.classList.toggle('told', text !== '');
    box.querySelector('p').textContent = text;
    box.querySelector('.offers').replaceChildren(...offers);
  };
  // What a model cannot do of what a place needs; of a place that needs what no header tells, that.
  const lacking = (tab, part, name) => {
    const can = modelOf(name)?.capabilities ?? [];
    const missing = needsOf(tab, part).filter(need => !meets(can, need));
    return missing.map(need => ge.words?.[need] ?? need).join(' and ');
  };
  const placeTitle = (tab, part) =>
    ge.parts[tab]?.find(one => one.key === part && one.title)?.title ?? ge.titles[tab] ?? tab;
  const standsIn = (tab, part, name) => {
    const lacks = lacking(tab, part, ge.wish),
      able = lacking(tab, null, ge.wish) === '';
    const place = placeTitle(tab, able ? part : null);
    const why = lacks
      ? `${place} needs a model that can ${lacks}`
      : `${titleOf(ge.wish)} brings no data for ${place}`;
    const wish = ge.wish,
      back = homeOf(wish);
    say(
      tab,
      `${why}: showing ${titleOf(name)}.`,
      ...(back ? [button(`Back to ${titleOf(wish)}`, () => ge.bring(back.tab, back.part))] : []),
    );
  };
  const begins = (tab, part, name, before) => {
    const offers = serves(tab, part, before)
      ? [button(`Show ${titleOf(before)}`, () => ge.choose(before))]
      : [];
    say(tab, `${placeTitle(tab, part)}: showing ${titleOf(name)}.`, ...offers);
  };
  const sentHere = (tab, { name, from, part, lacks }) => {
    const cannot = lacks || `be shown in ${placeTitle(from, part)}`;
    say(
      tab,
      `${titleOf(name)} cannot ${cannot}: it is shown here.`,
      button(`Back to ${ge.titles[from] ?? from}`, () => ge.bring(from, part)),
    );
  };
  const closed = (tab, part) => {
    const lacks = lacking(tab, part, ge.current);
    say(
      tab,
      !ge.models.length
        ? 'There are no models here yet: train one, or start with --checkpoints FOLDER.'
        : lacks
          ? `${titleOf(ge.current)} cannot ${lacks}, which this tab needs. No model here can.`
          : 'No model here brings what this tab needs.',
    );
  };
  const gate = (tab, open) => {
    let style = document.getElementById('ge-gate');
    if (!style) {
      style = document.head.appendChild(document.createElement('style'));
      style.id = 'ge-gate';
    }
    style.textContent = open ? '' : `.ge-panel-${tab} { display: none !important; }`;
  };

  // Where a model is at home: the place where it was seen last, else the first tab that serves it.
  const homeOf = name => {
    const seen = Object.keys(ge.needs).filter(tab => ge.needs[tab].length);
    const [lastTab, lastPart] = ge.seenAt?.[name] ?? [];
    if (lastTab && serves(lastTab, lastPart, name)) return { tab: lastTab, part: lastPart };
    const tab =
      seen.find(each => serves(each, ge.partOf(each), name)) ??
      seen.find(each => ge.servesSomewhere(each, name));
    if (!tab) return null;
    const part = ge.parts[tab]?.find(one => serves(tab, one.key, name))?.key ?? null;
    return { tab, part };
  };
  ge.seenAt = {};
  // Brings a place on screen, with a model where one is named.
  ge.bring = (tab, part, name) => {
    if (name && modelOf(name)) ge.wish = name;
    if (part) ge.choosePart(tab, part);
    ge.go(tab);
  };

  // Brings a model on screen in a tab, or where that cannot show it, in the first that can.
  ge.use = (name, tab) => {
    ge.choose(name);
    const first = Object.keys(ge.needs).find(
      each => ge.needs[each].length && ge.servesSomewhere(each, name),
    );
    const place = ge.servesSomewhere(tab, name) ? tab : first;
    if (place) ge.go(place);
  };

  // A person chose a model. Where the tab on screen cannot show it, one that can comes on screen.
  ge.choose = name => {
    if (!modelOf(name)) return;
    ge.wish = name;
    const tab = ge.tab,
      part = ge.partOf(tab);
    if (!serves(tab, part, name)) {
      const home = homeOf(name);
      if (home) {
        ge.turnedAway = { ...home, name, from: tab, part, lacks: lacking(tab, part, name) };
        ge.bring(home.tab, home.part);
        return;
      }
    }
    ge.settle(false, true);
    ge.show();
  };
})();
