"""How quick the page is when all of it has been seen, and how a pen feels; in a browser.

"Sample again" is the time from the click to the new pictures, with a GAN (9 ms of work), on a fresh
page and again after every tab and part has been opened. A stroke of twenty moves is then drawn in
Score: "frame" is the time between two frames while the pen moves (95 of 100 are shorter), "answer"
the time from the pen's lift to what the model sees, "quiet" to the end of all that it began.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from explorer.page.parts import key_of
from explorer.tabs import TABS
from tests.bench.bench_page_start import OURS, ROOT, start
from tests.browser import chromium
from tests.browser.conftest import open_page
from tests.explorer import sweep

AGAIN = """async () => {
  const cells = () => {
    const c = document.querySelector('.ge-image-grid .cells canvas');
    return c.toDataURL();
  };
  const before = cells(), begun = performance.now();
  [...document.querySelectorAll('.ge-panel-sample button')]
    .find(b => b.textContent.includes('Sample again')).click();
  while (cells() === before) await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""
QUIET = """() => ![...document.querySelectorAll('.ge-status[data-kind=busy]')]
  .some(s => s.offsetParent !== null)"""
STROKE = """async ([n, pause]) => {
  const pad = [...document.querySelectorAll('.ge-panel-score .ge-picture-input canvas')]
    .find(c => c.offsetParent !== null);
  const box = pad.getBoundingClientRect(), seen = document.querySelector(
    '.ge-panel-score .ge-seen canvas');
  const send = (type, k) => pad.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 1, button: type === 'pointermove' ? -1 : 0, buttons: 1,
    clientX: box.x + 80 + 90 * k / n, clientY: box.y + 60 + 140 * k / n }));
  pad.setPointerCapture = () => {};
  const frames = []; let last = performance.now(), on = true;
  const tick = now => { frames.push(now - last); last = now; if (on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  send('pointerdown', 0);
  for (let k = 1; k <= n; k++) {
    await new Promise(done => setTimeout(done, pause));
    send('pointermove', k);
  }
  send('pointerup', n);
  on = false;
  const before = seen.toDataURL(), begun = performance.now();
  while (seen.toDataURL() === before && performance.now() - begun < 60000)
    await new Promise(requestAnimationFrame);
  return { frames: frames.slice(1), answer: performance.now() - begun };
}"""


def tour() -> list[tuple[str, str, str]]:
    """(tab, part, model) of all that a person can see, each with the smallest model that can."""
    smallest: dict[str, str] = {}
    for place, name in sweep.swept():
        smallest.setdefault(place, name)
    return [
        (key_of(each), part, smallest.get(f"{key_of(each)}_{part}".rstrip("_"), ""))
        for each in TABS
        for part in [key_of(module) for module in getattr(each, "PARTS", ())] or [""]
    ]


def tab(page: Any, key: str, part: str, model: str) -> None:
    """Opens a tab, and a part of it, with a model, and waits until it has come to rest."""
    page.evaluate("([model, tab]) => { if (model) GE.choose(model); GE.go(tab); }", [model, key])
    if part:
        page.evaluate("([tab, part]) => GE.choosePart(tab, part)", [key, part])
    page.wait_for_timeout(1500)
    page.wait_for_function(QUIET, timeout=120_000)


def again(page: Any, times: int) -> float:
    """Milliseconds of "Sample again", the median."""
    return statistics.median(page.evaluate(AGAIN) for _ in range(times))


def state(page: Any) -> dict[str, int]:
    """What the page holds in the browser."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    client.send("HeapProfiler.collectGarbage")
    told = {
        each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]
    }
    return {
        "heap_mb": round(told["JSHeapUsedSize"] / 2**20), "nodes": int(told["Nodes"]),
        "listeners": int(told["JSEventListeners"]),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--checkpoints", type=Path, default=ROOT / "pretrained")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    from playwright.sync_api import sync_playwright

    seen = tour()
    process, address, _ = start(OURS, "--checkpoints", str(args.checkpoints))
    errors: list[str] = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=chromium.FLAGS
            )  # fmt: skip
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            open_page(page, f"{address}/?model=gan-mnist")
            page.wait_for_timeout(2000)
            again(page, 2)
            fresh, before = again(page, args.times), state(page)
            for key, part, model in seen:
                print(f"  {key} {part} {model} ...", file=sys.stderr, flush=True)
                tab(page, key, part, model)
            tab(page, "sample", "", "gan-mnist")
            worn, after = again(page, args.times), state(page)
            tab(page, "score", "one", "vae-mnist")
            page.locator(".ge-panel-score .ge-source label:visible").nth(1).click()
            page.wait_for_selector(".ge-panel-score .ge-picture-input canvas:visible")
            page.wait_for_timeout(1500)
            stroke = page.evaluate(STROKE, [20, 16])
            begun = page.evaluate("performance.now()")
            page.wait_for_timeout(500)
            page.wait_for_function(QUIET)
            quiet = page.evaluate("performance.now()") - begun + stroke["answer"]
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    frames = sorted(stroke["frames"])
    result = {
        "sample_again_ms": {"fresh": round(fresh), "all_seen": round(worn),
                            "ratio": round(worn / fresh, 2)},
        "fresh": before, "all_seen": after,
        "stroke_ms": {"frame": round(frames[int(0.95 * (len(frames) - 1))]),
                      "longest_frame": round(frames[-1]), "answer": round(stroke["answer"]),
                      "quiet": round(quiet)},
        "script_errors": len(errors),
    }  # fmt: skip
    if args.json:
        print(json.dumps(result))
    else:
        for name, row in result.items():
            print(f"{name:<18}{row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
