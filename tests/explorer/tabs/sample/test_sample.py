"""The Sample tab's handlers, without a page."""

from __future__ import annotations

import asyncio
import base64
import io
import math
import zipfile

import numpy as np
import pytest
import torch
from gradio.state_holder import SessionState
from PIL import Image

import explorer
from explorer.components.picture_input.picture_input import as_seen
from explorer.page.code import explanation
from explorer.page.part import Asked, Part, settled
from explorer.pictures.images import ImageError
from explorer.pictures.received import read_picture
from explorer.server.words import facts
from explorer.tabs import sample
from explorer.tabs.sample.nearest import nearest_training_image
from models.contract.random import generator
from models.data import datasets
from tests import toys

ANY = sample.ANY
ASKED = Asked(
    seed=0, count=64, temperature=1.0, label=ANY, steps=None, guidance=None, truncation=None,
    index=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    toys.write(folder, "classes", num_classes=10)
    toys.write(folder, "digits", image=(1, 8, 8), data="digits")
    toys.write(folder, "strange", data="data-that-nobody-has")
    return explorer.Context.create(folder, device="cpu")


def pictures(payload: dict) -> np.ndarray:
    """(N, C, H, W) uint8 of a sprite."""
    raw = np.frombuffer(base64.b64decode(payload["b64"]), np.uint8)
    return raw.reshape(payload["n"], payload["h"], payload["w"], payload["c"]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"seed": None}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": "seven"}, "seed must be a whole number"),
        ({"seed": float("nan")}, "seed must be a whole number"),
        ({"seed": float("inf")}, "seed must be a whole number"),
        ({"count": 0}, "1 to 400 pictures"),
        ({"count": 100_000}, "1 to 400 pictures"),
        ({"count": None}, "1 to 400 pictures"),
        ({"temperature": float("nan")}, "temperature must be a number from 0 to 2"),
        ({"temperature": -0.1}, "temperature must be a number from 0 to 2"),
        ({"temperature": None}, "temperature must be a number from 0 to 2"),
    ],
)
def test_bad_input_is_one_sentence_and_the_grid_stays(context, wrong, sentence):
    asked = ASKED.but(index=0, **wrong)
    for handler in (sample.show, sample.look, sample.hand_over):
        with pytest.raises(ValueError, match=sentence):
            settled(handler(context, "toy", asked))
    with pytest.raises(ValueError, match=sentence):
        sample.save(context, "toy", asked, "png")


def test_the_preview_needs_no_model_and_equals_what_the_model_draws(context):
    shown = pictures(settled(sample.show(context, "toy", ASKED)).grid)
    assert not context.store.loaded
    drawn = sample.draw(context, "toy", sample.Settings())
    assert np.array_equal(shown, drawn.images)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("toy", {}),
        ("toy", {"seed": 5, "count": 7, "temperature": 0.35}),
        ("classes", {"seed": 3, "count": 9, "temperature": 1.2, "label": 4}),
        ("classes", {"seed": 3, "count": 9, "temperature": 1.2}),
    ],
)
def test_the_code_shown_gives_what_is_on_screen(context, name, changes):
    shown = settled(sample.show(context, name, ASKED.but(**changes)))
    scope: dict = {}
    exec(shown.code, scope)
    images = (scope["images"] * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(images, pictures(shown.grid))


def test_a_class_of_another_model_is_dropped_on_arrival(context):
    choice = settled(sample.arrive(context, "toy", ASKED.but(label=7))).label
    assert choice.value == ANY and choice.visible is False
    choice = settled(sample.arrive(context, "classes", ASKED.but(label=7))).label
    assert choice.value == 7 and len(choice.choices) == 11


WALK = ASKED.but(seed=3, count=2, label=5, steps=7, guidance=3.0)


# -- models that walk from noise to picture in steps -------------------------------------------


@pytest.fixture(scope="module")
def walking(tmp_path_factory) -> explorer.Context:
    folder = tmp_path_factory.mktemp("walking")
    toys.write(folder, "toy")
    toys.write_walker(folder, "walker")
    return explorer.Context.create(folder, device="cpu")


def test_steps_and_guidance_are_offered_where_a_model_walks(walking):
    for name, there in (("toy", False), ("walker", True)):
        first = next(sample.arrive(walking, name, ASKED.but(count=4)))
        assert (first.steps.visible, first.guidance.visible, first.stop.visible) == (there,) * 3
    assert first.steps.value == 4, "as many as the model takes by itself"


def test_steps_and_guidance_reach_the_model(walking):
    header = walking.store.header("walker")
    settings = sample.read_settings(header, WALK)
    assert settings.knobs() == {"steps": 7, "guidance": 3.0}
    parts = list(sample.draws(walking, "walker", settings))
    assert len(parts) == 8, "a frame for each step and one for the end"
    model = walking.store.get("walker")
    want = model.sample(2, generator(3), 5, steps=7, guidance=3.0)
    assert np.array_equal(parts[-1][1].images, (want * 255).round().byte().numpy())


def test_a_link_to_steps_means_nothing_to_a_model_without_them(walking):
    header = walking.store.header("toy")
    assert sample.read_settings(header, WALK.but(label=ANY)).knobs() == {}
    own = sample.read_settings(walking.store.header("walker"), ASKED.but(steps=4, guidance=1.0))
    assert own == sample.Settings(), "its own settings show the shipped samples"


@pytest.mark.parametrize(
    ("steps", "guidance", "word"),
    [(0, 1.0, "steps"), (math.nan, 1.0, "steps"), (2.5, 1.0, "steps"), (201, 1.0, "steps"),
     (4, -1.0, "uidance"), (4, math.nan, "uidance"), (4, 9.0, "uidance"), (4, "x", "uidance")],
)  # fmt: skip
def test_impossible_walks_get_a_sentence(walking, steps, guidance, word):
    asked = ASKED.but(count=4, steps=steps, guidance=guidance)
    with pytest.raises(ValueError, match=word):
        settled(sample.show(walking, "walker", asked))


def test_the_code_of_a_walk_is_true(walking):
    settings = sample.read_settings(walking.store.header("walker"), WALK)
    found: dict = {}
    exec(sample.code_of(walking, "walker", settings), found)
    drawn = sample.draw(walking, "walker", settings).images
    assert np.array_equal((found["images"] * 255).round().byte().numpy(), drawn)


def test_sampling_again_takes_the_next_seed_even_after_nonsense(context):
    assert next(sample.again(context, "toy", ASKED.but(seed=4, count=3))).seed == 5
    assert next(sample.again(context, "toy", ASKED.but(seed=None, count=3))).seed == 0


def part_of(context: explorer.Context) -> Part:
    explorer.build(context)
    return context.built["sample"]


def test_stop_can_be_pressed_while_something_is_drawn_and_only_then(walking):
    part = part_of(walking)
    asked = part.asked(count=4, steps=4)
    stops = [
        each.stop.interactive
        for each in part.call("again", None, "walker", asked) if "stop" in each
    ]  # fmt: skip
    assert stops == [True, False] and part.shows["stop"].interactive is False
    assert [stop.interactive for each in part.call("show", None, "walker", asked.but(seed=-1))
            if (stop := each.get("stop"))] == [False]  # fmt: skip


def test_a_newer_wish_ends_the_walk_before_and_stop_ends_any(walking):
    part = part_of(walking)
    older = part.call("show", None, "walker", part.asked(seed=8, count=4, steps=100))
    next(older), next(older)
    newer = part.call("show", None, "walker", part.asked(seed=8, count=4, steps=5))
    next(newer)
    assert "grid" not in settled(older)
    assert "4 pictures" in settled(newer).status["text"]
    # Every control of a draw is listened to as it moves, by pointer or by key, not when let go.
    events = [
        {(part.context.page.blocks[block], event) for block, event in each.targets}
        for each in part.context.page.fns.values()
        if part.shows["grid"] in each.outputs
    ]
    drawing = ("seed", "count", "temperature", "label", "steps", "guidance", "truncation")
    assert {(part.asks[name], "input") for name in drawing} in events


def test_a_number_typed_beyond_a_sliders_ends_is_drawn_as_the_end_that_it_becomes(walking):
    part = part_of(walking)
    page, count = part.context.page, part.asks["count"]
    [event] = [
        each for each in page.fns.values()
        if (count._id, "input") in each.targets and part.shows["grid"] in each.outputs
    ]  # fmt: skip
    place = list(event.inputs).index(count)
    for typed, kept in ((1000, 400), (0, 1), (-5, 1), (None, 1), (65, 65)):
        values = [getattr(block, "value", None) for block in event.inputs]
        values[place] = typed
        read = asyncio.run(page.preprocess_data(event, values, SessionState(page)))
        assert read[place] == kept


def test_a_close_look_tells_the_code(context):
    asked = ASKED.but(index=2, seed=9, count=5, temperature=0.8)
    shown = settled(sample.look(context, "toy", asked))
    value = shown.close
    rng = generator(9)
    model = context.store.get("toy")
    frame = next(iter(model.sample_steps(5, rng, temperature=0.8)))
    assert np.allclose(value["code"], frame.info["z"][2], atol=1e-4)
    assert "nearest" not in value and "not on this server" in value["nearest_note"]
    assert shown.hand.interactive
    assert list(sample.look(context, "toy", asked.but(index=5))) == []
    assert list(sample.look(context, "toy", asked.but(index=None))) == []


def test_the_code_handed_over_decodes_to_the_picture(context):
    asked = ASKED.but(index=3, seed=9, count=5, temperature=0.8)
    handed = sample.hand_over(context, "toy", asked).handed
    with torch.no_grad():
        image = context.store.get("toy").decode(torch.tensor([handed["z"]]))
    drawn = sample.draw(context, "toy", sample.Settings(9, 5, 0.8)).images[3]
    assert np.array_equal((image[0] * 255).round().byte().numpy(), drawn)
    assert handed["model"] == "toy" and "seed 9" in handed["source"]


def test_the_nearest_training_picture_of_a_training_picture_is_itself(context):
    train = datasets.load("digits", "train")
    found = nearest_training_image(context, "digits", train.images[123].numpy())
    assert np.array_equal(found.image, train.images[123].numpy())
    assert "0.0%" in found.note and f"{len(train):,}" in found.note


def test_without_the_data_a_sentence_says_so(context):
    found = nearest_training_image(context, "strange", np.zeros((1, 28, 28), np.uint8))
    assert found.image is None and "not on this server" in found.note


def test_what_is_saved_is_what_is_shown(context):
    asked = ASKED.but(seed=1, count=6)
    file = sample.save(context, "toy", asked, "zip")
    drawn = sample.draw(context, "toy", sample.Settings(1, 6)).images
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(file["b64"]))) as archive:
        names = archive.namelist()
        assert len(names) == 6
        for image, name in zip(drawn, names, strict=True):
            assert np.array_equal(np.asarray(Image.open(archive.open(name))), image[0])
    file = sample.save(context, "toy", asked, "png")
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(file["b64"]))).convert("L"))
    large = np.kron(drawn[0, 0], np.ones((4, 4), np.uint8))
    H, W = large.shape
    assert any(
        np.array_equal(sheet[y : y + H, x : x + W], large) for y in range(9) for x in range(9)
    )


def test_a_card_in_the_picker_states_facts(context):
    assert facts(context.store.header("toy")) == "MNIST · 5 k parameters · 81.2 nats"


def test_the_explanation_is_the_familys_own_docstring():
    from models.families.vae import vae

    assert explanation("vae").split() == vae.__doc__.split()


def drawing(pixels: np.ndarray, **more) -> dict:
    text = base64.b64encode(pixels.tobytes()).decode()
    return {"kind": "drawing", "b64": text, "W": pixels.shape[1], "H": pixels.shape[0], "C": 1,
            "polarity": "keep", **more}  # fmt: skip


def test_a_drawing_becomes_what_the_model_reads(context):
    pixels = np.zeros((112, 112), np.uint8)
    pixels[10:60, 20:30] = 255
    prepared = read_picture(drawing(pixels), context.store.header("toy"))
    assert prepared.pixels.shape == (1, 28, 28) and prepared.polarity == "kept"
    rows = np.flatnonzero(prepared.pixels[0].sum(1) > 0.5)
    assert 18 <= len(rows) <= 22  # scaled into the 20 pixels of MNIST
    assert as_seen(prepared)["note"] == prepared.note


def test_an_upload_goes_through_the_gate(context):
    header = context.store.header("toy")
    file = io.BytesIO()
    Image.new("L", (50, 50), 255).save(file, "PNG")
    value = {"kind": "file", "name": "a.png", "b64": base64.b64encode(file.getvalue()).decode()}
    assert read_picture(value, header).pixels.shape == (1, 28, 28)
    assert read_picture(None, header) is None and read_picture("", header) is None
    for bad in ({**value, "b64": "AAAA"}, {**value, "b64": "%%%"}, {"kind": "drawing"}, "text", 7):
        with pytest.raises(ImageError):
            read_picture(bad, header)


def test_results_are_kept_only_so_long():
    from explorer.server.cache import Recent

    recent = Recent(2)
    for key in "aba":
        recent.put(key, key)
    recent.put("c", "c")
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ("a", None, "c")


def test_a_model_of_more_steps_than_the_slider_has_can_be_shown(tmp_path):
    toys.write_walker(tmp_path, "long", steps=400)
    context = explorer.Context.create(tmp_path, device="cpu")
    steps = next(sample.arrive(context, "long", ASKED.but(count=4))).steps
    assert steps.value == sample.MOST_STEPS
