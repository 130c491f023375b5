"""Evaluation: what is measured of whom, under which names, and what is left beside the weights."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from models.checkpoints import weights
from models.checkpoints.codes import CODES
from models.checkpoints.header import WEIGHTS, read_header
from models.checkpoints.preview import PREVIEW
from models.codes import projection
from models.codes.judged_map import features, load_features
from models.contract.random import generator
from models.data import datasets
from models.data.shapes import FACTOR_NAMES, draw_factors, render
from models.evaluation import codes as codes_module
from models.evaluation import evaluate, metrics
from models.evaluation.card import MEANING
from models.training import train
from tests.conftest import tiny_judge, tiny_recipe

# Nearly all need the three models that `measured` trains and evaluates.
pytestmark = pytest.mark.slow

LIKELIHOOD = {"nll_nats", "elbo_nats", "reconstruction_nats", "kl_nats", "effective_samples"}
QUALITY = {"fd", "fd_floor", "fd_over_floor", "kid", "kid_floor"}
QUALITY |= {"precision", "recall", "density", "coverage"}
COPIES = {"nearest_train", "nearest_test", "nearest_ratio", "nearer_to_train"}
MAP = {"trustworthiness", "knn_accuracy"}


def made(root: Path, digits, **settings) -> Path:
    wanted = tiny_recipe(evaluate={"samples": 4, "quality_n": 200}, **settings)
    return train.train(wanted, digits, root / wanted.name)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, digits) -> Path:
    """A folder of three models that were evaluated: a judge, and two kinds of VAE."""
    root = tmp_path_factory.mktemp("measured")
    judge = tiny_judge(steps=150, width=16, blocks=1, shift=0)
    train.train(judge, digits, root / "judge")
    made(root, digits, name="black-and-white", model={"latent": 2})
    grey = {"latent": 2, "likelihood": "logistic", "num_classes": -1, "prior_layers": 2}
    made(root, digits, name="grey", model=grey)
    (root / "broken").mkdir()  # of no concern to the others
    (root / "broken" / WEIGHTS).write_bytes(b"nothing")
    for name in ("judge", "black-and-white", "grey"):
        evaluate.evaluate(root / name, progress=False)
    return root


def metrics_of(folder: Path) -> dict[str, dict]:
    return read_header(folder).metrics


def test_the_names_are_those_of_what_a_model_can_do(measured):
    assert metrics_of(measured / "judge").keys() == {
        "accuracy", "mean_confidence", "calibration_error"
    }  # fmt: skip
    vae = LIKELIHOOD | QUALITY | COPIES | MAP | {"active_dimensions"}
    assert metrics_of(measured / "black-and-white").keys() == vae
    assert metrics_of(measured / "grey").keys() == vae | {"bpd", "label_accuracy"}


def test_every_entry_says_what_it_is(measured):
    for folder in ("judge", "black-and-white", "grey"):
        for name, entry in metrics_of(measured / folder).items():
            assert {"value", "stderr", "n", "space"} <= entry.keys(), name
            assert math.isfinite(entry["value"]) and entry["n"] > 0, name
            assert entry["stderr"] is None or entry["stderr"] >= 0
            assert name in MEANING or name == "effective_samples"
    for folder, space in (("black-and-white", "binary"), ("grey", "uint8")):
        found = metrics_of(measured / folder)
        for name in ("nll_nats", "elbo_nats"):
            assert found[name]["space"] == space and found[name]["n"] == 300
        assert found["nll_nats"]["kind"] == "estimate" and "K = 4" in found["nll_nats"]["note"]
        assert found["elbo_nats"]["kind"] == "lower bound"
        for name in QUALITY:
            assert "judge" in found[name]["space"] and found[name]["n"] == 200


def test_the_numbers_hang_together(measured):
    value = {name: entry["value"] for name, entry in metrics_of(measured / "grey").items()}
    assert value["bpd"] == pytest.approx(value["nll_nats"] / (64 * math.log(2)))
    assert value["fd_over_floor"] == pytest.approx(value["fd"] / value["fd_floor"])
    for name in ("black-and-white", "grey"):
        value = {k: entry["value"] for k, entry in metrics_of(measured / name).items()}
        assert value["elbo_nats"] < -value["nll_nats"] < 0 < value["kl_nats"]
        split = value["reconstruction_nats"] - value["kl_nats"]
        assert value["elbo_nats"] == pytest.approx(split, rel=1e-4)
        assert 1 <= value["effective_samples"] <= 4
        assert value["active_dimensions"] in (0, 1, 2)
        assert 0 <= value["trustworthiness"] <= 1 and 0.1 < value["knn_accuracy"] <= 1
    kept = load_features(measured / "judge")
    assert len(kept) == len(kept.labels) and kept.coordinates.shape == (len(kept), 2)
    judge, test = weights.load(measured / "judge"), datasets.load("digits", "test")
    expected = features(judge, test.images[torch.from_numpy(kept.indices)])
    assert np.abs(kept.codes - expected).max() < 1e-2 and kept.codes.std() > 0
    assert np.array_equal(kept.labels, test.labels.numpy()[kept.indices])
    assert metrics_of(measured / "judge")["accuracy"]["value"] > 0.6


def test_likelihoods_are_the_models_own(measured):
    folder = measured / "black-and-white"
    model = weights.load(folder)
    images = datasets.load("digits", "test").images.float() / 255
    found = metrics_of(folder)
    # Another seed and another number of samples: within the errors, the same bound.
    with torch.no_grad():
        again = model.log_likelihood(images, generator(99), samples=16)
    elbo = again.details["elbo"].mean().item()
    error = found["elbo_nats"]["stderr"]
    assert error == pytest.approx(again.details["elbo"].std().item() / math.sqrt(300), rel=0.25)
    assert found["elbo_nats"]["value"] == pytest.approx(elbo, abs=4 * error)
    assert found["elbo_nats"]["value"] != elbo


def test_a_conditional_model_is_told_the_class(measured):
    folder = measured / "grey"
    model, test = weights.load(folder), datasets.load("digits", "test")
    x = test.images.float() / 255
    with torch.no_grad():
        elbo = {
            name: model.log_likelihood(x, generator(0), samples=64, label=labels)
            .details["elbo"]
            .mean()
            .item()
            for name, labels in (("right", test.labels), ("none", None))
        }
    found = metrics_of(folder)["elbo_nats"]["value"]
    assert abs(found - elbo["right"]) < abs(found - elbo["none"]) / 3


def test_a_model_that_writes_by_class_tells_the_class_by_bayes_rule(tmp_path, digits):
    """Against the same by hand: log p(x | y) of every class, one picture drawn for all of them."""
    wanted = dataclasses.replace(
        tiny_recipe(
            name="by-class", family="autoregressive",
            train={"steps": 150, "batch_size": 64, "learning_rate": 0.02},
        ),
        model={"network": "fvsbn", "num_classes": -1},
    )  # fmt: skip
    folder = train.train(wanted, digits, tmp_path / wanted.name)
    evaluate.evaluate(folder, n=200, only=("likelihood",), progress=False)
    found, model, test = metrics_of(folder), weights.load(folder), datasets.load("digits", "test")
    nats, given = [], []
    for index in range(4):
        part = slice(50 * index, 50 * index + 50)
        x = model.observed(test.images[part].float() / 255, generator(0, index))
        each = torch.stack([
            model.log_likelihood(x, generator(0), label=k, binarise=False).nats for k in range(10)
        ], 1)  # fmt: skip
        nats.append(each)
        given.append(each[torch.arange(50), test.labels[part]])
    nats, given = torch.cat(nats), torch.cat(given)
    right = (nats.argmax(1) == test.labels[:200]).float().mean().item()
    assert right > 0.6  # ten classes
    assert found["class_accuracy"]["value"] == pytest.approx(right)
    free = -(nats.logsumexp(1) - math.log(10)).mean().item()
    assert found["nll_nats.any_class"]["value"] == pytest.approx(free, rel=1e-5)
    assert found["nll_nats"]["value"] == pytest.approx(-given.mean().item(), rel=1e-5)
    assert found["nll_nats"]["note"] == "given its class"
    assert 0 < free + given.mean().item() < math.log(10)  # a class tells at most so much


def test_the_codes_are_kept_with_their_map(measured):
    folder = measured / "black-and-white"
    kept = load_file(folder / CODES)
    test = datasets.load("digits", "test")
    assert kept.keys() == {"codes", "map", "labels", "kl"}
    assert torch.equal(kept["labels"].long(), test.labels)
    with torch.no_grad():
        z = weights.load(folder).encode(test.images.float() / 255)
    torch.testing.assert_close(kept["codes"].float(), z, atol=2e-2, rtol=2e-3)
    # A code of two numbers is its own map.
    torch.testing.assert_close(kept["map"], z, atol=2e-2, rtol=2e-3)
    assert kept["kl"].shape == (2,) and kept["kl"].dtype == torch.float32
    kl = metrics_of(folder)["kl_nats"]["value"]
    assert kept["kl"].sum().item() == pytest.approx(kl, rel=1e-3)
    with safe_open(folder / CODES, "np") as tensors:
        about = tensors.metadata()
    assert (about["data"], about["split"], about["n"]) == ("digits", "test", "300")


def test_longer_codes_are_mapped(tiny_vae, tmp_path, monkeypatch):
    asked = []
    fit = projection.fit_map

    def fit_map(codes, method="umap", *arguments, **named):
        asked.append((codes.shape, method))
        return fit(codes, "pca", *arguments, **named)  # umap itself is tested where it lives

    monkeypatch.setattr(projection, "fit_map", fit_map)
    folder = Path(shutil.copytree(tiny_vae, tmp_path / "tiny"))
    header = evaluate.evaluate(folder, n=20, samples=2, progress=False)
    assert asked == [((300, 4), "umap")]
    assert load_file(folder / CODES)["map"].shape == (300, 2)
    # No judge for it in its folder: nothing is compared, nothing is made up.
    assert not QUALITY & header.metrics.keys()
    assert header.metrics["nll_nats"]["n"] == 20
    assert header.metrics["knn_accuracy"]["n"] == 300


def test_the_preview_is_what_seed_0_samples(measured):
    folder = measured / "black-and-white"
    with Image.open(folder / PREVIEW) as image:
        assert image.format == "WEBP"
        sheet = np.array(image.convert("L"))
    assert sheet.shape == (64, 64)
    drawn = weights.load(folder).sample(64, generator(0)) * 255
    assert np.abs(sheet[8:16, 16:24] - drawn[10, 0].numpy()).max() <= 1.01  # second row, third
    assert not list(measured.glob("judge/preview.webp"))


def test_the_card_is_written_anew(measured):
    text = (measured / "grey" / "card.md").read_text("utf-8")
    value = metrics_of(measured / "grey")["nll_nats"]["value"]
    assert f"| `nll_nats` | {value:.2f} ± " in text and "Nothing yet" not in text


def test_a_dry_run_measures_the_same_and_writes_nothing(measured):
    folder = measured / "grey"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    header = evaluate.evaluate(folder, write=False, progress=False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for name, entry in metrics_of(folder).items():
        assert header.metrics[name]["value"] == pytest.approx(entry["value"], rel=1e-4), name


def test_weights_stay_as_they_are(measured, digits):
    folder = measured / "judge"
    before = load_file(folder / WEIGHTS)
    evaluate.evaluate(folder, n=10, progress=False)
    after = load_file(folder / WEIGHTS)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert metrics_of(folder)["accuracy"]["n"] == 10


def test_known_factors_are_looked_for(digits):
    """On shapes the gap is measured; a model that reads the factors off has a large one."""
    factors = draw_factors(400, 0)
    shapes = datasets.Dataset(
        "shapes",
        "test",
        torch.from_numpy(render(factors)),
        torch.from_numpy(factors[:, 0]).long(),
        ("square", "ellipse", "triangle"),
        torch.from_numpy(factors),
        FACTOR_NAMES,
    )

    class Knows(torch.nn.Module):
        device, codes = "cpu", torch.from_numpy(factors)

        def encode(self, x):
            part, self.codes = self.codes[: len(x)], self.codes[len(x) :]
            return part

        def embed(self, z):
            return z

    class Fit:
        def fit_map(codes, method):
            return codes[:, 4:]

    results = evaluate_codes(Knows(), shapes, Fit.fit_map)
    entry = results["mig"]
    expected = metrics.mutual_information_gap(factors, factors)
    assert entry["value"] == pytest.approx(expected.value) and entry["value"] > 0.5
    assert entry["per_factor"].keys() == set(FACTOR_NAMES)
    assert entry["stderr"] > 0 and entry["n"] == 400


def evaluate_codes(model, test, fit_map):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "fit_map", fit_map)
        return codes_module.codes(model, test, None, None, False)


def test_a_judge_is_found_beside_the_model_or_among_the_shipped(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "SHIPPED", tmp_path)
    beside = evaluate.find_judge("digits", measured)
    assert beside is not None and not beside.training
    assert evaluate.find_judge("mnist", measured) is None
    assert evaluate.find_judge("digits", tmp_path) is None
    monkeypatch.setattr(evaluate, "SHIPPED", measured)
    assert evaluate.find_judge("digits", tmp_path) is not None


def test_one_part_alone_leaves_the_rest_as_it_is(measured, tmp_path):
    shutil.copytree(measured, tmp_path / "m", ignore=shutil.ignore_patterns("broken"))
    folder = tmp_path / "m" / "black-and-white"
    before, kl = metrics_of(folder), load_file(folder / CODES)["kl"]
    evaluate.evaluate(folder, only=["quality"], seed=1, progress=False)
    after = metrics_of(folder)
    assert after["fd"] != before["fd"]
    for name in LIKELIHOOD | MAP:
        assert after[name] == before[name]
    # Codes alone keep the activity that the likelihood measured.
    evaluate.evaluate(folder, only=["codes"], progress=False)
    assert torch.equal(load_file(folder / CODES)["kl"], kl)
