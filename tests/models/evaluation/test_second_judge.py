"""A second judge: asked where measures are checked, and nowhere else."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from models.checkpoints import weights
from models.checkpoints.header import SHIPPED, find, read_header
from models.checkpoints.judges import is_judge, is_second
from models.evaluation import evaluate, metrics
from models.evaluation.against import judge_for
from models.evaluation.card import card, disagreement, meaning, models_table
from models.training.recipe import from_dict, load_recipe
from tests import toys

MEASURED = {"fd", "fd_floor", "fd_over_floor", "kid", "kid_floor"}
SHARES = {"precision", "recall", "density", "coverage"}
COPIES = {"nearest_train", "nearest_test", "nearest_ratio", "nearer_to_train"}


def second(folder, name: str = "a-second", **settings):
    """An untrained second judge, which comes before "judge" in the alphabet."""
    torch.manual_seed(1)
    target = toys.write(
        folder, name, "classifier", "digits", image=[1, 8, 8], width=16, layers="plain", **settings
    )
    header = read_header(target)
    told = dataclasses.replace(header, recipe={**header.recipe, "second": True})
    weights.rewrite_header(target, told)
    return target


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    second(folder)
    torch.manual_seed(0)
    toys.write(folder, "judge", "classifier", "digits", image=[1, 8, 8], width=16, blocks=1)
    toys.write(folder, "toy", image=(1, 8, 8), data="digits")
    return folder


def test_it_is_found_where_it_is_asked_for_and_nowhere_else(models):
    assert is_second(read_header(models / "a-second")) and not is_judge(
        read_header(models / "a-second")
    )
    assert is_judge(read_header(models / "judge")) and not is_second(read_header(models / "judge"))
    assert not is_judge(read_header(models / "toy")) and not is_second(read_header(models / "toy"))
    assert evaluate.find_judge("digits", models).config.layers == "residual"
    assert evaluate.find_judge("digits", models, is_second).config.layers == "plain"
    assert judge_for("digits", (1, 8, 8), [models]).name == "judge"


def test_the_same_samples_are_measured_by_both_and_copies_are_looked_for(models):
    header = evaluate.evaluate(models / "toy", n=120, only=["quality"], write=False, progress=False)
    expected = MEASURED | SHARES | COPIES | {f"{name}.second" for name in MEASURED | SHARES}
    assert header.metrics.keys() == expected | {"nll_nats"}  # the toy had that one
    for name in expected:
        entry = header.metrics[name]
        assert entry["n"] == 120 and entry["stderr"] >= 0, name
        space = "pixels" if name in COPIES else "judge of digits"
        assert entry["space"] == ("second " if name.endswith(".second") else "") + space
        assert meaning(name), name
    assert meaning("kid.second").startswith("by the second judge: kernel distance")
    # By hand: what the second judge sees in them.
    from models.data import datasets
    from models.evaluation import samples

    model, judge = weights.load(models / "toy"), weights.load(models / "a-second")
    test, train = (datasets.load("digits", split) for split in ("test", "train"))
    made, _ = samples.drawn(model, 120, 0)
    real = metrics.real_features(test.images, train.images, judge, None, 120, 0)
    fd = metrics.frechet_distance(metrics.judged(judge.features, made, judge), real.test)
    assert header.metrics["fd.second"]["value"] == pytest.approx(fd)


def test_cas_is_measured_on_request(models, monkeypatch):
    from models.evaluation import cas

    monkeypatch.setattr(cas, "STEPS", 3)
    header = evaluate.evaluate(models / "toy", n=60, only=["cas"], write=False, progress=False)
    assert header.metrics.keys() == {"cas", "cas_real", "nll_nats"}
    score = f"classification accuracy score {100 * header.metrics['cas']['value']:.2f} %"
    assert score in models_table([header])
    assert header.metrics["cas"]["n"] == 60 and "judge" in header.metrics["cas"]["note"]


def entry(value: float, stderr: float) -> dict:
    return {"value": value, "stderr": stderr, "n": 100, "space": "judge of digits"}


def test_the_card_says_where_they_differ_by_more_than_their_errors(models):
    found = {
        "fd": entry(1.0, 0.01), "fd.second": entry(90.0, 0.01),  # of units of their own
        "fd_over_floor": entry(1.2, 0.3), "fd_over_floor.second": entry(2.3, 0.4),
        "recall": entry(0.80, 0.01), "recall.second": entry(0.82, 0.02),
        "precision": entry(0.9, 0.01),
    }  # fmt: skip
    assert disagreement({"fd": found["fd"], "precision": found["precision"]}) == ""
    said = disagreement(found)
    assert "the Fréchet distance over its floor (1.2000 ± 0.3000 by the first, 2.3000" in said
    assert "recall" not in said and "precision" not in said
    # Twice the joint error, sqrt(0.3² + 0.4²) = 0.5, is just more than what lies between.
    found["fd_over_floor.second"]["value"] = 2.19
    assert disagreement(found).startswith("The two judges agree")
    header = dataclasses.replace(read_header(models / "toy"), metrics=found)
    assert disagreement(found) in card(header)
    json.dumps(found)


def test_a_recipe_says_that_it_is_one():
    for data in ("mnist", "fashion"):
        first, other = (load_recipe(f"{name}-{data}") for name in ("judge", "second-judge"))
        assert other.second and not first.second and first.data.name == other.data.name
        assert other.model["layers"] == "plain"
        changed = ("shift", "mirror", "turn", "erase")
        settings = [weights.build("classifier", r.model).config for r in (first, other)]
        used = [{key for key in changed if getattr(c, key)} for c in settings]
        assert used[0] and used[1] and not used[0] & used[1], "augmentations are others"
    with pytest.raises(ValueError, match="true or false"):
        from_dict({"name": "x", "family": "classifier", "second": 1})


@pytest.mark.shipped
def test_each_shipped_judge_has_a_second_one():
    headers = [read_header(folder) for folder in find(SHIPPED)]
    judges = {h.data["name"]: h for h in headers if is_judge(h)}
    seconds = {h.data["name"]: h for h in headers if is_second(h)}
    assert judges.keys() == seconds.keys()
    for name, header in seconds.items():
        assert header.metrics["accuracy"]["value"] > 0.89, name
