"""How long a loaded page takes to open, and a control to answer, with the front end's look-ups by
tables against Gradio's own, in turn, in one browser that has both compiled."""

from __future__ import annotations

import argparse
import json
import statistics
import time

from explorer.server.front_end import FOLDER, NAME
from tests.bench.bench_page_start import OURS, ROOT, start
from tests.browser import chromium


def opened(page, address: str) -> float:
    """Seconds from asking for the page until it has taken its state."""
    begun = time.perf_counter()
    page.goto(f"{address}/?tab=sample&model=vae-mnist")
    page.wait_for_selector("body[data-ge=open]")
    return time.perf_counter() - begun


def busy(page, session) -> float:
    """Seconds that the page's thread works for a press of a button that draws sixteen samples."""

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    page.wait_for_timeout(1500)  # what comes after the opening is not asked for
    before = worked()
    with page.expect_response(lambda answer: "queue/data" in answer.url):
        page.locator(
            "#sample-grid-more, #sample-draw, .ge-panel-sample button.primary"
        ).first.click()
    page.wait_for_timeout(1500)
    return worked() - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    from playwright.sync_api import sync_playwright

    files = [path for path in FOLDER.iterdir() if NAME.fullmatch(path.name)]
    server, address, _ = start(OURS, "--checkpoints", str(ROOT / "pretrained"))
    seconds: dict[str, list[tuple[float, float]]] = {"ours": [], "own": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        for k in range(args.rounds + 1):
            for which, measured in seconds.items():
                context = browser.new_context()
                page = context.new_page()
                if which == "own":
                    for path in files:
                        page.route(
                            f"**/{path.name}", lambda route, path=path: route.fulfill(path=path)
                        )
                session = context.new_cdp_session(page)
                session.send("Performance.enable")
                pair = opened(page, address), busy(page, session)
                if k:  # the first of each fills caches
                    measured.append(pair)
                context.close()
        browser.close()
    server.terminate()
    server.wait(20)
    server.stdout.close()
    result = {
        name: {which: statistics.median(pair[k] for pair in pairs)
               for which, pairs in seconds.items()}
        for k, name in enumerate(("open", "act"))
    }  # fmt: skip
    if args.json:
        print(json.dumps(result))
        return 0
    for name, said in (("open", "the page opens"), ("act", "the browser works for 16 samples")):
        ours, own = result[name]["ours"], result[name]["own"]
        print(f"{said}: {ours:.2f} s, with Gradio's own look-ups {own:.2f} s: {ours / own:.2f}x")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
