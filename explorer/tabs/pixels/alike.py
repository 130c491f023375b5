"""Models that write pictures of one kind: what they write by the same chances, how each was
measured, and how surprising a picture is to each."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.server.abilities import classes_of, takes
from explorer.server.ask import Seed
from explorer.server.reading import is_number
from explorer.server.words import data_title
from models.contract.knobs import checked_seed

log = logging.getLogger(__name__)

COUNT = 8
COLDEST, HOTTEST = 0.05, 10.0
# Values between two moments at which writing can be ended, and seconds between two looks at it.
EVERY, PAUSE = 28, 0.25


class Settings(NamedTuple):
    seed: int = 0
    temperature: float = 1.0


class Written(NamedTuple):
    """x: (N, C, H, W) float32 in [0, 1], what there is so far. part: from 0 to 1. seconds: of
    computing, for all N at once. labels: (N,) the classes asked for, or None."""

    x: np.ndarray
    part: float
    seconds: float
    labels: np.ndarray | None


def read_settings(seed: Any, temperature: Any) -> Settings:
    """Checked settings. Raises ValueError with one sentence."""
    checked_seed(seed)
    if not is_number(temperature) or not COLDEST <= temperature <= HOTTEST:
        raise ValueError(f"The temperature must be a number from {COLDEST:g} to {HOTTEST:g}.")
    return Settings(int(seed), float(temperature))


def alike(context: Context, name: str) -> list[str]:
    """Models that write pictures of the same size, from headers alone: those of the same data
    first, the best measured first among them, what was not measured last."""
    chosen = context.store.header(name)

    def rank(other: str) -> tuple[Any, ...]:
        header = context.store.header(other)
        value = value_of(header.metrics.get("nll_nats"))
        return header.data.get("name") != chosen.data.get("name"), value is None, value or 0.0

    names = context.store.having({"Samples", "WritesPixels"})
    shape = list(chosen.config["image"])
    same = [n for n in names if list(context.store.header(n).config["image"]) == shape]
    return sorted(same, key=rank)


def of_one_kind(context: Context, name: str) -> list[str]:
    """Those of ``alike`` with as many levels. Loads them all; what cannot be loaded is left out."""
    found = []
    levels = context.store.get(name).levels
    for other in alike(context, name):
        try:
            if context.store.get(other).levels == levels:
                found.append(other)
        except (ValueError, RuntimeError, OSError):
            log.warning("Left out %s, which cannot be loaded.", other)
    return found


def value_of(metric: Any) -> float | None:
    value = metric.get("value") if isinstance(metric, dict) else metric
    return float(value) if is_number(value) else None


def written(context: Context, name: str, settings: Settings) -> Iterator[Written | None]:
    """N pictures of a model, looked at now and then, None in between; the last is the whole.

    A model that is asked for classes is asked for one after another. What was written before is
    there at once.
    """
    return context.ask.kept_steps(
        ("pixels-beside", name, settings), lambda: _steps(context, name, settings)
    )


def _steps(context: Context, name: str, settings: Settings) -> Iterator[Written | None]:
    from models import Streams, generator, uniform

    header = context.store.header(name)
    classes = len(classes_of(header))
    size = math.prod(header.config["image"])
    rng = Streams.of(generator(settings.seed), COUNT)
    u = uniform((COUNT, size), rng, "cpu").numpy()
    label = np.arange(COUNT) % classes if classes else None
    frames = context.ask.steps(
        name, "write_steps", u, label, settings.temperature, every=EVERY
    )  # fmt: skip
    seconds, looked = 0.0, time.monotonic()
    while True:
        begun = time.perf_counter()
        frame = next(frames)
        seconds += time.perf_counter() - begun
        done = frame.step == frame.total
        if not done and time.monotonic() - looked < PAUSE:
            yield None
            continue
        looked = time.monotonic()
        yield Written(frame.x, frame.step / frame.total, seconds, label)
        if done:
            return


def finished(context: Context, name: str, settings: Settings) -> Written:
    *_, last = written(context, name, settings)
    return last


def read_pick(pick: Any, names: Sequence[str], default: str) -> tuple[str, int]:
    """Whose picture and which one was chosen, "NAME:K"; the default's first where none of these."""
    author, _, k = str(pick or "").rpartition(":")
    if author in names and k.isascii() and k.isdigit() and int(k) < COUNT:
        return author, int(k)
    return default, 0


def pick_text(text: str) -> str:
    """The parser of a choice in addresses. Raises ValueError where it cannot be one."""
    if len(text) > 200 or not re.fullmatch(r"[\w. -]+:\d", text):
        raise ValueError("This is no picture.")
    return text


def measurements(header: Any) -> dict[str, tuple[str, str]]:
    """What was measured on test pictures: (number, and as words alone) by the head of its column.

    Numbers of different spaces or data have different columns.
    """
    data = data_title(header.data.get("name", ""))
    found = {}
    for metric, unit, digits in (("nll_nats", "nats", 2), ("bpd", "bits/dim", 3)):
        facts = header.metrics.get(metric)
        value = value_of(facts)
        if value is None:
            continue
        facts = facts if isinstance(facts, dict) else {}
        space, kind = facts.get("space") or "", facts.get("kind") or ""
        if metric == "bpd" and space not in ("", "uint8"):
            continue
        error = facts.get("stderr")
        text = f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if is_number(error) else "")
        notes = ", ".join(word for word in (kind, space, f"{data} test") if word)
        head = ", ".join(w for w in (f"{unit.capitalize()}, {data} test", space) if w)
        found[head] = (f"{text} {kind}".strip(), f"{text} {unit} ({notes})")
    return found


def surprised(context: Context, name: str, x: np.ndarray) -> tuple[float, np.ndarray, str, str]:
    """(-log p(x) in nats, its share of each pixel (H, W), kind, space) of one picture (1, C, H, W).

    Where a model is asked for classes, p(x) is the mean over them: log 1/K sum_k p(x | k).
    """
    from scipy.special import logsumexp, softmax

    model, classes = context.store.get(name), len(classes_of(context.store.header(name)))
    more: dict[str, Any] = {}
    if takes(model, "binarise", "log_likelihood"):
        more["binarise"] = False
    if classes and takes(model, "label", "log_likelihood"):
        more["label"] = np.arange(classes)
        x = np.repeat(x, classes, 0)
    found = context.ask(name, "log_likelihood", x, Seed(0), **more)
    each = found.nats.astype(np.float64)
    total = logsumexp(each) - math.log(len(each))
    shares = softmax(each)[:, None, None, None]
    pixels = (found.per_pixel.astype(np.float64) * shares).sum(0)
    pixels = pixels + (total - pixels.sum()) / pixels.size
    return -float(total), -pixels.sum(0), found.kind, found.space
