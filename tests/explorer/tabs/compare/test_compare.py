"""The Compare tab: every model of one data set side by side, without a page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import explorer
from explorer.server.reading import ANY
from explorer.tabs.compare import fellows, half, picture, samples
from models import FAMILIES
from models.contract.random import generator
from models.scores.each import likelihood_each
from tests import toys
from tests.denoising import pictures

SMALL = (1, 8, 8)


class Broken(toys.Toy):
    """Fails at what the page asks, in no words for a person."""

    def sample_steps(self, n, rng, label=None, temperature=1.0):
        if n < 64:  # but for its preview
            raise RuntimeError("index out of range")
        yield from super().sample_steps(n, rng, label, temperature)


FAMILIES.setdefault("broken", f"{__name__}:Broken")


def write_models(folder) -> None:
    """Models of 8 x 8 digits that can each do something else, a judge, and one of other data."""
    toys.write_writer(folder, "writer")
    toys.write_writer(folder, "backwards", orders="reversed")
    toys.write_game(folder, "classes", num_classes=10)
    toys.write_flow(folder, "flow")
    toys.write(folder, "broken", "broken", "digits", image=SMALL)
    toys.write_judge(folder, "judge")
    toys.write(folder, "elsewhere", data="shapes", image=SMALL)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    yield context
    context.visitors.close()


def call(context, part, handler, name="writer", **asked):
    """What is on screen at the end."""
    place = context.built[f"compare_{part}"]
    request = asked.pop("request", SimpleNamespace(session_hash="ana"))
    final = {}
    for changes in place.call(handler, request, name, place.asked(**asked)):
        final.update(changes)
    return final


def cards(final) -> dict[str, dict]:
    return {card["key"]: card for group in final["cards"]["groups"] for card in group["cards"]}


def group_of(final, name) -> str:
    return next(
        group["name"] for group in final["cards"]["groups"]
        if name in [card["key"] for card in group["cards"]]
    )  # fmt: skip


# -- who is compared ------------------------------------------------------------------------------


def test_models_of_the_chosen_ones_data_are_compared_and_no_others(context):
    found = fellows.fellows(context, "writer", None, "Samples")
    assert set(found) == {"writer", "backwards", "classes", "flow", "broken"}
    assert fellows.fellows(context, "elsewhere", None, "Samples") == ["elsewhere"]
    # With no model chosen it is about the first one's data.
    assert set(fellows.fellows(context, "", None)) >= {context.store.first}


def test_ones_own_models_join_and_only_in_ones_own_page(context, tmp_path):
    toys.write(tmp_path, "mine", data="digits", image=SMALL)
    cam, bea = (SimpleNamespace(session_hash=name) for name in ("cam", "bea"))
    visitor = context.visitors.arrive(None, "cam")
    own = context.store.adopt(tmp_path / "mine")
    context.visitors.keep(visitor, own, tmp_path / "mine")
    assert fellows.fellows(context, "writer", cam, "Samples")[0] == own
    assert own not in fellows.fellows(context, "writer", bea, "Samples")
    shown = cards(call(context, "samples", "show", request=cam))
    assert shown[own]["title"] == "Mine" and shown[own]["state"] == "done"


def test_quick_models_come_first_and_a_slow_one_says_how_long_it_takes(context):
    assert fellows.wait_words(context, "nothing", "writer") == ", a few seconds"
    assert fellows.wait_words(context, "nothing", "classes") == ""
    key = ("compare-seconds", "test", "classes")
    context.ask.cache.put(key, 12.2)
    assert fellows.wait_words(context, "test", "classes") == ", about 12 s"
    turns = fellows.in_turn(context, ["classes", "flow"], "test", lambda name: iter([name]))
    assert [turn.name for turn in turns if turn.through] == ["flow", "classes"]


# -- samples --------------------------------------------------------------------------------------


def test_a_card_has_the_models_own_samples_and_a_failure_is_one_sentence(context, caplog):
    final = call(context, "samples", "show", seed=3)
    shown = cards(final)
    for name in ("writer", "classes", "flow"):
        x = context.store.get(name).sample(4, generator(3)).numpy()
        assert np.array_equal(pictures(shown[name]["sprite"]), np.rint(x * 255))
        assert shown[name]["lines"][0].split(" · ")[0].endswith("a picture")
    assert shown["broken"]["lines"] == ["Broken failed for an unforeseen reason."]
    assert final["status"]["kind"] == "problem" and "index out of range" in caplog.text
    assert shown["writer"]["on"] and not shown["flow"]["on"]


def test_what_began_with_the_same_noise_says_so(context):
    shown = cards(call(context, "samples", "show"))
    assert "same noise" in shown["writer"]["lines"][0]
    assert shown["writer"]["lines"][0][-1] == shown["backwards"]["lines"][0][-1]
    assert "same noise" not in shown["classes"]["lines"][0]


def test_one_class_is_asked_for_or_picked_by_the_judge(context):
    judge = context.store.get("judge")
    x = context.store.get("flow").sample(16, generator(0, 0))
    with torch.no_grad():
        label = int(judge.classify(x).argmax(1)[0])
        expected = x[judge.classify(x).argmax(1) == label]
    shown = cards(call(context, "samples", "show", label=label))
    made = pictures(shown["flow"]["sprite"])
    n = min(4, len(expected))
    assert np.array_equal(made[:n], np.rint(expected[:n].numpy() * 255))
    assert shown["flow"]["lines"][0].startswith("picked by the judge from")
    asked = context.store.get("classes").sample(4, generator(0), label)
    assert np.array_equal(pictures(shown["classes"]["sprite"]), np.rint(asked.numpy() * 255))
    with torch.no_grad():
        wrong = judge.classify(asked).argmax(1) != label
    assert shown["classes"]["marked"] == np.flatnonzero(wrong.numpy()).tolist()


def test_a_class_that_a_model_never_makes_is_no_failure(context, monkeypatch):
    monkeypatch.setattr(samples, "CHUNKS", 1)
    x = context.store.get("flow").sample(16, generator(5, 0))
    with torch.no_grad():
        made = set(context.store.get("judge").classify(x).argmax(1).tolist())
    never = min(set(range(10)) - made)
    card = cards(call(context, "samples", "show", label=never, seed=5))["flow"]
    assert card["state"] == "done" and card["sprite"] is None
    assert card["lines"][0] == "the judge finds it in none of 16 samples"


def test_arriving_offers_the_classes_and_again_takes_the_next_seed(context):
    final = call(context, "samples", "arrive", label=77)
    label = final["label"]
    assert label.value == ANY and len(label.choices) == 11
    assert call(context, "samples", "again", seed=4)["seed"] == 5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"seed": -1}, "seed must be"), ({"count": 5}, "Ask for 4, 8 or 16"),
     ({"seed": None}, "seed must be")],
)  # fmt: skip
def test_bad_input_is_one_sentence(context, change, sentence):
    status = call(context, "samples", "show", **change)["status"]
    assert status["kind"] == "problem" and sentence in status["text"]


@pytest.mark.parametrize("label", [ANY, 3])
def test_the_code_shown_gives_the_samples(context, label, monkeypatch):
    monkeypatch.setattr(samples, "fellows", lambda *_: ["flow", "classes"])
    final = call(context, "samples", "show", label=label)
    scope: dict = {}
    exec(final["code"], scope)
    for folder, found in scope["pictures"].items():
        card = cards(final)[folder.rpartition("/")[2]]
        made = np.stack([np.rint(x.numpy() * 255) for x in found]) if len(found) else None
        shown = None if card["sprite"] is None else pictures(card["sprite"])
        assert np.array_equal(made, shown) if made is not None else shown is None


# -- half a picture -------------------------------------------------------------------------------


def test_the_half_is_kept_and_the_rest_is_the_models(context):
    final = call(context, "half", "show", half="left", seed=2)
    shown = cards(final)
    assert set(shown) == {"writer", "backwards"}
    source = half.source_of(context, fellows.fellows(context, "writer", None, "Samples"))
    given = half.given(context, source, context.built["compare_half"].asked())
    x = torch.from_numpy(given.pixels[None] / 255).float().expand(4, -1, -1, -1)
    known = torch.zeros(x.shape, dtype=torch.bool)
    known[..., :4] = True
    *_, frame = context.store.get("writer").complete_steps(x, known, generator(2))
    assert np.array_equal(pictures(shown["writer"]["sprite"]), np.rint(frame.x.numpy() * 255))
    assert any(line.startswith("read as") for line in shown["writer"]["lines"])
    assert "2 of 5 models" in final["status"]["text"]


def test_a_model_that_comes_to_the_kept_half_too_late_says_so(context):
    blind = "in part blind to what is kept"
    upper = cards(call(context, "half", "show", half="upper"))
    lower = cards(call(context, "half", "show", half="lower"))
    assert blind not in upper["writer"]["lines"] and blind in lower["writer"]["lines"]
    assert blind in upper["backwards"]["lines"] and blind not in lower["backwards"]["lines"]


def test_the_code_shown_gives_the_endings(context):
    final = call(context, "half", "show", half="right")
    scope: dict = {}
    exec(final["code"], scope)
    for folder, x in scope["pictures"].items():
        card = cards(final)[folder.rpartition("/")[2]]
        assert np.array_equal(pictures(card["sprite"]), np.rint(x.numpy() * 255))


def test_data_whose_models_cannot_complete_are_told_so(context):
    status = call(context, "half", "show", name="elsewhere")["status"]
    assert status["text"] == "No model of Shapes here can complete a picture."


# -- the same picture -----------------------------------------------------------------------------


def test_a_picture_is_scored_and_rebuilt_by_each_that_can(context):
    final = call(context, "picture", "show")
    shown = cards(final)
    assert set(shown) == {"writer", "backwards", "flow", "broken"}
    source = half.source_of(context, fellows.fellows(context, "writer", None, "Samples"))
    given = half.given(context, source, context.built["compare_picture"].asked())
    x = torch.from_numpy(given.pixels[None] / 255).float()
    nats = -likelihood_each(context.store.get("writer"), x, 0).nats.item()
    assert f"−log p(x) {nats:,.1f}" in shown["writer"]["lines"][0]
    model = context.store.get("broken")  # encodes and decodes all the same
    with torch.no_grad():
        z = model.encode(x)
        back = model.decode(z)
    made = pictures(shown["broken"]["sprite"])
    assert np.array_equal(made[0], np.rint(back[0].numpy() * 255))
    assert np.array_equal(made[1], np.abs(made[0].astype(int) - given.pixels))
    assert np.allclose(shown["broken"]["code"], z[0], atol=1e-3)
    assert shown["flow"]["lines"][-1] == "code: 64 numbers; 0.0 % off"


def test_numbers_of_different_spaces_stand_in_different_groups(context):
    final = call(context, "picture", "show")
    assert group_of(final, "writer") == "Likelihood of black and white pictures"
    assert group_of(final, "flow") == "Likelihood of 256 grey levels"
    assert group_of(final, "broken") == "No likelihood"


def test_the_code_shown_gives_the_likelihoods_and_the_pictures(context):
    final = call(context, "picture", "show")
    scope: dict = {}
    exec(final["code"], scope)
    shown = cards(final)
    for folder, nats in scope["nats"].items():
        assert f"{nats:,.1f}" in shown[folder.rpartition("/")[2]]["lines"][0]
    for folder, back in scope["back"].items():
        card = shown[folder.rpartition("/")[2]]
        assert np.array_equal(pictures(card["sprite"])[0], np.rint(back[0].detach().numpy() * 255))


def test_another_picture_is_the_next_on_the_shelf(context):
    final = call(context, "picture", "another", choice=15)
    assert final["choice"] == 0 and final["source"] == "sample"


@pytest.mark.parametrize(
    ("part", "kind", "begins"),
    [("samples", samples.save, b"\x89PNG"), ("half", half.save, b"\x89PNG"),
     ("picture", picture.save, b"\xef\xbb\xbfmodel,nats")],
)  # fmt: skip
def test_what_is_shown_can_be_saved(context, part, kind, begins):
    import base64

    call(context, part, "show")
    place = context.built[f"compare_{part}"]
    saved = kind(context, "writer", place.asked(), "")
    assert base64.b64decode(saved["b64"]).startswith(begins)


def test_without_any_model_the_tab_says_so(tmp_path):
    context = explorer.Context.create(tmp_path, device="cpu")
    explorer.build(context)
    status = call(context, "samples", "show", name="")["status"]
    assert status["text"].startswith("There are no models here yet")
