"""What somebody adds from outside is on the page: a family, a tab, a score. And whatever handles an
event of the page does so through one of a few mechanisms, which the last test here names."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType, SimpleNamespace

import gradio as gr
import pytest

import explorer
from explorer import programs
from explorer.components import say, status
from explorer.page.address import whole
from explorer.page.part import Part, screen, settled
from explorer.tabs.score import one
from explorer.tabs.train import setup
from models.scores import registry
from tests import plugin, toys


@pytest.fixture
def folder(tmp_path):
    toys.write_writer(tmp_path / "models", "writer")
    return tmp_path / "models"


def built(folder):
    context = explorer.Context.create(folder, device="cpu")
    return context, explorer.build(context)


# -- a family -------------------------------------------------------------------------------------


def test_a_family_of_somebody_elses_is_in_the_picker_and_can_be_trained(
    folder, tmp_path, monkeypatch
):
    plugin.install(tmp_path, monkeypatch)
    toys.write(folder, "mine", plugin.NAME, "digits", image=[1, 8, 8])
    context, _ = built(folder)
    assert "mine" in [card["name"] for card in context.picker.props["models"]]
    sample = context.built["sample"]
    request = SimpleNamespace(session_hash="ana")
    final = settled(sample.call("arrive", request, "mine", sample.asked(count=4)))
    assert final.grid["n"] >= 4 and "problem" not in final.status.values()

    item = next(item for item in setup.families() if item["key"] == plugin.NAME)
    assert item["title"] == "Pixelwise average" and "mean" in item["note"]
    recipe = setup.recipe_of(None, "digits", plugin.NAME, "small", '{"model.spread": 0.3}')
    form = setup.form(recipe, "key")
    fields = {field["key"]: field for group in form["groups"] for field in group["fields"]}
    assert fields["model.spread"]["help"].startswith("How far")
    assert fields["model.spread"]["value"] == 0.3
    context.visitors.close()


# -- a tab ----------------------------------------------------------------------------------------


def tab_of_two_parts() -> ModuleType:
    """A tab as a package of two parts, each of which shows a number."""

    def arrive(context, name, asked):
        yield screen(shown=f"{name} {asked.number}", status=say("There."))

    def double(context, name, asked):
        return screen(number=2 * asked.number)

    def build_part(context):
        part = Part(context)
        number = gr.Number(3, elem_id=f"{context.place}-number")
        more, told, shown = gr.Button("Double it"), status(), gr.HTML()
        part.controls(number=number)
        part.outputs(shown=shown, status=told, number=number)
        part.arrives(arrive)
        part.on(more.click, double, main=True)
        context.remember(f"{context.place.replace('_', '.')}.number", number, parse=whole(0, 9999))

    tab, parts = ModuleType("somebodys.numbers"), []
    for name, needs in (("small", ()), ("large", ("Denoises",))):
        parts.append(ModuleType(f"somebodys.numbers.{name}"))
        vars(parts[-1]).update(TITLE=name.title(), NEEDS=needs, build=build_part)

    def build(context):
        from explorer.page.parts import build_parts

        build_parts(context, tab.PARTS)

    vars(tab).update(TITLE="Numbers", NEEDS={"Samples"}, PARTS=tuple(parts), build=build)
    return tab


def test_a_tab_is_one_line_and_has_its_handlers_and_its_place_in_the_address(folder, monkeypatch):
    monkeypatch.setattr(explorer, "TABS", (*explorer.TABS, tab_of_two_parts()))
    context, page = built(folder)
    assert context.titles["numbers"] == "Numbers"
    assert context.picker.props["parts"]["numbers"] == [
        {"key": "small", "title": "Small", "needs": []},
        {"key": "large", "title": "Large", "needs": ["Denoises"]},
    ]  # fmt: skip
    keys = [item.key for item in context.remembered]
    assert {"numbers.small.number", "numbers.large.number"} <= set(keys)
    part = context.built["numbers_small"]
    request = SimpleNamespace(session_hash="ana")
    final = settled(part.call("arrive", request, "writer", part.asked()))
    assert final.shown == "writer 3"
    assert settled(part.call(part.main, request, "writer", part.asked(number=8))).number == 16
    events = {event for fn in page.fns.values() for _, event in fn.targets}
    assert {"show_numbers_small", "show_numbers_large"} <= events
    wired = {fn.fn.handler for fn in page.fns.values() if place_of(fn) == "numbers_large"}
    assert wired == {"arrive", "double"}


# -- a score --------------------------------------------------------------------------------------


def darkness(evidence):
    """A score of somebody else's: how dark a picture is."""
    return registry.Scored(-evidence.x.flatten(1).mean(1))


def test_a_score_is_offered_for_one_picture_and_for_many(folder, monkeypatch):
    like = registry.SCORES["likelihood"]
    dark = replace(like, title="Darkness", fn=f"{__name__}:darkness", can=lambda model: True)
    monkeypatch.setitem(registry.SCORES, "darkness", dark)
    context, _ = built(folder)
    for place in ("score_one", "score_many"):
        assert ("Darkness", "darkness") in context.built[place].asks["score"].choices
    control = one.score_control(context, "writer", "darkness")
    assert control.value == "darkness"
    part = context.built["score_one"]
    request = SimpleNamespace(session_hash="ana")
    asked = part.asked(score="darkness")
    final = settled(part.call("show", request, "writer", asked))
    assert final.status["kind"] != "problem" and final.verdict["title"] == "Darkness"


# -- every handler of the page --------------------------------------------------------------------

# What is wired beside ``Part``: (module, function within). It computes nothing and asks no model,
# or tells whose page it is.
BESIDE = {
    ("explorer.page.context", "Context.timely"),  # the family's text, when a model arrives
    ("explorer.page.context", "Context.keep_until_gone"),  # whose upload it is
    ("explorer.page.choice", "OwnPicture.__init__"),  # the shelf hides as the pad appears
    ("explorer.page.choice", "see"),  # what the model sees of a drawing
    ("explorer.page.address", "install"),  # a link is opened
    ("explorer.page.address", "state"),  # and a state is gone to
    ("explorer.tabs.plane.about", "idea"),  # the text of the method on stage
    ("explorer.tabs.train", "_welcome"),  # a page is closed
}


def place_of(fn) -> str | None:
    return getattr(fn.fn, "place", None)


def maker(fn) -> tuple[str, str]:
    """(module, function) that a handler was made in."""
    inner = getattr(fn, "func", fn)
    return inner.__module__, inner.__qualname__.partition(".<locals>")[0]


def test_every_handler_of_the_page_goes_through_a_known_mechanism(folder):
    context, page = built(folder)
    strangers = []
    for each in page.fns.values():
        if each.fn is None:  # the browser's own
            continue
        module, name = maker(each.fn)
        if module == "explorer.page.part" or (module, name) in BESIDE:
            continue
        if programs.is_program(each):  # for programs: no part of what is on screen
            continue
        # A value that is handed on as it is.
        if len(each.inputs) == 1 and each.outputs == [context.code]:
            assert each.fn(page) is page
            continue
        strangers.append((module, name, each.targets))
    assert strangers == []
    places = {place_of(each) for each in page.fns.values()} - {None}
    assert places == set(context.built)
    for part in context.built.values():
        wired = {each.fn.handler for each in page.fns.values() if place_of(each) == part.place}
        assert wired == set(part.handlers)
        assert not part.main or part.main in wired


def test_what_the_address_keeps_of_a_part_begins_with_its_tab(folder):
    context, _ = built(folder)
    names = {id(control): place for place, part in context.built.items()
             for control in part.asks.values()}  # fmt: skip
    for item in context.remembered:
        place = names.get(id(item.component))
        assert place is None or item.key.split(".")[0] == place.split("_")[0], item.key
