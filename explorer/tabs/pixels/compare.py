"""Every model of a kind writes by the same chances; and what each finds surprising in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.heat_maps.heat_maps import heat_maps
from explorer.components.model_rows.model_rows import model_rows
from explorer.page import saves as export
from explorer.page.address import number, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, failure, screen
from explorer.page.runs import run_row
from explorer.page.snippet import snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.abilities import classes_of
from explorer.server.reading import next_seed
from explorer.server.words import short_count
from explorer.tabs.pixels.alike import (
    COUNT,
    Settings,
    Written,
    alike,
    finished,
    measurements,
    of_one_kind,
    pick_text,
    read_pick,
    read_settings,
    surprised,
    written,
)

TITLE = "Side by side"
ROWS, MAPS = "beside", "beside-maps"

LOOK_FOR = """
* **The same chances.** A value is drawn by one uniform number. Here every model is given the same
  ones, place by place: where two models think alike they draw alike, so the strokes of a column
  often begin at the same place. How soon do they part?
* **Nats are what is compared.** The number beside a model is its mean $-\\log p(x)$ of test
  pictures, lower is better. It is exact for these models, not a bound. One nat less makes every
  test picture $e$ times as likely.
* **Does a better number look better?** Mostly, and not always. Turn the temperature down to 0.7:
  strokes get steadier everywhere, though no model has learned anything.
* **Surprise.** Click a picture. Each map shows where a model would have written something else:
  $-\\log p$ of each value given those before it, and the map's sum is the number below. Inside a
  stroke and far from it little is surprising; what costs is where a stroke begins and ends.
* **Who wrote it?** A model is seldom surprised by its own picture. Choose one written by the model
  with the worst number: the better ones are more surprised by it than its author.
"""


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The models one after another, as they write."""
    yield screen(there=False)
    settings = read_settings(asked.seed, asked.temperature)
    names, levels = alike(context, name), context.store.get(name).levels
    rows: list[tuple[str, Written | None]] = []
    others, failed = 0, []
    for at, other in enumerate(names):
        title = context.store.header(other).title
        try:
            if other not in context.store.loaded:
                words = say(f"Loading {title} …", at / len(names), "busy")
                yield screen(rows=table(context, name, rows), status=words)
            if context.store.get(other).levels != levels:
                others += 1
                continue
            rows.append((other, None))
            for found in written(context, other, settings):
                if found is None or found.part == 1:
                    yield None
                    if found is None:
                        continue
                rows[-1] = (other, found)
                part = (at + found.part) / len(names)
                status = say(f"{title} writes: {found.part:.0%}", part, "busy")
                yield screen(rows=table(context, name, rows), status=status)
        except Exception as error:
            failed.append(failure(title, error))
            rows = [row for row in rows if row[0] != other]
    there = [row[0] for row in rows]
    code = {}
    if there:
        code["code"] = code_of(context, there, settings, *read_pick(asked.pick, there, name))
    words = say(_sentence(len(there), others, settings))
    status = say(" ".join(failed), kind="problem") if failed else words
    yield screen(rows=table(context, name, rows), status=status, there=name in there, **code)


def _sentence(count: int, others: int, settings: Settings) -> str:
    known = f"{count} models wrote {COUNT} pictures each" if count > 1 else (
        f"The only model of its kind here wrote {COUNT} pictures")  # fmt: skip
    left = "" if not others else (
        f" {others} of the same size are left out: their grey levels differ, so their nats are not "
        "comparable.")  # fmt: skip
    return f"{known}, from the same random numbers (seed {settings.seed}).{left}"


def table(
    context: Context, name: str, rows: Sequence[tuple[str, Written | None]]
) -> dict[str, Any]:
    """The value of the rows. A column of measured numbers for each data set and space."""
    _, H, W = context.store.header(name).config["image"]
    headers = [context.store.header(other) for other, _ in rows]
    measured = [measurements(header) for header in headers]
    columns = list(dict.fromkeys(key for each in measured for key in each)) or ["Nats a picture"]
    told = []
    for (other, found), header, numbers in zip(rows, headers, measured, strict=True):
        took = "…" if found is None or found.part < 1 else duration(found.seconds / COUNT)
        missing = ["not measured" if not numbers else "–"] + ["–"] * (len(columns) - 1)
        facts = [numbers.get(key, (gap, ""))[0] for key, gap in zip(columns, missing, strict=True)]
        asked = classes_of(header)
        told.append({
            "key": other,
            "name": header.title,
            "note": f"asked for {asked[0]} to {asked[min(COUNT, len(asked)) - 1]}" if asked else "",
            "on": other == name,
            "facts": [short_count(header.parameters), *facts, took],
            "long": [
                f"{short_count(header.parameters)} parameters",
                *([long for _, long in numbers.values()] or ["not measured"]),
                f"{took} a picture",
            ],
            "sprite": None if found is None else images.sprite(found.x),
        })  # fmt: skip
    heads = ["Parameters", *columns, f"Time per picture ({COUNT} in parallel)"]
    return {
        "heads": heads, "count": COUNT, "h": H, "w": W, "first": f"{name}:0", "rows": told,
    }  # fmt: skip


def duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 0.95 else f"{seconds:.1f} s"


def surprise(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The chosen picture, and how it surprises each model; nothing where nothing was written."""
    if not asked.there:
        return
    settings = read_settings(asked.seed, asked.temperature)
    names = of_one_kind(context, name)
    author, k = read_pick(asked.pick, names, name)
    x = None
    for found in written(context, author, settings):
        if found is not None:
            x = found.x[k : k + 1]
        yield None
    able = set(context.store.having({"HasLikelihood"}))
    readers = [other for other in names if other in able]
    by = context.store.header(author).title
    maps: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    failed, spaces = [], set()
    for at, other in enumerate(readers):
        title = context.store.header(other).title
        try:
            nats, per_pixel, kind, space = surprised(context, other, x)
        except Exception as error:
            failed.append(failure(title, error))
            continue
        arrays.append(per_pixel)
        spaces.add(space)
        limit = "" if kind == "exact" else f" ({kind} of log p)"
        own = ", which wrote it" if other == author else ""
        maps.append(
            {
                "name": f"{title}{own}",
                "note": f"{nats:.1f} nats{limit}",
                "values": packed(per_pixel),
            }
        )
        status = say(f"{title} reads it …", (at + 1) / len(readers), "busy")
        yield screen(maps=maps_value(x, by, k, maps, arrays, len(readers)), said=status)
    words = say(
        f"-log p of picture {k + 1} by {by}, {' and '.join(sorted(spaces))}. "
        "Point at a pixel for its nats under every model."
    )
    yield screen(
        maps=maps_value(x, by, k, maps, arrays, len(maps)),
        said=say(" ".join(failed), kind="problem") if failed else words,
        code=code_of(context, names, settings, author, k),
    )


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


# -- values ---------------------------------------------------------------------------------------


def maps_value(
    x: np.ndarray, by: str, k: int, maps: Sequence[dict], arrays: Sequence[np.ndarray], count: int
) -> dict[str, Any]:
    """The picture, then a map for each model, all on one scale."""
    H, W = x.shape[2:]
    high = max([0.1, *(float(np.quantile(each, 0.995)) for each in arrays)])
    first = {"name": "The picture", "note": f"{k + 1}, by {by}", "picture": images.sprite(x),
             "values": None}  # fmt: skip
    return {
        "h": H, "w": W, "unit": "nats", "digits": 2, "high": high, "legend": "Surprise",
        "maps": [first, *maps], "count": count + 1,
    }  # fmt: skip


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, names: Sequence[str], settings: Settings, author: str, k: int) -> str:
    """The lines that give every model's pictures, and the surprise maps of the chosen one."""
    device = context.store.device_asked
    placed = "" if device in ("auto", "cpu") else f", device={device!r}"
    folders = {name: in_code(context.store.header(name).folder) for name in names}
    classes = {name: len(classes_of(context.store.header(name))) for name in names}
    D = math.prod(context.store.header(author).config["image"])
    asked = {folders[name]: count for name, count in classes.items() if count}
    lines = [
        f"names = {list(folders.values())!r}",
        f"models = {{name: load(name{placed}) for name in names}}",
        f"u = uniform(({COUNT}, {D}), Streams.of(generator({settings.seed}), {COUNT}), 'cpu')",
        "pictures, maps = {}, {}",
    ]
    label = given = ""
    more = f", temperature={settings.temperature!r}" if settings.temperature != 1 else ""
    if asked:
        label, given = ", label", ", label=label"
        lines.append(f"classes = {asked!r}")
    lines.append("for name, model in models.items():")
    if asked:
        lines.append(
            f"    label = torch.arange({COUNT}) % classes[name] if name in classes else None"
        )
    lines += [
        f"    *_, frame = model.write_steps(u{label}{more}, every={D})",
        "    pictures[name] = frame.x",
        "",
        f"picture = pictures[{folders[author]!r}][{k}:{k + 1}]",
        "for name, model in models.items():",
        "    x = picture",
    ]
    if asked:
        lines += [
            "    label = torch.arange(classes[name]) if name in classes else None",
            "    x = picture.expand(classes.get(name, 1), -1, -1, -1)  # given each of its classes",
        ]
    lines += [
        f"    found = model.log_likelihood(x, generator(0){given}, binarise=False)",
        "    maps[name] = -found.per_pixel.sum(1)  # (B, H, W) nats",
    ]
    return snippet(*lines)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: every model's pictures as one sheet."""
    settings = read_settings(asked.seed, asked.temperature)
    names = of_one_kind(context, name)
    pixels = as_bytes(np.concatenate([finished(context, other, settings).x for other in names]))
    data = images.png_bytes(images.grid_image(pixels, columns=COUNT, scale=4, gap=6))
    return components.file(f"writers-seed-{settings.seed}.png", data, "image/png")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "writers-again", "writers-stop")
            temperature = gr.Slider(
                0.1, 2, 1, step=0.05, label="Temperature", elem_id="writers-temperature",
                info="Below 1 the likely gets likelier.",
            )  # fmt: skip
            seed = gr.Number(0, label="Seed", precision=0, elem_id="writers-seed")
            png = gr.Button("Save the pictures as PNG", size="sm", elem_id="writers-png")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            rows = model_rows(ROWS, label="What each model writes by the same chances")
            components.heading(
                "How surprised is each model?",
                "Click a picture above. Its nats under every model, pixel by pixel, on one scale.",
            )
            said = components.status()
            maps = heat_maps(MAPS, label="Surprise maps of the chosen picture", largest=196)
            there = gr.State(False)

    part.controls(seed=seed, temperature=temperature, pick=rows.choice, there=there)
    part.outputs(
        rows=rows.view, status=status, code=notes.code, there=there, stop=halt, maps=maps.view,
        said=said, seed=seed,
    )  # fmt: skip
    for event in (
        part.arrives(show),
        part.on(more.click, again, main=True),
        part.on([seed.input, temperature.input], show),
    ):
        part.on(event.then, surprise, run="maps", status="said")
    part.on(rows.choice.pick, surprise, run="maps", status="said")
    part.stops(halt, runs=("main", "maps"))
    part.saves(export.SaveButtons({"png": png}, saver), save)
    context.remember("pixels.beside.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.beside.temperature", temperature, parse=number(0.1, 2))
    context.remember("pixels.beside.picture", rows.choice, parse=pick_text)
