"""What laboratories ask of shipped models, from the button to the number."""

from __future__ import annotations

import pytest

from tests.browser.conftest import ROOT, served, until
from tests.browser.ideas.test_page import LAB, at, number


@pytest.fixture(scope="module")
def address():
    with served("--checkpoints", str(ROOT / "pretrained"), tabs=("ideas",)) as url:
        yield url


def test_a_digit_is_coded_and_read_back(page, address):
    at(page, address, "coding", "scene:digit;model:made-mnist;picture:3")
    page.get_by_label("Model", exact=True).locator("option").nth(3).wait_for(state="attached")
    page.get_by_role("button", name="Encode and decode").click()
    until(page, lambda: "bit for bit" in page.inner_text(f"{LAB} .scene:visible .status"))
    file, png = number(page, "The file"), number(page, "PNG")
    assert 0 < file < 40 < png
    assert number(page, "By the likelihood") <= file
    assert f"{file:.0f} bytes" in page.inner_text(f"{LAB} .scene:visible .status")


def test_a_vae_estimates_log_p_in_two_ways(page, address):
    at(page, address, "montecarlo", "scene:vae;model:vae-mnist-2d")
    page.get_by_role("button", name="Compute the weights").click()
    until(page, lambda: "picture 0" in page.inner_text(f"{LAB} .scene:visible .status"))
    assert number(page, "ELBO") < number(page, "IWAE-512") < 0
    assert 1 <= number(page, "Effective codes") <= 512
