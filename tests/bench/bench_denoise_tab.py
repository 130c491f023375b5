"""The Denoise tab in Chromium: how long until something moves, and how smoothly it plays.

* From a click on the tab to the first frame that is no blank, and to the first that moves, on a
  page that has the model loaded; the same for another seed.
* Frames a second that a film of 100 steps paints at 4x, its rest at the end included, beside the
  browser's own rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from tests.bench.bench_page_start import OURS, start
from tests.browser import chromium

ROOT = Path(__file__).parents[2]

# When the film first shows anything, and first another frame than that: by what it announces.
STOPWATCH = """start => {
  window.taken = { first: null, moved: null };
  const begun = performance.now();
  let shown = null;
  const told = e => {
    if (e.detail.id !== 'watch' || !e.detail.n) return;
    const taken = window.taken, now = performance.now() - begun;
    const key = e.detail.n + '/' + e.detail.at;
    if (taken.first === null) { taken.first = now; shown = key; }
    else if (key !== shown) { taken.moved = now; document.removeEventListener('ge:film', told); }
  };
  document.addEventListener('ge:film', told);
  document.querySelector(start).click();
}"""

COUNTER = """() => new Promise(done => {
  let painted = 0, frames = 0;
  const draw = GE.draw, begun = performance.now();
  GE.draw = (...values) => { painted++; draw(...values); };
  const look = now => {
    frames++;
    if (now - begun < 3000) { requestAnimationFrame(look); return; }
    GE.draw = draw;
    const seconds = (now - begun) / 1000;
    done({ painted: painted / 2 / seconds, browser: frames / seconds });
  };
  requestAnimationFrame(look);
})"""


def first_frames(page, url: str, model: str) -> tuple[float, float]:
    """Milliseconds from the click on the tab to the first frame, and to the first that moves."""
    page.goto(f"{url}/?model={model}")
    page.wait_for_selector("body[data-ge=open]")
    page.wait_for_timeout(1500)
    page.evaluate(STOPWATCH, "#ge-tabs [role=tab][data-tab-id=denoise]")
    return taken(page)


def taken(page) -> tuple[float, float]:
    page.wait_for_function("() => window.taken.moved !== null")
    found = page.evaluate("() => window.taken")
    return found["first"], found["moved"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, default=ROOT / "pretrained")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    from playwright.sync_api import sync_playwright

    from explorer.page.context import Context

    able = Context.create(args.checkpoints).store.having({"Samples", "Denoises"})
    if not able:
        print("No model here denoises; give --checkpoints FOLDER.")
        return 0
    process, url, *_ = start(OURS, "--checkpoints", str(args.checkpoints))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=chromium.FLAGS
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            first_frames(page, url, able[0])  # loads the model
            times = [first_frames(page, url, able[0]) for _ in range(args.rounds)]
            others = []
            for _ in range(args.rounds):
                page.wait_for_timeout(1000)
                page.evaluate(STOPWATCH, "#watch-more")
                others.append(taken(page)[1])
            # A long film, so that every frame of the browser has another one to paint.
            page.goto(f"{url}/?model={able[0]}&tab=denoise&denoise.steps=100")
            page.wait_for_function(
                "() => document.querySelector('#denoise-watch .ge-film input')?.max === '100'"
            )
            page.wait_for_timeout(1000)
            page.eval_on_selector(
                "#denoise-watch .ge-film select",
                "s => { s.value = '4'; s.dispatchEvent(new Event('change')); }",
            )
            rate = page.evaluate(COUNTER)
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    result = {
        "model": able[0],
        "first_frame_ms": round(statistics.median(first for first, _ in times)),
        "first_moving_frame_ms": round(statistics.median(moved for _, moved in times)),
        "another_seed_ms": round(statistics.median(others)),
        "frames_per_second": round(rate["painted"], 1),
        "browser_frames_per_second": round(rate["browser"], 1),
    }
    if args.json:
        print(json.dumps(result))
        return 0
    print(
        f"{result['model']}: first frame {result['first_frame_ms']} ms after the tab is chosen, "
        f"first moving frame {result['first_moving_frame_ms']} ms; "
        f"another seed {result['another_seed_ms']} ms\n"
        f"film at 4x: {result['frames_per_second']} frames/s painted of "
        f"{result['browser_frames_per_second']} the browser drew"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
