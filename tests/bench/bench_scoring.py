"""Scoring: pictures a second for every shipped model, and a hundred uploads from files to a table.

Each model is given 64 pictures, samples of its own data's size, by the score that the page opens
with and by its likelihood, in the parts in which the page scores them (the first part, which loads
and warms up, is not counted). A denoiser's likelihood takes a thousand levels: it is timed over
eight pictures. The uploads are photographs of 640 x 480 as JPEG, framed and scored by one model.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import explorer
from explorer.page.examples import drawn
from explorer.page.part import Asked
from explorer.server.abilities import walks
from explorer.tabs.score import many
from explorer.tabs.score.scored import LIKELIHOOD, default_score, in_turn

UPLOADS = 100


def rate(context, name: str, score: str, turns: int) -> float:
    """Pictures a second, the median of the turns."""
    few = 8 if walks(context.store.header(name)) else 64
    pixels = np.resize(drawn(context, name), (few, *drawn(context, name).shape[1:]))
    rates = []
    for turn in range(turns + 1):
        started = time.perf_counter()
        for _ in in_turn(context, name, pixels, [score], turn):
            pass
        rates.append(few / (time.perf_counter() - started))
    return statistics.median(rates[1:])


def photographs(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = []
    for k in range(UPLOADS):
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        file = io.BytesIO()
        small.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG")
        path = folder / f"{k:03}.jpg"
        path.write_bytes(file.getvalue())
        paths.append(str(path))
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--uploads-by", default="vae-fashion")
    args = parser.parse_args()
    context = explorer.Context.create(device="cpu")
    print(f"pictures a second, {torch.get_num_threads()} threads, median of {args.turns}")
    for name in context.store.having({"HasLikelihood", "Samples"}):
        usual = default_score(context, name)
        told = [
            f"{score} {rate(context, name, score, args.turns):8.1f}"
            for score in dict.fromkeys((usual, LIKELIHOOD))
        ]
        print(f"{name:20} {'   '.join(told)}")
    with tempfile.TemporaryDirectory() as folder:
        paths = photographs(Path(folder))
        started, first = time.perf_counter(), None
        asked = Asked(files=paths, polarity="auto", score=None, alarm=5, seed=0)
        for changes in many.show(context, args.uploads_by, asked):
            if first is None and changes and changes.get("table", {}).get("rows"):
                first = time.perf_counter() - started
        whole = time.perf_counter() - started
    print(f"{UPLOADS} uploads by {args.uploads_by}: first rows {first:.1f} s, all {whole:.1f} s")


if __name__ == "__main__":
    main()
