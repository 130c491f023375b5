"""What is measured of a translation, each number computed another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.data.datasets import digits
from models.evaluation import evaluate, metrics
from models.evaluation.card import card, meaning, models_table
from tests import toys

EACH = {"cycle_error", "cycle_error_noisy", "fd_over_floor"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_translator(folder, "outlines")
    toys.write_translator(folder, "strokes", "strokes")
    toys.write_judge(folder, "judge")
    for name in ("outlines", "strokes"):
        evaluate.evaluate(folder / name, progress=False)
    return folder


def parts(folder, name):
    """The model, its test pictures as the data set has them, of either domain, with labels."""
    model, test = weights.load(folder / name), digits("test")
    x = test.images.float() / 255
    return model, [(x[k], test.labels[k]) for k in model.belonging(x)]


def test_the_names_follow_from_what_is_known_of_the_domains(folder):
    named = {name.rsplit(".", 1)[0] for name in read_header(folder / "outlines").metrics}
    assert named == EACH | {"pair_error", "pair_error_mean", "label_kept", "nll_nats"}
    outlines = read_header(folder / "outlines").metrics
    assert "label_kept.back" not in outlines, "a judge has never seen an outline"
    strokes = read_header(folder / "strokes").metrics
    assert {name.rsplit(".", 1)[0] for name in strokes} == EACH | {"label_kept", "nll_nats"}
    for name, entry in strokes.items():
        assert meaning(name) and (entry["n"] and entry["space"]), name
    assert strokes["cycle_error.back"]["note"] == "bold to thin"


@pytest.mark.parametrize("way", [0, 1])
def test_errors_are_mean_differences_of_a_pixel(folder, way):
    model, both = parts(folder, "outlines")
    x, _ = both[way]
    source, target = model.domains[way], model.domains[1 - way]
    begun, counterpart = model.in_domain(x, source), model.in_domain(x, target)
    there = model.translate(begun, model.directions[way])
    back = model.translate(there, model.directions[1 - way])
    found = read_header(folder / "outlines").metrics
    suffix = ("there", "back")[way]
    for name, off in (("cycle_error", back - begun), ("pair_error", there - counterpart)):
        each = off.abs().mean((1, 2, 3)).double().numpy()
        entry = found[f"{name}.{suffix}"]
        assert entry["value"] == pytest.approx(each.mean(), rel=1e-5) and entry["n"] == len(x)
        assert entry["stderr"] == pytest.approx(each.std(ddof=1) / len(x) ** 0.5, rel=1e-4)
    assert found[f"cycle_error_noisy.{suffix}"]["value"] > 0


def test_a_judge_compares_with_real_pictures_of_the_other_domain(folder):
    model, both = parts(folder, "strokes")
    judge = weights.load(folder / "judge")
    thin, labels = both[0]
    made = model.translate(thin, "thin to bold")
    found = read_header(folder / "strokes").metrics
    with torch.no_grad():
        kept = (judge.classify(made).argmax(1) == labels).double().mean()
    assert found["label_kept.there"]["value"] == pytest.approx(kept.item(), abs=1e-6)

    train = digits("train").images.float() / 255
    real = metrics.real_features(both[1][0], train[model.belonging(train)[1]], judge, None)
    n = found["fd_over_floor.there"]["n"]
    assert n == min(len(made), len(real))
    with torch.no_grad():
        features = judge.features(made[:n]).double().numpy()
    wanted = metrics.frechet_distance(features, real.cut(n).test) / real.cut(n).floor
    assert found["fd_over_floor.there"]["value"] == pytest.approx(wanted, rel=1e-3)


def test_card_table_and_preview_say_it(folder):
    header = read_header(folder / "outlines")
    text = card(header)
    assert "outline to picture" in text and "image-to-image" in text
    assert "outline to picture: Fréchet distance" in models_table([header])
    sheet = np.asarray(Image.open(folder / "outlines" / "preview.webp").convert("L"))
    model = weights.load(folder / "outlines")
    x = digits("test").images[:512].float() / 255
    x = model.in_domain(x[model.belonging(x)[0]][:8], "outline")
    rows = sheet.reshape(8, 8, 8, 8).swapaxes(1, 2).astype(int)
    assert np.abs(rows[0] - (x[:, 0] * 255).numpy()).max() <= 1
    there = model.translate(x, "outline to picture")[:, 0] * 255
    assert np.abs(rows[1] - there.numpy()).max() <= 1
