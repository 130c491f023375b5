"""Many pictures: each is scored, and the strangest stand on top."""

from __future__ import annotations

import base64
import textwrap
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.score_table.score_table import score_table
from explorer.components.verdict.verdict import ALARM
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.examples import examples
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.reading import is_number, next_seed
from explorer.tabs.score.beside import as_csv, numbers, percent, rank, verdict
from explorer.tabs.score.one import score_control
from explorer.tabs.score.scored import (
    LIKELIHOOD,
    SPACES,
    Found,
    at_a_time,
    at_once,
    bits_per_dim,
    help_of,
    in_turn,
    joined,
    judged,
    offered,
    read_score,
    read_seed,
    reference,
)

TITLE = "Many pictures"
PAUSE = 0.4  # seconds between two looks at the table while it grows

LOOK_FOR = """
* **Sort by strangeness** and look where the first wrong one stands. What did it look at?
* **Two columns, two orders.** Sort by $-\\log p$, then by the score. Which pictures move most?
  The simple and the busy ones.
* **The share of false alarms** is a promise about the model's own test pictures only. Of your
  pictures, as many more will be flagged as they differ from these.
* **The frame counts.** A picture is cut and turned to look like the model's data before it is
  scored; what comes out small, thin or inverted is strange for that reason alone.
"""


class Pile(NamedTuple):
    """Pictures to score. names: N. pixels: (N, C, H, W) uint8. problems: (name, sentence) of what
    could not be used."""

    names: tuple[str, ...]
    pixels: np.ndarray
    problems: tuple[tuple[str, str], ...]


# -- what is computed -----------------------------------------------------------------------------


def read_files(
    context: Context, name: str, files: Sequence[str], polarity: str
) -> Iterator[Pile | None]:
    """Yields None after each file, and last the pile."""
    header = context.store.header(name)
    shape = tuple(header.config["image"])
    names, pixels, problems = [], [], []
    for path in files:
        if len(names) >= images.MAX_MANY:
            problems.append((Path(path).name, f"Only the first {images.MAX_MANY} were taken."))
            continue
        room, ground = images.MAX_MANY - len(names), header.data.get("ground", "")
        opened, bad = images.open_many([path], room, images.SIDE, ground)
        problems += bad
        for each, picture in opened:
            framed = images.prepare(picture, shape, header.data.get("name", ""), polarity)
            names.append(each)
            pixels.append(as_bytes(framed.pixels))
        yield None
    stacked = np.stack(pixels) if pixels else np.zeros((0, *shape), np.uint8)
    yield Pile(tuple(names), stacked, tuple(problems))


def pile(context: Context, name: str, files: Any, polarity: Any) -> Iterator[Pile | None]:
    """The pictures that the controls mean, the examples where no file was brought."""
    if not files:
        shown = examples(context, name)
        names = tuple(each.words[0].upper() + each.words[1:] for each in shown)
        yield Pile(names, np.stack([each.pixels for each in shown]), ())
        return
    polarity = polarity if polarity in ("auto", "keep", "invert") else "auto"
    paths = tuple(map(str, files))
    yield from context.ask.kept_steps(
        ("score-pile", name, paths, polarity), lambda: read_files(context, name, paths, polarity)
    )


def found_of(
    context: Context, name: str, given: Pile, score: str, seed: int
) -> Iterator[Found | None]:
    """The score of as many pictures as there are yet; the last are all. None to be ended at."""
    import hashlib

    def steps() -> Iterator[Found | None]:
        parts, looked = [], 0.0
        for part in in_turn(context, name, given.pixels, [score], seed):
            parts.append(part[score])
            done = sum(len(each.values) for each in parts) == len(given.names)
            if not done and time.monotonic() - looked < PAUSE:
                yield None
                continue
            looked = time.monotonic()
            yield joined(parts)

    digest = hashlib.sha256(given.pixels.tobytes()).hexdigest()[:16]
    yield from context.ask.kept_steps(("score-many", name, digest, score, seed), steps)


def read_alarm(alarm: Any) -> float:
    """Percent to a share. Raises ValueError with one sentence."""
    if not is_number(alarm) or not 0 <= alarm <= 100:
        raise ValueError("The share of false alarms must be a number from 0 to 100 per cent.")
    return float(alarm) / 100


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The table, as pictures are scored; then their likelihoods."""
    alarm, seed, score = read(context, name, asked)
    yield screen(status=say("Reading the files …", kind="busy"))
    given = None
    for given in pile(context, name, asked.files, asked.polarity):
        if given is None:
            yield None
    if not given.names:
        yield screen(table=as_problems(given))
        raise ValueError("None of these files could be used; the table says why of each.")
    found = likely = None
    passes = [score] if score == LIKELIHOOD else [score, LIKELIHOOD]
    for turn, each in enumerate(passes):
        if each not in offered(context, name):
            continue
        if turn and found is not None and found.likelihood is not None:
            likely = found
            continue
        for part in found_of(context, name, given, each, seed):
            if part is None:
                yield None
                continue
            found, likely = (part, likely) if turn == 0 else (found, part)
            done = (len(part.values) / len(given.names) + turn) / len(passes)
            words = f"{len(part.values)} of {len(given.names)} pictures scored"
            words += ", now their likelihoods" if turn else ""
            table = as_table(context, name, given, score, found, likely, alarm)
            yield screen(table=table, status=say(words, done, "busy"))
    likely = found if found.likelihood is not None else likely
    table = as_table(context, name, given, score, found, likely, alarm)
    words = sentence(context, name, asked.files, given, score, found, alarm)
    code = code_of(context, name, given, score, seed)
    yield screen(table=table, status=say(words), code=code)


def code_of(context: Context, name: str, given: Pile, score: str, seed: int) -> str:
    """The lines that give the scores of as many of the pictures as are scored at once."""
    pixels = given.pixels[: at_a_time(context, name)]
    packed = base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode("ascii")
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(packed, 88))
    return snippet(
        loading(context, name),
        call("header = read_header", in_code(context.store.header(name).folder)),
        "reference = read_reference(header.folder)  # scores of whole data sets, or None",
        "background = background_of(header, [header.folder.parent])",
        f"pixels = zlib.decompress(base64.b64decode(\n{lines}\n))",
        f"x = torch.tensor(list(pixels)).view{pixels.shape!r} / 255",
        call(
            "found = score_each", raw("model"), raw("x.to(model.device)"), [score], seed,
            raw("reference"), raw("background"),
        ),
        f"strangeness = found[{score!r}].values.tolist()  # higher is stranger",
    )  # fmt: skip


def read(context: Context, name: str, asked: Asked) -> tuple[float, int, str]:
    """(share of false alarms, seed, score). Raises ValueError with one sentence."""
    return read_alarm(asked.alarm), read_seed(asked.seed), read_score(context, name, asked.score)


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def explain(context: Context, name: str, asked: Asked) -> Screen:
    """What the chosen score is."""
    return screen(score=gr.Dropdown(info=help_of(asked.score)))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its scores, then the table."""
    yield screen(score=score_control(context, name, asked.score))
    yield from show(context, name, asked)


def sentence(
    context: Context, name: str, files: Any, given: Pile, score: str, found: Found, alarm: float
) -> str:
    words = f"{len(given.names)} pictures" if files else (
        f"{len(given.names)} built-in examples (drop your own above)")  # fmt: skip
    if reference(context, name) is not None:
        own = at_once(context, name, score)[0].values
        flagged = sum(judged(float(v), own, alarm).strange for v in found.values)
        words += f"; {flagged} flagged: stranger than {percent(1 - alarm)} of the test pictures"
    if given.problems:
        words += f"; {len(given.problems)} could not be used, see below"
    return words + "."


def as_table(
    context: Context, name: str, given: Pile, score: str, found: Found, likely: Found | None,
    alarm: float,
) -> dict[str, Any]:  # fmt: skip
    """The value of the table; pictures that are not scored yet are left out."""
    from models.scores.registry import SCORES

    own = None
    if reference(context, name) is not None:
        own = at_once(context, name, score)[0].values
    shape = given.pixels.shape[1:]
    columns = [
        {"name": "Picture"},
        {"name": "Verdict", "verdict": True},
        {"name": "Percentile", "number": True},
        {"name": f"{SCORES[score].title}, {SCORES[score].unit}", "number": True},
    ]
    told = likely.likelihood if likely is not None else found.likelihood
    bits = told is not None and told.space == "uint8"
    if told is not None:
        space = SPACES.get(told.space, told.space)
        columns.append({"name": f"−log p(x), nats ({told.kind}, {space})", "number": True})
        columns += [{"name": "Bits/dim", "number": True}] if bits else []
    rows = []
    for k, value in enumerate(found.values):
        place = None if own is None else judged(float(value), own, alarm)
        cells = [
            [given.names[k], given.names[k]],
            [verdict(place and place.strange), place and int(place.strange)],
            [rank(place and place.percentile), place and place.percentile],
            [as_text(float(value), found.stderr, k), float(value)],
        ]
        if told is not None:
            nats = float(told.nats[k]) if k < len(told.nats) else None
            cells.append(["…" if nats is None else f"{nats:,.1f}", nats])
            if bits:
                each = None if nats is None else bits_per_dim(nats, shape)
                cells.append(["…" if each is None else f"{each:.3f}", each])
        rows.append({"cells": cells, "picture": k})
    return {
        "columns": columns, "sort": [3, True], "sprite": images.sprite(given.pixels),
        "rows": [*rows, *as_problems(given)["rows"]],
    }  # fmt: skip


def as_text(value: float, stderr: np.ndarray | None, k: int) -> str:
    """A score, with its error where it is a mean over draws of the picture's pixels."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"
    return text if stderr is None or not stderr[k] else f"{text} ± {float(stderr[k]):.2g}"


def as_problems(given: Pile) -> dict[str, Any]:
    """A table of what could not be used alone."""
    return {
        "columns": [{"name": "Picture"}, {"name": ""}], "sort": None, "sprite": None,
        "rows": [{"group": "Could not be used", "cells": [[each, each]], "says": words}
                 for each, words in given.problems],
    }  # fmt: skip


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the table as CSV, in the order in which the pictures came."""
    alarm, seed, score = read(context, name, asked)
    *_, given = pile(context, name, asked.files, asked.polarity)
    rows: list[dict[str, Any]] = []
    for each in dict.fromkeys((score, LIKELIHOOD)):
        if each not in offered(context, name) or not given.names:
            continue
        *_, found = found_of(context, name, given, each, seed)
        own = at_once(context, name, each, seed)[0].values
        stored = reference(context, name) is not None
        for k, value in enumerate(found.values):
            place = judged(float(value), own, alarm) if stored else None
            cells = numbers(context, name, each, found, place, k)
            rows.append({"file": given.names[k], "model": name, **cells, "problem": ""})
    blank = dict.fromkeys(rows[0] if rows else ("file", "model", "problem"), "")
    rows += [{**blank, "file": each, "model": name, "problem": words}
             for each, words in given.problems]  # fmt: skip
    return components.file(f"{name}-pictures.csv", as_csv(rows), "text/csv")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    from models.scores.registry import SCORES

    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Score again", "many-again", "many-stop")
            files = gr.File(label="Pictures, or zip files of them", file_count="multiple",
                            height=120, elem_id="many-files", elem_classes="ge-files")  # fmt: skip
            polarity = gr.Dropdown(
                [("automatic", "auto"), ("as it is", "keep"), ("inverted", "invert")], value="auto",
                label="Polarity", filterable=False, elem_id="many-polarity",
            )  # fmt: skip
            score = gr.Dropdown([(s.title, key) for key, s in SCORES.items()], value=None,
                                label="Score", info=" ", filterable=False, elem_id="many-score",
                                elem_classes="ge-score")  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                alarm = gr.Number(100 * ALARM, label="False alarms, %", step=0.5,
                                  elem_id="many-alarm")  # fmt: skip
                seed = gr.Number(0, label="Seed", precision=0, elem_id="many-seed")
            csv = gr.Button("Table as CSV", size="sm", elem_id="many-csv")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            table = score_table(label="Pictures and their scores", most=720, room=480)

    part.controls(files=files, polarity=polarity, score=score, alarm=alarm, seed=seed)
    part.outputs(table=table, status=status, code=notes.code, stop=halt, score=score, seed=seed)
    context.keep_until_gone(files)
    part.arrives(arrive)
    part.on(more.click, again, main=True)
    part.on([files.change, *(c.input for c in (polarity, score, alarm, seed))], show)
    part.on(score.input, explain)
    part.stops(halt)
    part.saves(export.SaveButtons({"csv": csv}, saver), save)
    context.remember("score.many.by", score, parse=one_of(SCORES))
    context.remember("score.many.alarm", alarm, parse=number(0, 100))
    context.remember("score.many.seed", seed, parse=whole(0, 2**53 - 1))
