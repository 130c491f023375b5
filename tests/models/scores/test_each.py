"""A picture scores the same in any company, and what is a mean over draws is not called exact."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from models.__main__ import main
from models.checkpoints import weights
from models.contract.random import generator
from models.scores.each import DRAWS, likelihood_each, score_each
from models.scores.scores import applicable
from tests import toys
from tests.conftest import noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("each")
    toys.write_writer(root, "binary")
    toys.write_writer(root, "grey", pixels="logistic", components=2, levels=256)
    small = {"latent": 3, "width": 8, "blocks": 1, "hidden": 8, "halvings": 1}
    toys.write(root, "vae", family="vae", image=(1, 8, 8), **small)
    toys.write(root, "rbm", family="rbm", image=(1, 8, 8))
    toys.write(root, "diffusion", family="diffusion", image=(1, 8, 8))
    return root


NAMES = ("binary", "grey", "vae", "rbm", "diffusion")


def some(n: int) -> torch.Tensor:
    return torch.from_numpy(noise(n, 1, 8, 8) / np.float32(255))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_scores_the_same_in_any_company_and_place(folder, name):
    model = weights.load(folder / name)
    a, b = some(2)[:1], some(2)[1:]
    scores = applicable(model)
    alone = score_each(model, a, scores)
    for company in (torch.cat([a, b]), torch.cat([b, a]), torch.cat([b, a, a, b])):
        found = score_each(model, company, scores)
        places = [k for k in range(len(company)) if torch.equal(company[k], a[0])]
        for score in scores:
            for k in places:
                assert found[score].values[k] == alone[score].values[0], score
                assert found[score].stderr[k] == alone[score].stderr[0], score
    nats = [likelihood_each(model, x, samples=2).nats for x in (a, torch.cat([b, a]))
            if "likelihood" in scores and name == "vae"]  # fmt: skip
    assert not nats or nats[0][0] == nats[1][1]


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_another_chance_where_there_is_one(folder, name):
    model, x = weights.load(folder / name), some(1)
    if "likelihood" not in applicable(model):
        return
    values = [score_each(model, x, ["likelihood"], seed)["likelihood"].values for seed in (0, 1)]
    assert torch.equal(*values) == (name == "grey")


@pytest.mark.parametrize("name", ["binary", "rbm", "vae"])
def test_a_picture_of_greys_is_a_mean_over_draws_with_its_error(folder, name):
    model, x = weights.load(folder / name), some(1)
    found = score_each(model, x, ["likelihood"])["likelihood"]
    assert found.likelihood.kind != "exact" and found.stderr > 0
    assert found.likelihood.how.startswith(f"mean over {DRAWS} draws")
    assert found.values == pytest.approx(-found.likelihood.nats.numpy(), rel=1e-5)
    # The error is that of the mean: means of other seeds spread as it says.
    others = [score_each(model, x, ["likelihood"], seed)["likelihood"] for seed in range(1, 40)]
    spread = float(torch.cat([each.values for each in others]).std())
    said = float(torch.cat([each.stderr for each in others]).square().mean().sqrt())
    assert spread == pytest.approx(said, rel=0.5)
    if found.per_pixel is not None:
        assert float(found.per_pixel.sum()) == pytest.approx(float(found.values), rel=1e-3)


def test_what_is_black_and_white_stays_exact(folder):
    model, x = weights.load(folder / "binary"), some(1).round()
    found = likelihood_each(model, x)
    assert found.kind == "exact" and found.stderr is None
    assert torch.allclose(found.nats, model.log_likelihood(x, generator(0)).nats)
    assert score_each(model, x, ["likelihood"])["likelihood"].stderr == 0
    assert likelihood_each(weights.load(folder / "grey"), some(1)).kind == "exact"


def test_the_command_line_knows_no_order(folder, tmp_path, capsys):
    files = []
    for k, levels in enumerate(noise(3, 8, 8)):
        files.append(str(tmp_path / f"{k}.png"))
        Image.fromarray(levels).save(files[-1])
    a, b, c = files

    def rows(*arguments):
        assert main(["score", str(folder / "binary"), *arguments, "--json"]) == 0
        return {row["image"]: row for row in json.loads(capsys.readouterr().out)["scores"]}

    for by in ((), ("--by", "likelihood", "complexity")):
        first, second, alone = rows(a, b, *by), rows(b, c, a, *by), rows(a, *by)
        assert first[a] == second[a] == alone[a] and first[b] == second[b] and first[a] != first[b]
    assert rows(a)[a]["kind"] == "estimate" and rows(a)[a]["stderr"] > 0
