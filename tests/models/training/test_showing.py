"""What a run shows of itself where it draws no samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models.checkpoints import weights
from models.contract.abilities import HasAttentionMaps
from models.data import datasets
from models.training import showing, starts
from models.training.session import Session
from models.training.train import Run
from tests.models.training.test_session import Wire, pixels

LINES = "".join(f"{k} times {k} is {k * k}.\n" for k in range(800))


def begun(name, dataset, folder, plan=None, steps=3) -> Session:
    recipe = starts.start(name, "small", dataset)
    train = dataclasses.replace(recipe.train, steps=steps)
    session = Session(Wire(plan), Run(dataclasses.replace(recipe, train=train), dataset), folder)
    session.next_show = float("inf")
    return session


@pytest.fixture
def text(tmp_path):
    (tmp_path / "sums.txt").write_text(LINES, "utf-8")
    return datasets.load(str(tmp_path / "sums.txt"), "train")


def test_a_run_of_text_writes_the_same_chances_at_each_moment(text, tmp_path):
    plan = {"started": [{"do": "step"}], "step": [{"do": "go"}]}
    session = begun("text", text, tmp_path / "run", plan, steps=4)
    assert session.work() == "done" and session.makes == "texts"
    assert session.wire.of("started")[0]["makes"] == "texts"
    first, *_, last = session.wire.of("shown")
    assert first["step"] == 0 and last["step"] == 4 and first["text"] != last["text"]
    assert len(last["text"]) == showing.WRITTEN and last["pictures"] == {}
    assert last["bits"] == pytest.approx(showing.text(session.run.ema, 0)["bits"])
    assert last["held_out"]["bits_per_symbol"] < np.log2(96) + 1
    [slow] = session.wire.of("step")
    x, _ = session.run.batch(0)
    assert slow["batch"] is None and len(slow["texts"]) == 3
    assert all(text in LINES for text in slow["texts"])
    assert slow["texts"] == showing.strips(session.run.ema, x, 3)
    loaded = weights.load(tmp_path / "run")
    assert showing.made_by(loaded) == "texts"


def test_of_a_text_a_fair_sample_is_set_aside(text):
    recipe = starts.start("text", "small", text)
    run = Run(recipe, text)
    rows = {strip.numpy().tobytes(): k for k, strip in enumerate(text.images)}
    held = [rows[strip.numpy().tobytes()] for strip in run.held_out]
    learned = [rows[strip.numpy().tobytes()] for strip in run.images]
    assert sorted(held + learned) == list(range(len(text)))
    assert min(held) < len(text) // 3 and max(held) > 2 * len(text) // 3
    # Without any set aside they come as they are.
    whole = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, held_out=0))
    assert torch.equal(Run(whole, text).images, text.images)


def test_a_run_of_translations_shows_the_same_pictures_there_and_back(digits, tmp_path):
    session = begun("cyclegan", digits, tmp_path / "run")
    assert session.work() == "done" and session.makes == "translations"
    first, last = (each["pictures"] for each in session.wire.of("shown"))
    assert list(last) == ["thin to bold", "bold to thin"]
    model = session.run.ema
    x = session.held[:64].float() / 255
    for way, domain, places in zip(last, model.domains, model.belonging(x), strict=True):
        there, made, back = pixels(last[way]).reshape(3, 4, 1, 8, 8)
        assert (there == pixels(first[way]).reshape(3, 4, 1, 8, 8)[0]).all()
        begin = model.in_domain(x[places[:4]], domain)
        assert np.abs(there - 255 * begin.numpy()).max() <= 0.51
        translated = model.translate(begin, way)
        assert np.abs(made - 255 * translated.numpy()).max() <= 0.51
        [other] = set(model.directions) - {way}
        assert np.abs(back - 255 * model.translate(translated, other).numpy()).max() <= 0.51
    assert (tmp_path / "run/preview.webp").is_file()


def test_a_gan_that_attends_is_a_start_of_its_own(digits, tmp_path):
    session = begun("sagan", digits, tmp_path / "run")
    assert session.work() == "done" and session.makes == "pictures"
    model = weights.load(tmp_path / "run")
    assert isinstance(model, HasAttentionMaps) and model.attention_side == (4, 4)
    assert model.header.title == "My SAGAN, small" and model.header.family == "gan"


def test_a_model_that_makes_nothing_cannot_be_shown():
    judge = weights.build("classifier", {"image": [1, 8, 8], "width": 8})
    with pytest.raises(ValueError, match="nothing that a run could show"):
        showing.made_by(judge)


def test_a_further_start_is_of_the_family_that_its_file_names():
    assert starts.further()["sagan"] == "gan" == starts.family_of("sagan")
    assert starts.family_of("vae") == "vae" and starts.words_of("vae") == ("", "")
    assert starts.reads("text") == "texts" and starts.reads("sagan") == "pictures"
    assert "classifier" not in starts.families()
