"""The Rebuild tab's handlers, without a page."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import settled
from explorer.pictures.bytes import as_bytes
from explorer.tabs import rebuild
from models.contract.random import generator
from models.data import corruption
from tests import toys
from tests.denoising import pictures

SMALL = {"image": (1, 8, 8), "width": 16}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "auto", "autoencoder", hidden=16, blocks=0, latent=3, **SMALL)
    toys.write(folder, "masked", "mae", patch=4, layers=1, painter_layers=1, heads=2,
               painter_width=16, **SMALL)  # fmt: skip
    toys.write(folder, "toy", image=(1, 8, 8))
    built = explorer.Context.create(folder, device="cpu")
    explorer.build(built)
    return built


def asked(context, **values):
    return context.built["rebuild"].asked(**values)


def test_the_ways_of_spoiling_are_the_sciences():
    assert rebuild.KINDS == corruption.KINDS


def test_it_takes_what_rebuilds_and_nothing_else(context):
    assert context.store.having(set(rebuild.NEEDS)) == ["auto", "masked"]


def test_rows_are_what_the_models_make_of_the_same_spoilt_pictures(context):
    steps = list(rebuild.show(context, "auto", asked(context, kind="hidden", amount=50)))
    final = settled(step for step in steps)
    clean, spoilt, own, other = (pictures(row["sprite"]) for row in final.rows["rows"])
    x = torch.from_numpy(clean.astype(np.float32) / 255)
    seen, known = corruption.spoilt(x, "hidden", 0.5, generator(0))
    np.testing.assert_array_equal(spoilt, as_bytes(seen))
    for name, shown in (("auto", own), ("masked", other)):
        with torch.no_grad():
            again = context.store.get(name).rebuild(seen, known)
        np.testing.assert_array_equal(shown, as_bytes(again))
        told = final.rows["rows"][2 if name == "auto" else 3]["captions"]
        error = (again - x).square().mean((1, 2, 3)).sqrt()
        assert [float(each) for each in told] == pytest.approx(error.tolist(), abs=6e-4)
    # One model after the other, and the status says how far off each is.
    assert [len(step.rows["rows"]) for step in steps if "rows" in step] == [3, 4]
    assert "Auto" in final.status["text"] and "Masked" in final.status["text"]
    # A visible pixel stays with the model that is told what is hidden.
    np.testing.assert_array_equal(other[known.numpy()], clean[known.numpy()])


def test_alone_and_unspoilt_there_are_two_rows(context):
    final = settled(
        rebuild.show(context, "auto", asked(context, kind=rebuild.NOTHING, beside=rebuild.ALONE))
    )
    assert [row["name"] for row in final.rows["rows"]] == ["Clean", "Auto"]
    assert "Spoilt" not in final.status["text"] and "spoilt" not in final.code


def test_the_directions_are_those_of_the_codes_jacobian(context):
    final = settled(rebuild.show(context, "auto", asked(context)))
    row = final.directions["rows"][0]
    assert row["captions"][0].startswith("‖J‖ = ") and len(row["captions"]) == 1 + 3
    strengths = [float(each) for each in row["captions"][1:]]
    assert strengths == sorted(strengths, reverse=True)
    norm = float(row["captions"][0].removeprefix("‖J‖ = "))
    assert norm == pytest.approx(np.linalg.norm(strengths), abs=0.1)
    masked = settled(rebuild.show(context, "masked", asked(context)))
    assert masked.directions is None, "it makes no picture of a code"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "rain"}, "no way of spoiling"),
        ({"amount": 101}, "0 to 100 %"),
        ({"amount": float("nan")}, "0 to 100 %"),
        ({"seed": -1}, "seed"),
        ({"beside": "x"}, "beside others, or alone"),
    ],
)
def test_what_cannot_be_is_said(context, values, words):
    with pytest.raises(ValueError, match=words):
        settled(rebuild.show(context, "auto", asked(context, **values)))


def test_spoil_anew_is_the_next_seed(context):
    first = settled(rebuild.show(context, "auto", asked(context)))
    again = settled(rebuild.another(context, "auto", asked(context)))
    assert again.seed == 1
    assert again.rows["rows"][1] != first.rows["rows"][1]
    assert again.rows["rows"][0] == first.rows["rows"][0]
