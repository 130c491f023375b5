"""How long until the page is up, against a bare one-tab Gradio app measured in the same run.

Each is started from nothing, several times in turn: a process, then a browser with an empty cache.
"HTTP" is the time from starting the process to its first answer; "picture" from starting the
process to the first thing worth looking at: our first sample, their line of text.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.browser import chromium

ROOT = Path(__file__).parents[2]
BARE = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    with gr.Tab("One"):
        gr.Markdown("Nothing here.", elem_id="there")
page.launch(run_history=False, ssr_mode=False)
"""
OURS = "import sys, app; sys.exit(app.main(sys.argv[1:]))"


def start(program: str, *arguments: str) -> tuple[subprocess.Popen, str, float]:
    """Starts a server. Returns the process, its address, seconds until it answered."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program, *arguments],
        cwd=ROOT, env={**os.environ}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    for line in process.stdout:
        if found := re.search(r"http://[\w.]+:\d+", line):
            urllib.request.urlopen(found.group(), timeout=30).read()
            return process, found.group(), time.perf_counter() - begun
    raise RuntimeError("The server did not start.")


def measure(browser, program: str, selector: str, *arguments: str) -> tuple[float, float]:
    """(seconds to the first answer, seconds to the first picture)."""
    begun = time.perf_counter()
    process, url, http = start(program, *arguments)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(selector)
        return http, time.perf_counter() - begun
    finally:
        context.close()
        process.terminate()
        process.wait(20)
        process.stdout.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoints", default=str(ROOT / "pretrained"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    from playwright.sync_api import sync_playwright

    bare, ours = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=chromium.FLAGS
        )  # fmt: skip
        for k in range(args.rounds + 1):
            one = measure(browser, BARE, "#there")
            two = measure(browser, OURS, ".ge-family-map canvas", "--checkpoints", args.checkpoints)
            if k:  # the first round fills the disk's cache
                bare.append(one)
                ours.append(two)
        browser.close()
    result = {}
    for i, name in enumerate(("http", "picture")):
        a, b = (statistics.median(times[i] for times in side) for side in (bare, ours))
        result[name] = {"bare_s": round(a, 2), "ours_s": round(b, 2), "ratio": round(b / a, 2)}
    if args.json:
        print(json.dumps(result))
    else:
        print(f"{'until':<10}{'bare':>8}{'ours':>8}{'ratio':>8}")
        for name, row in result.items():
            print(f"{name:<10}{row['bare_s']:>7}s{row['ours_s']:>7}s{row['ratio']:>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
