"""The tables that replace the front end's look-ups say what the look-ups say."""

from __future__ import annotations

import re

import pytest

from explorer.server.front_end import TABLES
from tests.browser.conftest import open_page

TABS = ("start", "sample", "latent", "map", "score", "train")

# What Gradio does itself, step by step; trees and events of all shapes, changed between questions.
CHECK = """() => {
  TABLES
  const walk = (e, t) => {
    if (e.id === t) return e;
    for (const n of e.children ?? []) { const found = walk(n, t); if (found) return found; }
    return null;
  };
  const listed = (t, id) => t.filter(d => d.targets.find(([k]) => k === id))
    .map(d => d.targets.find(([k]) => k === id)[1]).filter(Boolean);
  let seed = 1;
  const below = n => (seed = seed * 48271 % 2147483647) % n;
  const tree = depth => ({
    id: below(40), children: depth ? Array.from({ length: below(5) }, () => tree(depth - 1)) : [],
  });
  const all = e => [e, ...e.children.flatMap(all)];
  let asked = 0, missing = 0;
  for (let k = 0; k < 200; k++) {
    const root = tree(4);
    for (let change = 0; change < 4; change++) {
      const known = [...new Set(all(root).map(e => e.id))];
      for (const id of [...known, 99]) {
        // Where an id is twice, the first is the one; a change may have put another before it.
        const twice = all(root).filter(e => e.id === id).length > 1 && change;
        const own = walk(root, id), ours = geFind(root, id);
        if (twice ? ours?.id !== id || !all(root).includes(ours) : ours !== own) return [k, id];
        asked++;
        missing += own === null;
      }
      const at = all(root)[below(all(root).length)];
      at.children = change % 2 ? [...at.children, tree(2)] : at.children.slice(1);
    }
  }
  for (let k = 0; k < 200; k++) {
    const target = () => [below(6), [null, 'click', 'input'][below(3)]];
    const deps = Array.from({ length: below(12) }, () => ({
      targets: Array.from({ length: below(4) }, target),
    }));
    for (let more = 0; more < 2; more++) {
      for (let id = 0; id < 7; id++)
        if (`${geEventsOf(deps, id)}` !== `${listed(deps, id)}`) return [k, id, 'events'];
      deps.push({ targets: [[below(6), 'load']] });
    }
  }
  return [asked, missing];
}"""


def test_tables_say_what_a_walk_says(page, address):
    page.goto("about:blank")
    asked, missing = page.evaluate(CHECK.replace("TABLES", TABLES.read_text("utf-8"), 1))
    assert asked > 5000 and missing >= 800


def test_the_page_is_sent_with_them(page, address):
    with page.expect_response(lambda answer: re.search(r"/core-[^/]*\.js$", answer.url)) as sent:
        page.goto(address)
    assert "geFind(root, id)" in sent.value.text()
    page.wait_for_selector("body[data-ge=open]")


FRAMES = """() => {
  window.frames_asked = 0;
  const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = f => (window.frames_asked++, ask.call(window, f));
}"""


@pytest.mark.parametrize("tab", TABS[1:])
def test_a_page_at_rest_draws_nothing(tab, page, address):
    """No frame is asked for and nothing moves, so a laptop's processor sleeps."""
    open_page(page, f"{address}/?tab={tab}&model=toy-digits")
    page.evaluate(FRAMES)
    page.wait_for_function(
        """() => new Promise(done => {
             const before = window.frames_asked;
             const moving = () => document.getAnimations().some(a => a.playState === 'running');
             setTimeout(() => done(window.frames_asked === before && !moving()), 500);
           })"""
    )
