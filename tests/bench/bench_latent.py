"""The Latent space pad in Chromium, and decoding, each beside what it is measured against.

* Decode of 1,024 codes.
* Frames a second on the pad while the pointer moves over it, beside the browser's own rate.
* From pressing the pointer to the exact picture on screen, against a bare Gradio page whose
  unqueued event returns constant bytes of the same size: the two take turns in one run. When the
  pointer moves instead of being pressed, the pad first waits 40 ms to see whether it rests.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from tests.bench.bench_page_start import OURS, start
from tests.browser import chromium

ROOT = Path(__file__).parents[2]

CONSTANT = """
import base64, sys
import gradio as gr
SIZE = int(sys.argv[1])
SCRIPT = '''
const c = element.querySelector('canvas'), g = c.getContext('2d'), out = element.querySelector('i');
c.onpointerdown = () => { props.asked = (props.asked || 0) + 1; trigger('ask'); };
watch('value', () => {
  const bytes = Uint8Array.from(atob(props.value.b64), x => x.charCodeAt(0));
  const image = g.createImageData(c.width, c.height);
  for (let i = 0; i < c.width * c.height; i++) image.data.fill(bytes[i], 4 * i, 4 * i + 3);
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  g.putImageData(image, 0, 0);
  c.dataset.exact = props.value.k;
});'''
count = 0
def answer():
    global count
    count += 1
    return {"b64": base64.b64encode(bytes([count % 251]) * SIZE).decode(), "k": str(count)}
with gr.Blocks(analytics_enabled=False) as page:
    area = gr.HTML(None, html_template="<canvas width=28 height=28 style='width:280px'></canvas>",
                   js_on_load=SCRIPT, apply_default_css=False)
    area.ask(answer, None, area, queue=False, show_progress="hidden", api_visibility="private")
page.launch(run_history=False, ssr_mode=False)
"""

# The time from a press to the next picture that is marked as exact.
STOPWATCH = """canvas => {
  window.taken = null;
  let begun = null;
  addEventListener('pointerdown', () => { begun = performance.now(); window.taken = null; }, true);
  new MutationObserver(() => {
    if (begun !== null && canvas.dataset.exact) {
      window.taken = performance.now() - begun;
      begun = null;
    }
  }).observe(canvas, { attributes: true, attributeFilter: ['data-exact'] });
}"""

# How many of the browser's frames were given another picture than the one before. What is painted
# is looked at on its way to the canvas: reading the canvas back would itself cost frames.
COUNTER = """canvas => {
  const count = window.counted = { frames: 0, changed: 0, begun: performance.now() };
  const draw = GE.draw;
  let last = 0, now = 0;
  GE.draw = (target, sprite, k) => {
    if (target === canvas) {
      now = 7;
      for (const v of sprite.bytes) now = (Math.imul(now, 31) + v) | 0;
    }
    draw(target, sprite, k);
  };
  const look = () => {
    count.frames++;
    if (now !== last) count.changed++;
    last = now;
    count.seconds = (performance.now() - count.begun) / 1000;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


# Moves the pointer 125 times a second, as a mouse does. Made in the page: moves sent from outside
# come only as fast as the two processes take turns.
POINTER = """field => {
  let k = 0;
  setInterval(() => {
    const b = field.getBoundingClientRect();
    k++;
    window.counted.moves = k;
    field.dispatchEvent(new PointerEvent('pointermove', {
      bubbles: true, pointerType: 'mouse',
      clientX: b.left + b.width * (0.5 + 0.45 * Math.sin(k / 90)),
      clientY: b.top + b.height * (0.5 + 0.45 * Math.sin(k / 67)),
    }));
  }, 8);
}"""


def press(page, x: float, y: float) -> float:
    """Milliseconds from pressing at a place to the picture."""
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_function("() => window.taken !== null")
    page.mouse.up()
    return page.evaluate("() => window.taken")


def without_dots(page) -> None:
    """Takes the test pictures off the pad; a model that does not encode has none."""
    dots = page.locator(".ge-latent-pad input.dots")
    if dots.is_visible():
        dots.uncheck()


def latency(browser, ours: str, constant: str, rounds: int) -> dict:
    pages = []
    for url, canvas, field in (
        (ours, ".ge-latent-pad .picture", ".ge-latent-pad .field"),
        (constant, "canvas", "canvas"),
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_selector(field)
        page.wait_for_selector(f"{canvas}[data-exact]" if url == ours else canvas)
        if url == ours:
            without_dots(page)
        page.wait_for_timeout(3000)
        page.eval_on_selector(canvas, STOPWATCH)
        pages.append((page, page.locator(field).bounding_box()))
    times: list[list[float]] = [[], []]
    for k in range(rounds + 3):
        for (page, box), into in zip(pages, times, strict=True):
            across, down = (0.11 + 0.37 * k) % 0.8 + 0.1, (0.07 + 0.23 * k) % 0.8 + 0.1
            page.bring_to_front()
            taken = press(page, box["x"] + across * box["width"], box["y"] + down * box["height"])
            if k >= 3:
                into.append(taken)
            # What follows a press (strips through the new place) is not part of it.
            page.wait_for_timeout(500)
    for page, _ in pages:
        page.close()
    mine, theirs = (statistics.median(part) for part in times)
    return {
        "exact_ms": round(mine, 1),
        "constant_ms": round(theirs, 1),
        "ratio": round(mine / theirs, 2),
        "exact_p95_ms": round(sorted(times[0])[int(0.95 * len(times[0]))], 1),
        "constant_p95_ms": round(sorted(times[1])[int(0.95 * len(times[1]))], 1),
    }


def frames(browser, url: str, seconds: float) -> dict:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_selector(".ge-latent-pad .picture[data-exact]")
    without_dots(page)
    page.wait_for_timeout(3000)
    page.eval_on_selector(".ge-latent-pad .picture", COUNTER)
    page.eval_on_selector(".ge-latent-pad .field", POINTER)
    page.wait_for_timeout(1000 * seconds)
    counted = page.evaluate("() => window.counted")
    page.close()
    return {
        "frames_per_second": round(counted["changed"] / counted["seconds"], 1),
        "browser_frames_per_second": round(counted["frames"] / counted["seconds"], 1),
        "pointer_moves_per_second": round(counted["moves"] / counted["seconds"], 1),
    }


def decoding(folder: Path, name: str | None, n: int = 1024, rounds: int = 5) -> dict:
    from explorer.page.context import Context
    from explorer.tabs.latent import codes
    from models.contract.random import generator, normal

    context = Context.create(folder)
    name = name or context.store.having({"Decodes"})[0]
    z = normal((n, codes.dimensions(context, name)), generator(0), "cpu").numpy()
    codes.decode(context, name, z)
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        codes.decode(context, name, z)
        times.append(time.perf_counter() - begun)
    return {"model": name, "codes": n, "seconds": round(statistics.median(times), 3)}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, default=ROOT / "pretrained")
    parser.add_argument("--model", help="whose codes (default: the first that decodes)")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)

    from playwright.sync_api import sync_playwright

    result = {"decode": decoding(args.checkpoints, args.model)}
    name = result["decode"]["model"]
    from models.checkpoints.header import read_header

    size = 1
    for side in read_header(args.checkpoints / name).config["image"]:
        size *= side
    servers = []
    try:
        servers.append(start(OURS, "--checkpoints", str(args.checkpoints)))
        servers.append(start(CONSTANT, str(size)))
        ours = f"{servers[0][1]}/?tab=latent&model={name}"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=chromium.FLAGS
            )  # fmt: skip
            result["drag"] = frames(browser, ours, args.seconds)
            result["latency"] = latency(browser, ours, servers[1][1], args.rounds)
            browser.close()
    finally:
        for process, *_ in servers:
            process.terminate()
            process.wait(20)
            process.stdout.close()
    if args.json:
        print(json.dumps(result))
        return 0
    decode, drag, wait = result["decode"], result["drag"], result["latency"]
    print(f"decode of {decode['codes']:,} codes ({decode['model']}): {decode['seconds']} s")
    print(
        f"pad drag: {drag['frames_per_second']} frames/s shown of "
        f"{drag['browser_frames_per_second']} the browser drew, "
        f"{drag['pointer_moves_per_second']:.0f} pointer moves/s"
    )
    print(
        f"exact picture: {wait['exact_ms']} ms (p95 {wait['exact_p95_ms']}); constant bytes by an "
        f"unqueued event: {wait['constant_ms']} ms (p95 {wait['constant_p95_ms']}); "
        f"ratio {wait['ratio']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
