"""The Train tab as a person uses it: start, watch, slow down, reload, stop, and use the model."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    serious_findings,
    settled,
    until,
)

TABS = ("sample", "train")
STAGE = ".ge-panel-train .ge-stage"
STEPS = "#train-settings-0"  # the first of the settings


def write_models(folder: Path) -> None:
    toys.write(folder, "toy")


def arrive(page, address) -> None:
    page.set_default_timeout(240_000)  # a process is started, and others may share two cores
    open_page(page, f"{address}/?tab=train&train.family=vae")
    page.wait_for_selector(STEPS)


def step_of(page) -> int:
    """The step that the status tells, 0 before there is one."""
    return page.eval_on_selector(
        f"{STAGE} .ge-status p",
        "p => Number(/^Step ([\\d,]+)/.exec(p.textContent)?.[1].replaceAll(',', '') ?? 0)",
    )


def test_a_run_is_watched_paused_slowed_found_again_stopped_and_used(page, address):
    arrive(page, address)
    page.click("#train-start")
    until(page, lambda: step_of(page) > 3, 200)
    until(page, lambda: len(set(pixels(page, f"{STAGE} .ge-film canvas"))) == 3, 60)
    page.click("#train-pause")
    settled(page, STAGE, "Paused")
    step = step_of(page)
    page.click("#train-step")
    page.wait_for_selector(f"{STAGE} .ge-slow-step canvas")
    until(page, lambda: step_of(page) == step + 1)
    assert page.inner_text(f"{STAGE} .ge-slow-step h2") == f"Step {step + 1}"
    # What cannot change during a run is locked; the learning rate can.
    assert page.is_disabled(STEPS) and page.is_enabled("#train-settings-2")

    page.reload()
    page.wait_for_selector("body[data-ge=open]")
    settled(page, STAGE, "Paused")
    assert step_of(page) == step + 1
    until(page, lambda: len(pixels(page, f"{STAGE} .ge-film canvas")) == 3)
    assert page.locator(f"{STAGE} .ge-curves figure").count() >= 3

    page.click("#train-stop")
    settled(page, STAGE, "Stopped at step")
    page.click("#train-open")
    page.wait_for_selector(".ge-panel-sample .ge-image-grid canvas")
    settled(page, ".ge-panel-sample", "64 pictures of seed 0")
    assert "My VAE, small" in page.inner_text(".ge-picker .open b")
    own = page.locator(".ge-picker [data-name]").first
    assert own.get_attribute("data-family") == "Yours"
    assert "~" not in page.url  # the key to it does not go into an address


def test_the_tab_fits_every_screen_and_has_no_serious_finding(page, address):
    arrive(page, address)
    list(every_window(page))
    page.click("summary >> nth=0")
    assert page.locator(".ge-settings-form .field:visible").count() > 10
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    until(page, lambda: serious_findings(page) == [], 20)


def test_what_is_chosen_is_in_the_address_and_changes_settings_and_command(page, address):
    arrive(page, address)
    page.click(".ge-choices [data-key=flow]")
    page.wait_for_selector("[name='model.coupling']", state="attached")
    page.wait_for_function("() => location.search.includes('train.family=flow')")
    page.locator(".ge-panel-train .ge-note .label-wrap").last.click()
    page.fill(STEPS, "77")
    page.press(STEPS, "Tab")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ge-panel-train .ge-code code')]"
        ".some(c => c.textContent.includes('steps = 77') && c.textContent.includes('\"flow\"'))"
    )
    assert page.get_attribute(".ge-choices [data-key=mnist]", "aria-disabled") is not None
    # Whoever opens the link has the same steps before them.
    page.wait_for_function("() => location.search.includes('train.steps=77')")
    open_page(page, page.url)
    page.wait_for_selector(STEPS)
    assert page.input_value(STEPS) == "77"
    assert "once a run has begun" in page.inner_text("#train-ahead").lower()
