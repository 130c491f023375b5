"""The Latent tab's ellipse: the distribution of a drawing's code, without a page."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer
from explorer.tabs.latent.posterior import DRAWS, posterior
from tests import toys
from tests.denoising import pictures

SMALL = {"image": (1, 8, 8), "width": 8, "blocks": 1, "hidden": 8, "halvings": 1}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_codes(toys.write(folder, "flat", "vae", "digits", latent=2, **SMALL), D=2)
    toys.write(folder, "deep", "vae", "digits", latent=3, **SMALL)
    toys.write(folder, "toy", data="digits", image=(1, 8, 8), latent=2)
    return explorer.Context.create(folder, device="cpu")


X = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)


def test_the_ellipse_is_the_encoders_and_the_pictures_are_of_its_codes(context):
    value = posterior(context, "flat", X)
    with torch.no_grad():
        model = context.store.get("flat")
        mean, std = model.encode_distribution(torch.from_numpy(X[None]))
        decoded = model.decode(torch.tensor(value["draws"]))
    assert np.allclose(value["mean"], mean[0]) and np.allclose(value["std"], std[0])
    assert len(value["draws"]) == DRAWS and len(value["dots"]["labels"]) == 60
    assert np.abs(pictures(value["sprite"]) - 255 * decoded.numpy()).max() <= 1
    assert "KL(q, p) is" in value["note"]


def test_where_a_code_is_not_two_numbers_or_has_no_distribution_there_is_none(context):
    assert posterior(context, "deep", X) is None
    assert posterior(context, "toy", X) is None
