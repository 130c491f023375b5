"""Knobs: every family declares what its methods take, truly, and nothing outside is let in."""

from __future__ import annotations

import inspect
import math

import pytest
import torch

from explorer.server.abilities import MOST_STEPS
from explorer.tabs.sample import settings
from models.contract.capabilities import capabilities
from models.contract.knobs import (
    KINDS,
    MOST_SEED,
    STEPS,
    TEMPERATURE,
    TRUNCATION,
    Knob,
    checked_seed,
    named,
)
from models.contract.model import Model
from models.contract.random import generator
from tests.contract import built, having

model = pytest.fixture(built, scope="module")

# Arguments that are no knobs: pictures, codes and what is drawn with.
GIVEN = {
    "self", "n", "rng", "x", "x_t", "t", "z", "noise", "known", "start", "chunk", "label", "level",
    "knobs", "naive",
}  # fmt: skip
METHODS = (
    *("sample_steps", "restore_steps", "complete_steps", "log_likelihood", "denoise", "noised"),
    *("encode", "encode_distribution", "decode", "flow_steps", "inverse_steps", "verdict"),
    *("early_features", "chain_steps"),
)


@having()
def test_what_is_declared_is_what_the_methods_take(model):
    for method in METHODS:
        knobs = named(model.knobs(method))
        if not hasattr(model, method):
            assert not knobs, method
            continue
        known = inspect.signature(getattr(model, method)).parameters
        assert knobs.keys() <= known.keys(), method
        assert known.keys() - GIVEN <= knobs.keys() | _moot(model), method
        for name, knob in knobs.items():
            assert knob.kind in KINDS and knob.help.endswith("."), name
            default = known[name].default
            if knob.default is not None and default is not None:
                assert default == knob.default, (method, name)
                assert knob.checked(default) == default
    assert model.knobs("paint") == ()


def _moot(model: Model) -> set[str]:
    """What a method has for its sisters, and would do nothing in this model."""
    moot = set() if model.takes("samples", "log_likelihood") else {"samples"}
    return moot if getattr(model, "class_count", 0) else moot | {"guidance"}


@having("Samples")
def test_a_model_with_classes_takes_a_label_wherever_it_has_one(model):
    for method in METHODS:
        if not hasattr(model, method) or method == "sample_steps":
            continue
        known = inspect.signature(getattr(model, method)).parameters
        takes = "label" in known and model.class_count > 0
        assert model.takes("label", method) == takes, method


@having("Samples")
def test_every_declared_choice_and_low_end_is_sampled_with(model):
    for knob in model.knobs("sample_steps"):
        values = knob.choices or [knob.low if not knob.above else max(0.01, knob.low)]
        for value in values:
            few = {"steps": 2} if model.takes("steps") else {}
            x = model.sample(2, generator(0), **{**few, knob.name: value})
            assert x.shape == (2, *model.image_shape) and torch.isfinite(x).all()


@pytest.mark.parametrize(
    ("knob", "good", "bad"),
    [
        (TEMPERATURE, (0, 1.5, 100), (math.nan, -1, math.inf, 101, "1", True, None)),
        (TRUNCATION, (0.5, math.inf), (0, -1, math.nan)),
        (STEPS, (1, 10_000), (0, 1.5, 10_001, 10**30, False)),
        (Knob("way", "choice", "A way.", choices=("here", "there")), ("here",), ("up", None, 1)),
        (Knob("on", "truth", "Whether."), (True, False), (1, None, "yes")),
    ],
)
def test_a_knob_takes_its_values_and_no_others(knob, good, bad):
    for value in good:
        assert knob.checked(value) is value
    for value in bad:
        with pytest.raises(ValueError) as error:
            knob.checked(value, "--it")
        sentence = str(error.value)
        assert sentence.startswith("--it must be ") and sentence.endswith(f", not {value!r}.")


def test_a_seed_is_one_number_for_the_page_and_the_command_line():
    for seed in (0, 7, MOST_SEED):
        assert checked_seed(seed) == seed and type(checked_seed(float(seed))) is int
    for seed in (-1, MOST_SEED + 1, 10**30, 1.5, math.nan, math.inf, None, "7", True):
        with pytest.raises(ValueError, match="The seed must be a whole number from 0 to 9,007,19"):
            checked_seed(seed)
    assert MOST_SEED + 1 == 2**53, "beyond it a browser's numbers are no longer exact"


def test_the_page_offers_nothing_that_a_model_refuses():
    assert TEMPERATURE.checked(settings.HOTTEST)
    assert STEPS.checked(MOST_STEPS)
    assert TRUNCATION.checked(settings.LEAST_TRUNCATION)


@having("Samples")
def test_it_has_a_temperature_or_a_truncation(model):
    own = "truncation" if "Truncates" in capabilities(model) else "temperature"
    assert named(model.knobs()).keys() & {"temperature", "truncation"} == {own}
