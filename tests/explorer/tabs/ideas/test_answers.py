"""What the laboratories ask of models, without a page."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from explorer import Context
from explorer.server.previews import real_pictures
from explorer.tabs.ideas import answers, library
from models.checkpoints.weights import load
from models.contract.abilities import WeighsCodes
from models.contract.random import generator


@pytest.fixture(scope="module")
def shipped() -> Context:
    return Context.create()


@pytest.mark.shipped
def test_a_real_digit_as_a_file_and_back(shipped):
    names = [one["name"] for one in answers.coders(shipped)]
    assert names[0] == "transformer-mnist" and "pixelcnn-fashion" in names
    found = answers.code(shipped, ["made-mnist", 3])
    assert found["same"] and len(found["bits"]) == 784
    assert found["bytes"] * 8 <= sum(found["bits"]) * 1.01 + 16
    assert found["bytes"] < found["webp"] < found["png"] and found["raw"] == 98
    values = np.array(found["values"])
    picture = real_pictures(shipped.store, "made-mnist")[3] > 127
    np.testing.assert_array_equal(values, picture.flatten())
    other = answers.length(shipped, ["fvsbn-mnist", "made-mnist", 3])
    assert other["bytes"] >= found["bytes"] and other["space"] == "black and white"
    json.dumps(found)


@pytest.mark.shipped
@pytest.mark.parametrize("asked", [["made-mnist", -1], ["made-mnist", 1e9], ["made-mnist", "x"],
                                   ["nothing", 0], ["betavae-shapes", 0]])  # fmt: skip
def test_nonsense_gets_a_sentence(asked, shipped):
    with pytest.raises(ValueError, match=r"\."):
        answers.code(shipped, asked)


@pytest.mark.shipped
def test_the_weights_estimate_what_the_model_says(shipped):
    names = [one["name"] for one in answers.bounded(shipped)]
    assert {"vae-mnist", "vae-mnist-2d"} <= set(names) and "diffusion-mnist" not in names
    found = answers.evidence(shipped, ["vae-mnist-2d", 0, 0])
    posterior, prior = np.array(found["posterior"]), np.array(found["prior"])
    assert len(posterior) == answers.POSTERIOR and len(prior) == answers.PRIOR
    bound = np.logaddexp.reduce(posterior) - np.log(len(posterior))
    assert posterior.mean() < bound
    model = load("vae-mnist-2d")
    assert isinstance(model, WeighsCodes)
    x = torch.from_numpy(real_pictures(shipped.store, "vae-mnist-2d")[:1]).float() / 255
    x = model.observed(x, generator(0, 1))
    says = model.log_likelihood(x, generator(9), samples=512, binarise=False)
    error = 6 * max(float(says.stderr), 0.02)
    assert abs(float(says.nats) - bound) < error
    assert abs(float(says.details["elbo"]) - posterior.mean()) < 0.5
    # Two numbers are few enough for codes of the prior to find the posterior now and then.
    assert np.logaddexp.reduce(prior) - np.log(len(prior)) > posterior.mean() - 15


def test_a_laboratory_travels_as_json():
    for name in library.LABS:
        assert json.loads(json.dumps(library.lab(name, {})))["about"]["title"]
