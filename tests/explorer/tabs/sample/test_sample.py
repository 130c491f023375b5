"""The Sample tab's handlers, without a page."""

from __future__ import annotations

import base64
import io
import math
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.components.picture_input.picture_input import as_seen
from explorer.page.code import explanation
from explorer.pictures.images import ImageError
from explorer.pictures.received import read_picture
from explorer.server.words import facts
from explorer.tabs import sample
from explorer.tabs.sample.nearest import nearest_training_image
from models.contract.random import generator
from models.data import datasets
from tests import toys

ANY = sample.ANY


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


def last(steps) -> tuple:
    return list(steps)[-1]


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ((None, 64, 1.0, ANY), "seed must be a whole number"),
        ((1.5, 64, 1.0, ANY), "seed must be a whole number"),
        ((-1, 64, 1.0, ANY), "seed must be a whole number"),
        (("seven", 64, 1.0, ANY), "seed must be a whole number"),
        ((float("nan"), 64, 1.0, ANY), "seed must be a whole number"),
        ((float("inf"), 64, 1.0, ANY), "seed must be a whole number"),
        ((0, 0, 1.0, ANY), "1 to 400 pictures"),
        ((0, 100_000, 1.0, ANY), "1 to 400 pictures"),
        ((0, None, 1.0, ANY), "1 to 400 pictures"),
        ((0, 64, float("nan"), ANY), "temperature must be a number from 0 to 2"),
        ((0, 64, -0.1, ANY), "temperature must be a number from 0 to 2"),
        ((0, 64, None, ANY), "temperature must be a number from 0 to 2"),
    ],
)
def test_bad_input_is_one_sentence_and_the_grid_stays(context, controls, sentence):
    steps = list(sample.show(context, "toy", *controls))
    assert len(steps) == 1
    grid, status, code = steps[0]
    assert status["kind"] == "problem" and sentence in status["text"]
    assert "__type__" in grid and "value" not in grid
    assert "__type__" in code


def test_the_preview_needs_no_model_and_equals_what_the_model_draws(context):
    shown = pictures(last(sample.show(context, "toy", 0, 64, 1.0, ANY))[0])
    drawn = sample.draw(context, "toy", sample.Settings())
    assert np.array_equal(shown, drawn.images)


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("toy", (0, 64, 1.0, ANY)),
        ("toy", (5, 7, 0.35, ANY)),
        ("classes", (3, 9, 1.2, 4)),
        ("classes", (3, 9, 1.2, ANY)),
    ],
)
def test_the_code_shown_gives_what_is_on_screen(context, name, controls):
    grid, _, code = last(sample.show(context, name, *controls))
    scope: dict = {}
    exec(code, scope)
    images = (scope["images"] * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(images, pictures(grid))


def test_a_class_of_another_model_is_dropped_on_arrival(context):
    choice = next(iter(sample.arrive(context, "toy", 0, 64, 1.0, 7)))[3]
    assert choice.value == ANY and choice.visible is False
    choice = next(iter(sample.arrive(context, "classes", 0, 64, 1.0, 7)))[3]
    assert choice.value == 7 and len(choice.choices) == 11


# -- models that walk from noise to picture in steps -------------------------------------------


@pytest.fixture(scope="module")
def walking(tmp_path_factory) -> explorer.Context:
    folder = tmp_path_factory.mktemp("walking")
    toys.write(folder, "toy")
    toys.write_walker(folder, "walker")
    return explorer.Context.create(folder, device="cpu")


def test_steps_and_guidance_are_offered_where_a_model_walks(walking):
    for name, there in (("toy", False), ("walker", True)):
        first = next(iter(sample.arrive(walking, name, 0, 4, 1.0, ANY)))
        steps, guidance, stop = first[4], first[5], first[-1]
        assert (steps.visible, guidance.visible, stop.visible) == (there,) * 3
    assert steps.value == 4, "as many as the model takes by itself"


def test_steps_and_guidance_reach_the_model(walking):
    header = walking.store.header("walker")
    settings = sample.read_settings(header, 3, 2, 1.0, 5, 7, 3.0)
    assert settings.knobs() == {"steps": 7, "guidance": 3.0}
    parts = list(sample.draws(walking, "walker", settings))
    assert len(parts) == 8, "a frame for each step and one for the end"
    model = walking.store.get("walker")
    want = model.sample(2, generator(3), 5, steps=7, guidance=3.0)
    assert np.array_equal(parts[-1][1].images, (want * 255).round().byte().numpy())


def test_a_link_to_steps_means_nothing_to_a_model_without_them(walking):
    header = walking.store.header("toy")
    assert sample.read_settings(header, 3, 2, 1.0, ANY, 7, 3.0).knobs() == {}
    own = sample.read_settings(walking.store.header("walker"), 0, 64, 1.0, ANY, 4, 1.0)
    assert own == sample.Settings(), "its own settings show the shipped samples"


@pytest.mark.parametrize(
    ("steps", "guidance", "word"),
    [(0, 1.0, "steps"), (math.nan, 1.0, "steps"), (2.5, 1.0, "steps"), (201, 1.0, "steps"),
     (4, -1.0, "uidance"), (4, math.nan, "uidance"), (4, 9.0, "uidance"), (4, "x", "uidance")],
)  # fmt: skip
def test_impossible_walks_get_a_sentence(walking, steps, guidance, word):
    ((_, status, _),) = sample.show(walking, "walker", 0, 4, 1.0, ANY, steps, guidance)
    assert status["kind"] == "problem" and word in status["text"]


def test_the_code_of_a_walk_is_true(walking):
    settings = sample.read_settings(walking.store.header("walker"), 3, 2, 1.0, 5, 7, 3.0)
    found: dict = {}
    exec(sample.snippet(walking, "walker", settings), found)
    drawn = sample.draw(walking, "walker", settings).images
    assert np.array_equal((found["images"] * 255).round().byte().numpy(), drawn)


def test_sampling_again_takes_the_next_seed_even_after_nonsense(context):
    assert next(sample.again(context, "toy", 4, 3, 1.0, ANY))[-1] == 5
    assert next(sample.again(context, "toy", None, 3, 1.0, ANY))[-1] == 0


def test_a_close_look_tells_the_code(context):
    steps = list(sample.look(context, "toy", 2, 9, 5, 0.8, ANY))
    value, button = steps[-1]
    rng = generator(9)
    model = context.store.get("toy")
    frame = next(iter(model.sample_steps(5, rng, temperature=0.8)))
    assert np.allclose(value["code"], frame.info["z"][2], atol=1e-4)
    assert "nearest" not in value and "--data-dir" in value["nearest_note"]
    assert button.interactive
    assert list(sample.look(context, "toy", 5, 9, 5, 0.8, ANY)) == []
    assert list(sample.look(context, "toy", None, 9, 5, 0.8, ANY)) == []


def test_the_code_handed_over_decodes_to_the_picture(context):
    handed = sample.hand_over(context, "toy", 3, 9, 5, 0.8, ANY)
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


def test_without_the_data_a_sentence_says_how(context):
    found = nearest_training_image(context, "strange", np.zeros((1, 28, 28), np.uint8))
    assert found.image is None and "data-that-nobody-has" in found.note


def test_what_is_saved_is_what_is_shown(context):
    file, _ = sample.save(context, "zip", "toy", 1, 6, 1.0, ANY)
    drawn = sample.draw(context, "toy", sample.Settings(1, 6)).images
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(file["b64"]))) as archive:
        names = archive.namelist()
        assert len(names) == 6
        for image, name in zip(drawn, names, strict=True):
            assert np.array_equal(np.asarray(Image.open(archive.open(name))), image[0])
    file, _ = sample.save(context, "png", "toy", 1, 6, 1.0, ANY)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(file["b64"]))).convert("L"))
    large = np.kron(drawn[0, 0], np.ones((4, 4), np.uint8))
    H, W = large.shape
    assert any(
        np.array_equal(sheet[y : y + H, x : x + W], large) for y in range(9) for x in range(9)
    )
    assert sample.save(context, "png", "toy", -1, 6, 1.0, ANY)[1]["kind"] == "problem"


def test_a_card_in_the_picker_states_facts(context):
    assert facts(context.store.header("toy")) == "MNIST · 5 k parameters · 81.2 nats"


def test_the_explanation_is_the_familys_own_docstring():
    from models.families import vae

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


def test_only_large_work_borrows_a_gpu_and_only_where_one_is_lent(context, monkeypatch):
    from explorer.server import zerogpu

    lent = []

    def on_gpu(folder, settings):
        lent.append(folder)
        return sample._steps(context.store.get("toy"), settings)

    monkeypatch.setattr(sample, "_on_lent_gpu", on_gpu)
    monkeypatch.setattr(zerogpu, "LARGE", 1000)
    plain = sample.draw(context, "toy", sample.Settings(77, 2))
    assert lent == []
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    context.recent.put(("sample", "toy", sample.Settings(77, 2)), None)
    assert np.array_equal(sample.draw(context, "toy", sample.Settings(77, 2)).images, plain.images)
    assert lent == [str(context.store.header("toy").folder)]


def test_the_spaces_decorator_is_used_where_the_package_is(monkeypatch):
    import sys
    from types import SimpleNamespace

    from explorer.server import zerogpu

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=lambda fn: ("lent", fn)))
    assert zerogpu.borrows_gpu(len) == ("lent", len)
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zerogpu.borrows_gpu(len) is len


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
    steps = next(iter(sample.arrive(context, "long", 0, 4, 1.0, ANY)))[4]
    assert steps.value == sample.MOST_STEPS
