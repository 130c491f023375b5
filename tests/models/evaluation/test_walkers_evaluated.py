"""Evaluation of models whose codes are as long as a picture, and which sample in steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.checkpoints import weights
from models.checkpoints.codes import CODES, load_map
from models.data import datasets
from models.evaluation import codes, evaluate, samples
from models.evaluation.batches import faster
from models.evaluation.card import MEANING
from models.training import train
from tests.conftest import tiny_recipe
from tests.models.evaluation.test_evaluate import measured, metrics_of  # noqa: F401

pytestmark = pytest.mark.slow  # the models that they evaluate are trained first


@pytest.fixture(scope="module")
def walked(measured, digits) -> Path:  # noqa: F811
    """A tiny diffusion model of 8 x 8 digits, evaluated with codes that count as long."""
    small = {"width": 8, "middle": 1, "halvings": 0, "steps": 4, "num_classes": -1}
    wanted = tiny_recipe(
        name="walker",
        family="diffusion",
        train={"steps": 60},
        evaluate={"samples": 2, "quality_n": 100, "n": 10, "guidance": 3.0},
    )
    wanted.model.clear()
    wanted.model.update(small)
    folder = train.train(wanted, digits, measured / "walker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "LONG_CODE", 10)
        patch.setattr(codes, "LONG_CODES", 70)
        evaluate.evaluate(folder, progress=False)
    return folder


def test_a_sampler_in_steps_is_measured_at_several(walked):
    found = metrics_of(walked)
    for steps in samples.STEPS:
        assert found[f"fd_over_floor.steps_{steps}"]["value"] > 0
    assert found["label_accuracy.guided"]["note"] == "guidance 3"
    assert 0 <= found["label_accuracy.guided"]["value"] <= 1
    assert found["fd_over_floor.steps_10"] != found["fd_over_floor.steps_100"]
    assert set(found) <= set(MEANING), "the card says what each number is"


def test_its_likelihood_is_a_bound_and_an_estimate(walked):
    found = metrics_of(walked)
    assert found["elbo_nats"]["kind"] == "lower bound"
    assert found["nll_nats"]["kind"] == "estimate" and "ODE" in found["nll_nats"]["note"]
    assert found["nll_nats"]["space"] == "uint8" and found["bpd"]["n"] == 10


def test_long_codes_are_kept_in_part_with_what_they_decode_to(walked):
    kept = load_map(walked)
    assert kept.codes.shape == (70, 64) and kept.pictures.shape == (70, 1, 8, 8)
    model, test = weights.load(walked), datasets.load("digits", "test")
    z = torch.from_numpy(kept.codes)
    label = torch.from_numpy(kept.labels)
    assert kept.labels.tolist() == test.labels[:70].tolist()
    with faster(model):  # as they were computed
        back = (model.decode(z, label) * 255).round().byte().numpy()
        space = model.embed(z, label).numpy()
    assert np.abs(back.astype(int) - kept.pictures).max() <= 1
    assert np.allclose(space, kept.embedding, atol=2e-2)
    extras = load_file(walked / CODES)
    directions, moves = extras["directions"].float(), extras["moves"]
    torch.testing.assert_close(directions @ directions.T, torch.eye(24), atol=1e-2, rtol=0)
    assert (moves.diff() <= 0).all() and moves.min() > 0


def test_codes_of_a_conditional_model_are_those_given_the_class(walked):
    model, test = weights.load(walked), datasets.load("digits", "test")
    kept = load_map(walked)
    x = test.images[:5].float() / 255
    with_class = model.encode(x, test.labels[:5])
    assert torch.allclose(with_class, torch.from_numpy(kept.codes[:5]), atol=0.05)
    assert not torch.allclose(with_class, model.encode(x), atol=0.05)


@pytest.fixture(scope="module")
def student(walked, measured, digits) -> Path:  # noqa: F811
    """A few-step student of that model, evaluated beside it."""
    wanted = tiny_recipe(
        name="student",
        family="consistency",
        train={"steps": 4, "batch_size": 8},
        evaluate={"quality_n": 100},
    )
    wanted.model.clear()
    wanted.model.update(
        {"width": 8, "middle": 1, "halvings": 0, "num_classes": -1, "teacher": walked.name}
        | {"path": 4, "points": 2}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "SHIPPED", measured)
        folder = train.train(wanted, digits, measured / "student")
    evaluate.evaluate(folder, progress=False)
    return folder


def test_a_few_step_student_is_measured_beside_its_teacher(student, walked):
    found = metrics_of(student)
    for steps in samples.FEW:
        assert found[f"fd.steps_{steps}"]["value"] > 0 and found[f"fd.steps_{steps}"]["n"] == 100
        assert found[f"fd.steps_{steps}"]["stderr"] > 0
    assert found["fd.steps_4"]["value"] == pytest.approx(found["fd"]["value"], rel=0.02)
    assert found["fd.teacher"]["note"] == "walker, 4 steps"
    theirs = metrics_of(walked)["fd"]["value"]
    assert found["fd.teacher"]["value"] == pytest.approx(theirs, rel=0.02)
    assert "fd_over_floor.steps_10" not in found and "fd_over_floor.guided" not in found
    assert set(found) <= set(MEANING), "the card says what each number is"
