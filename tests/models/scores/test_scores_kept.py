"""Scores on the command line and the card, and the background models that ratios need."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from scipy import stats

import models.__main__ as cli
from models.checkpoints import weights
from models.checkpoints.header import Header, read_header
from models.checkpoints.reference import SCORES_FILE, read_reference
from models.contract.capabilities import capabilities
from models.contract.random import generator, mutated
from models.evaluation import card, evaluate, metrics
from models.scores.background import background_header, space_of
from models.training import train
from models.training.recipe import from_dict, load_recipe, recipe_names
from tests.conftest import tiny_recipe, trained

# -- background models -----------------------------------------------------------------------------


def header(name: str, data: str = "digits", space: str | None = "uint8", **recipe):
    able = recipe.pop("capabilities", ("HasLikelihood",))
    measured = {} if space is None else {"nll_nats": {"value": 1.0, "space": space}}
    return Header(name, "vae", "", "", {}, recipe, 0, {"name": data}, {}, 1, able, measured)


def test_a_background_is_found_by_its_recipe_and_data():
    mine = header("mine")
    others = [
        mine,
        header("model"),
        header("elsewhere", data="shapes", background=True),
        header("silent", background=True, capabilities=("Samples",)),
        header("binary", space="binary", background=True),
    ]
    assert background_header(mine, others) is None
    right = header("right", background=True)
    assert background_header(mine, [*others, right]) is right
    assert background_header(right, [right]) is None
    fresh = header("fresh", space=None, background=True)
    assert background_header(mine, [fresh]) is fresh


@pytest.mark.parametrize(
    "config, space",
    [
        ({"pixels": "bernoulli"}, "binary"),
        ({"likelihood": "bernoulli"}, "binary"),
        ({"pixels": "softmax", "levels": 256}, "uint8"),
        ({"pixels": "softmax", "levels": 4}, "4 levels"),
        ({"likelihood": "logistic"}, "uint8"),
        ({"width": 3}, None),
    ],
)
def test_the_space_of_a_model_that_was_not_measured(config, space):
    """Else a model of black and white that was just trained gets a background of grey levels."""
    fresh = dataclasses.replace(header("fresh", space=None), config=config)
    assert space_of(fresh) == space
    both = [header("grey", background=True), header("ink", space="binary", background=True)]
    found = background_header(fresh, both)
    assert found is {"binary": both[1], "4 levels": None}.get(space, both[0])


def test_mutated_pixels_are_as_many_as_asked_and_of_any_level():
    x = torch.full((40, 1, 32, 32), 0.5)
    found = mutated(x, 0.1, generator(0))
    changed = found != 0.5
    # Five standard deviations of a binomial.
    assert float(changed.float().mean()) == pytest.approx(0.1, abs=5 * math.sqrt(0.09 / x.numel()))
    levels = found[changed] * 255
    assert torch.equal(levels, levels.round()) and (levels.min(), levels.max()) == (0, 255)
    assert stats.kstest(levels.numpy() / 256, "uniform").pvalue > 1e-3
    assert torch.equal(found, mutated(x, 0.1, generator(0)))
    assert torch.equal(mutated(x, 0.0, generator(0)), x)


def test_a_background_is_trained_on_mutated_pixels(digits):
    """In training and where it is watched, by the step's generator: another seed, other pixels."""
    seen = []
    for part in (0.0, 1.0):
        wanted = tiny_recipe(data={"mutate": part}, train={"steps": 1, "held_out": 32})
        run = train.Run(wanted, digits)
        for model in (run.model, run.ema):
            objectives = model.objectives
            model.objectives = lambda x, y, rng, o=objectives: seen.append(x) or o(x, y, rng)
        trained(run)
    plain, plain_watched, replaced, replaced_watched = seen
    assert plain.mean() < 0.4 and len(plain_watched) == 32
    for x in (replaced, replaced_watched):
        assert float(x.mean()) == pytest.approx(0.5, abs=0.03)
        assert float(x.var()) == pytest.approx(1 / 12, abs=0.01)


@pytest.mark.parametrize("name", [n for n in recipe_names() if n.startswith("background-")])
def test_recipes_of_backgrounds(name):
    recipe = load_recipe(name)
    assert recipe.background and 0 < recipe.data.mutate < 1
    model = weights.build(recipe.family, {"image": [1, 28, 28], **recipe.model})
    assert "HasLikelihood" in capabilities(model)
    assert model.levels == (2 if name.endswith("-binary") else 256)
    with pytest.raises(ValueError, match="'background' must be true or false"):
        from_dict({"name": "a", "family": "vae", "background": 1})


# -- the command line ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tiny_vae, tmp_path_factory) -> Path:
    """A copy of the tiny VAE whose scores were measured."""
    folder = tmp_path_factory.mktemp("kept") / "tiny"
    shutil.copytree(tiny_vae, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
        before = {"auroc.likelihood.gone": metrics.metric(0.5), "nll_nats": metrics.metric(20.0)}
        header = read_header(folder)
        weights.rewrite_header(folder, dataclasses.replace(header, metrics=before))
        arguments = ["evaluate", str(folder), "--only", "scores", "--n", "40"]
        assert cli.main(arguments) == 0
    return folder


def test_evaluate_writes_the_scores_beside_the_weights(kept):
    found = read_header(kept).metrics
    own = {"nll_nats"}
    assert {name for name in found if not name.startswith("auroc.")} == own
    assert "auroc.likelihood.gone" not in found, "what is measured no more is gone"
    kept_reference = read_reference(kept)
    assert kept_reference.scores == (
        "several", "likelihood", "typicality", "complexity", "regret", "reconstruction",
    )  # fmt: skip
    assert len(found) == 1 + 6 * 4 and found["auroc.several.noise"]["n"] == 40
    assert found["auroc.regret.noise"]["n"] == 40
    assert found["auroc.several.noise"]["value"] > 0.9
    card = (kept / "card.md").read_text("utf-8")
    assert "## Anomaly scores" in card and "| Likelihood regret |" in card
    assert "auroc." not in card


def test_a_dry_run_leaves_no_scores(tiny_vae, tmp_path, monkeypatch):
    monkeypatch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
    folder = Path(shutil.copytree(tiny_vae, tmp_path / "tiny"))
    found = evaluate.evaluate(folder, n=20, only=["scores"], write=False, progress=False).metrics
    assert "auroc.several.noise" in found and not (folder / SCORES_FILE).exists()


def test_a_classifier_has_no_scores_to_measure(tmp_path, digits):
    wanted = tiny_recipe(name="judge", family="classifier", train={"steps": 1})
    wanted.model.clear()
    wanted.model.update({"width": 8, "blocks": 1})
    folder = train.train(wanted, digits, tmp_path / "judge")
    assert evaluate.evaluate(folder, only=["scores"], progress=False).metrics == {}
    assert not (folder / SCORES_FILE).exists()


def test_score_by_prints_values_and_percentiles(kept, digits, tmp_path, capsys):
    files = []
    for name, pixels in (("digit", digits.images[0, 0]), ("noise", torch.rand(8, 8) * 255)):
        files.append(str(tmp_path / f"{name}.png"))
        Image.fromarray(pixels.byte().numpy()).save(files[-1])
    assert cli.main(["score", str(kept), *files, "--by", "--json"]) == 0
    digit, noise = json.loads(capsys.readouterr().out)["scores"]
    assert digit["image"] == files[0] and tuple(digit["scores"]) == read_reference(kept).scores
    assert noise["scores"]["several"]["percentile"] > 95
    for facts in digit["scores"].values():
        assert 0 <= facts["percentile"] <= 100 and math.isfinite(facts["value"]) and facts["unit"]
    assert cli.main(["score", str(kept), files[1], "--by", "several", "regret"]) == 0
    out = capsys.readouterr().out
    assert "several" in out and "% of the test images" in out and "likelihood" not in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--by", "oddness"], "no score 'oddness'"),
        (["--by", "ratio"], "needs a background model"),
        (["--by", "energy"], "no score 'energy'"),
        (["--by", "several", "--samples", "3"], "--samples is for likelihoods alone"),
    ],
)
def test_score_by_refuses(kept, digits, tmp_path, capsys, arguments, words):
    Image.fromarray(digits.images[0, 0].numpy()).save(tmp_path / "digit.png")
    assert cli.main(["score", str(kept), str(tmp_path / "digit.png"), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and words in err


def test_what_a_metric_of_scores_means():
    words = card.meaning("auroc.complexity.omniglot-small")
    assert "input complexity" in words and "omniglot-small" in words
    assert card.meaning("nll_nats") == card.MEANING["nll_nats"] and card.meaning("no such") == ""
