"""The short form of a lecture hall: everybody gets an answer. How soon is measured, not tested."""

from __future__ import annotations

import pytest

from tests.bench.bench_page_start import ROOT
from tests.load import hall

pytestmark = [pytest.mark.shipped, pytest.mark.slow]


def test_a_small_lecture_goes_by_without_a_lost_answer():
    # The first who scores an example waits for every model of its size, as long as all the rest.
    plan = hall.Lecture(
        visitors=8, minutes=0.3, opened_within=2, pause=(0.2, 0.8),
        without=("score, VAE", "score, diffusion"),
    )  # fmt: skip
    found = hall.held(plan, str(ROOT / "pretrained"))
    assert found["errors"] == 0, found["of_these"]
    assert found["rows"]["open"]["n"] == 8
    assert found["rows"]["light"]["n"] == found["rows"]["bare"]["n"] > 0
