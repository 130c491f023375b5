"""Models that stand side by side: those of one data set, asked one after another, quick ones first.

What is compared is told by the model in the picker: the data set and the size of its pictures. A
visitor's own models of the same data join.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.judge import judge_of
from explorer.page.part import failure
from explorer.server.abilities import takes_its_time
from explorer.server.ask import work_of
from explorer.server.jobs import JobError
from explorer.server.reading import is_number, is_whole
from explorer.server.words import data_title

SLOW = 0.7  # seconds from which a wait is worth a word
GLANCE = 0.25  # seconds between two looks at what is being made


class Turn(NamedTuple):
    """One moment of a round: a model begins (neither), has an answer so far, is done, or failed.

    done: how many models are through.
    """

    name: str
    done: int
    answer: Any = None
    through: bool = False
    problem: str = ""


def header_of(context: Context, name: str) -> Any:
    """The chosen model's header; the first one's where none is chosen. Raises ValueError where
    there is no model at all."""
    known = name or context.store.first
    if not known:
        raise ValueError("There are no models here yet: train one, or start with --checkpoints.")
    return context.store.header(known)


def own_models(context: Context, request: Any) -> list[str]:
    """The models that whoever asks has trained or brought, the newest first."""
    if context.visitors is None:
        return []
    try:
        visitor = context.visitors.of(getattr(request, "session_hash", None))
    except JobError:  # a page that has not arrived: it has none
        return []
    return list(reversed(visitor.models))


def fellows(context: Context, name: str, request: Any, *needs: str) -> list[str]:
    """Models of the chosen one's data and image size that have all of these capabilities: a
    visitor's own first, then family by family and the best measured first in each."""
    from models import implementations

    chosen = header_of(context, name)
    own = own_models(context, request)
    families = list(implementations())

    def rank(other: str) -> tuple[Any, ...]:
        header = context.store.header(other)
        value = header.metrics.get("nll_nats", {}).get("value")
        measured = (value is None, value or 0.0)
        return other not in own, families.index(header.family), *measured, header.title

    able = [
        other for other in [*own, *context.store.names]
        if set(needs) <= set(context.store.header(other).capabilities)
        and alike(chosen, context.store.header(other))
    ]  # fmt: skip
    return sorted(dict.fromkeys(able), key=rank)


def alike(header: Any, other: Any) -> bool:
    """Whether two models are of the same data and picture size."""
    same = header.data.get("name") == other.data.get("name")
    return same and list(header.config.get("image", ())) == list(other.config.get("image", ()))


def data_words(header: Any) -> str:
    return data_title(header.data.get("name", ""))


def classes_of_data(context: Context, names: Sequence[str]) -> list[str]:
    """Names of the classes of the data that these models share; none where it has none."""
    for name in names:
        if classes := context.store.header(name).data.get("classes"):
            return list(classes)
    return []


# -- one after another ----------------------------------------------------------------------------


def in_turn(
    context: Context, names: Sequence[str], task: str, begin: Callable[[str], Iterator[Any]]
) -> Iterator[Turn]:
    """Asks each model, those first that are likely to be quick. begin(name) yields answers, the
    last one whole, and None in between. A model that fails has its sentence, the others go on."""
    order = sorted(names, key=lambda other: seconds_of(context, task, other))
    for done, name in enumerate(order):
        yield Turn(name, done)
        begun = time.monotonic()
        try:
            for answer in begin(name):
                yield Turn(name, done, answer)
        except Exception as error:
            sentence = failure(context.store.header(name).title, error)
            yield Turn(name, done + 1, through=True, problem=sentence)
            continue
        _took(context, task, name, time.monotonic() - begun)
        yield Turn(name, done + 1, through=True)


def seconds_of(context: Context, task: str, name: str) -> float:
    """About how long a model takes for a task: as it took here before, else by its size and how
    often it has to be evaluated."""
    known = context.ask.cache.get(("compare-seconds", task, name))
    if known is not None:
        return known
    header = context.store.header(name)
    work = work_of(header, (), {})
    # A chain of an energy has no end of its own; a hundred steps and more are usual.
    steps = max(work.evaluations, 100 if "HasEnergy" in header.capabilities else 1)
    return 1e-9 * header.parameters * steps


def _took(context: Context, task: str, name: str, seconds: float) -> None:
    """Remembers the longest: what is there already takes no time."""
    known = context.ask.cache.get(("compare-seconds", task, name), 0.0)
    context.ask.cache.put(("compare-seconds", task, name), max(known, seconds))


def wait_words(context: Context, task: str, name: str) -> str:
    """How long it takes, in words, where that is worth one: ", about 3 s"."""
    known = context.ask.cache.get(("compare-seconds", task, name))
    if known is None:
        return ", a few seconds" if takes_its_time(context.store.header(name)) else ""
    return f", about {known:.0f} s" if known > SLOW else ""


def judged_by(context: Context, header: Any) -> tuple[str | None, str]:
    """(judge, its title) of a data set; (None, "") where there is none."""
    judge = judge_of(context, header)
    return judge, "" if judge is None else context.store.header(judge).title


# -- settings and words ---------------------------------------------------------------------------


def read_count(count: Any, known: Sequence[int]) -> int:
    if not is_whole(count) or count not in known:
        raise ValueError(f"Ask for {', '.join(map(str, known[:-1]))} or {known[-1]} pictures.")
    return int(count)


def milliseconds(seconds: float) -> str:
    """A short time: "0.4 ms", "12 ms", "1.3 s"."""
    if seconds >= 0.95:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.0f} ms" if seconds > 0.0095 else f"{1000 * seconds:.1f} ms"


def with_error(value: float, error: Any, digits: int = 1) -> str:
    text = f"{value:,.{digits}f}"
    return f"{text} ± {error:.{digits}f}" if is_number(error) and error else text


def rms(x: np.ndarray, y: np.ndarray) -> float:
    """How far pictures are off, the root of the mean square, as a share of black to white."""
    return float(np.sqrt(np.square(x.astype(np.float64) - y).mean()))
