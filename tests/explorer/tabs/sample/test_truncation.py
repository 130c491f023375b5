"""Truncation in the Sample tab, without a page."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

import explorer
from explorer.components.truncation.truncation import as_truncation
from explorer.page.part import Asked, settled
from explorer.server.abilities import NO_TRUNCATION
from explorer.server.previews import preview
from explorer.tabs import sample
from explorer.tabs.sample.settings import Settings, read_settings
from models.codes.truncation import truncations
from tests import toys
from tests.explorer.tabs.sample.test_sample import ASKED, pictures


@pytest.fixture(scope="module")
def context(tmp_path_factory) -> explorer.Context:
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy", image=(1, 8, 8), data="digits")
    small = {"image": [1, 8, 8], "noise": 4, "width": 8, "hidden": 16, "num_classes": 10}
    toys.write(folder, "game", "gan", "digits", **small)
    return explorer.Context.create(folder, device="cpu")


def asking(truncation) -> Asked:
    return ASKED.but(
        seed=3, count=5, temperature=0.7, label=2, steps=10, guidance=2.0, truncation=truncation
    )


def test_it_is_offered_where_a_model_truncates_in_place_of_a_temperature(context):
    for name, there in (("toy", False), ("game", True)):
        first = next(sample.arrive(context, name, asking(1.0)))
        assert (first.truncation.visible, first.temperature.visible) == (there, not there)


def test_it_is_read_with_care(context):
    toy, game = (context.store.header(name) for name in ("toy", "game"))
    assert read_settings(game, asking(0.5)) == Settings(3, 5, 1.0, 2, truncation=0.5)
    assert read_settings(game, asking(NO_TRUNCATION)).truncation is None
    assert read_settings(toy, asking(0.5)).truncation is None
    for wrong in (0, -1, 5, math.nan, "much"):
        with pytest.raises(ValueError, match="truncation must be a number"):
            read_settings(game, asking(wrong))


@pytest.mark.parametrize("threshold", [0.5, NO_TRUNCATION])
def test_the_code_shown_gives_what_is_on_screen(context, threshold):
    shown = settled(sample.show(context, "game", asking(threshold)))
    assert ("truncation=0.5" in shown.code) == (threshold == 0.5)
    assert "temperature" not in shown.code
    scope: dict = {}
    exec(shown.code, scope)
    made = (scope["images"] * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(made, pictures(shown.grid))


def test_the_shipped_pictures_are_those_without_truncation(context):
    shown = settled(sample.show(context, "game", ASKED.but(truncation=NO_TRUNCATION))).grid
    assert np.array_equal(pictures(shown), preview(context.store, "game").images)
    other = settled(sample.show(context, "game", ASKED.but(truncation=0.3))).grid
    assert not np.array_equal(pictures(other), pictures(shown))


def test_what_was_measured_is_a_curve_and_nothing_is_nothing(context):
    header = context.store.header("game")
    assert as_truncation(header) is None
    metrics = {
        f"{name}.truncation_{at}": {"value": value, "stderr": None, "n": 50, "space": None}
        for at, row in {"inf": (0.5, 0.9, 3.0), "0.5": (0.8, 0.4, 9.0)}.items()
        for name, value in zip(("precision", "recall", "fd_over_floor"), row, strict=True)
    }
    measured = dataclasses.replace(header, metrics={"fd": {"value": 1.0}, **metrics})
    assert list(truncations(measured.metrics)) == [0.5, math.inf]
    assert as_truncation(measured) == {
        "x": [0.5, NO_TRUNCATION], "fd": [9.0, 3.0], "n": 50,
        "lines": [{"name": "Precision", "y": [0.8, 0.5]}, {"name": "Recall", "y": [0.4, 0.9]}],
    }  # fmt: skip
    del metrics["recall.truncation_0.5"]
    assert as_truncation(dataclasses.replace(header, metrics=metrics)) is None
