"""The Energy tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import assert_no_serious_findings, open_page, pixels, settled, until

TABS = ("sample", "energy")


def write_models(folder: Path) -> None:
    toys.write_energy(folder, "deep")
    toys.write_judge(folder, "judge")


def test_a_picture_goes_downhill_and_its_chains_are_watched(page, address):
    part = "#energy-picture"
    open_page(page, f"{address}/?tab=energy&model=deep")
    settled(page, part, "Its own sample 1: ")
    assert page.locator(f"{part} .ge-heat-maps figure").count() == 3
    names = page.locator(f"{part} .ge-ridges text.name").all_text_contents()
    assert [name.split(" ")[0] for name in names[:3]] == ["Own", "Positive", "Negative"]
    assert not page.locator(f"{part} .ge-curves svg").first.is_visible()
    before = pixels(page, f"{part} .ge-heat-maps figure:nth-child(3) canvas")
    page.click("#energy-down")
    settled(page, part, "after 1 step downhill")
    until(page, lambda: pixels(page, f"{part} .ge-heat-maps figure:nth-child(3) canvas") != before)
    page.wait_for_selector(f"{part} .ge-curves path.line")
    until(page, lambda: "energy.down=1" in page.url)
    assert_no_serious_findings(page)

    part = "#energy-chains"
    open_page(
        page,
        f"{address}/?tab=energy&energy.part=chains&model=deep&energy.chains.from=sample"
        "&energy.chains.steps=20&energy.chains.count=4",
    )
    settled(page, part, "4 chains from own samples, 20 steps")
    assert page.locator(f"{part} .ge-curves path.line.thin").count() == 8
    assert "reads" in page.inner_text(f"{part} .ge-status p")
    page.locator(f"{part} .ge-film input").press("End")
    until(page, lambda: "20 of 20" in page.inner_text(f"{part} .ge-readings"))
    seen = pixels(page, f"{part} .ge-film canvas")
    page.click("#chains-more")
    until(page, lambda: "energy.chains.seed=1" in page.url)
    settled(page, part, "4 chains from own samples, 20 steps")
    until(page, lambda: pixels(page, f"{part} .ge-film canvas") != seen)
    assert_no_serious_findings(page)


def test_a_long_chain_is_stopped(page, address):
    part = "#energy-chains"
    open_page(
        page,
        f"{address}/?tab=energy&energy.part=chains&model=deep&energy.chains.steps=2000",
    )
    settled(page, part, "of 2,000")
    page.click("#chains-stop")
    settled(page, part, "Stopped.")
    assert page.locator("#chains-stop").is_disabled()
    page.wait_for_selector(f'{part} .ge-film[data-running="false"]')
