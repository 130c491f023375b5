"""What a person brings to train on: their own pictures or text, a data set of the Hub, or a known
one that is not on this machine yet."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.components.choices.choices import Choices
from explorer.components.image_grid.image_grid import image_grid
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.pictures import images
from explorer.server.jobs import JobError
from explorer.server.reading import NotYet
from explorer.tabs.train import keep, pictures, setup, texts
from explorer.tabs.train.mine import whose

if TYPE_CHECKING:
    from models.data.fetching import Progress

log = logging.getLogger(__name__)

HUB_BYTES = 1_000_000_000  # of a data set that is fetched for a visitor


class Panels(NamedTuple):
    """own, text, hub, absent: what is on screen while such data are chosen. events: a data set has
    come."""

    own: gr.Column
    text: gr.Column
    hub: gr.Column
    absent: gr.Column
    events: list[Any]


def bring_pictures(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Makes a data set of the files. The one chosen so far gives way where it is of the same
    pictures, made otherwise."""
    paths = [str(getattr(file, "name", file)) for file in asked.files or []]
    yield screen(preview=None, brought=say("Reading them …" if paths else "", kind="busy"))
    if not paths:
        return
    visitor = whose(context, asked)
    found = pictures.bring(paths, int(asked.side), asked.colour == "grey", visitor.folder)
    if setup.is_own(asked.data):
        visitor.data.pop(asked.data, None)
    visitor.data[found.described.name] = found.described
    yield screen(
        datasets=setup.datasets(context, visitor), data=found.described.name,
        preview=images.sprite(found.preview), brought=say(found.words),
    )  # fmt: skip


def bring_text(context: Context, name: str, asked: Asked) -> Screen | None:
    """Makes a data set of the text that was pasted."""
    return _bring_text(context, asked, texts.pasted(asked.pasted))


def bring_file(context: Context, name: str, asked: Asked) -> Screen | None:
    """Makes a data set of a text file."""
    if not asked.file:
        return None
    return _bring_text(context, asked, texts.of_file(str(getattr(asked.file, "name", asked.file))))


def _bring_text(context: Context, asked: Asked, text: str) -> Screen:
    visitor = whose(context, asked)
    described, words = texts.bring(text, visitor.folder)
    if setup.is_own_text(asked.data):
        visitor.data.pop(asked.data, None)
    visitor.data[described.name] = described
    return screen(
        datasets=setup.datasets(context, visitor), data=described.name, read=say(words)
    )  # fmt: skip


def bring_hub(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Fetches a data set on the Hub."""
    keep.check_hub(context)
    repo = (asked.repo or "").strip()
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*(:[\w.-]+)?", repo):
        raise JobError("Name a data set on the Hub as owner/name, or owner/name:configuration.")
    yield screen(fetched=say("Fetching it …", kind="busy"))
    _small_enough(repo.partition(":")[0])
    visitor = whose(context, asked)
    found = context.visitors.jobs.ask(
        "describe", visitor.folder, "loaded", 300, apart=True, data=repo
    )
    shape = tuple(found["image"])
    visitor.data[repo] = setup.Described(repo, shape, tuple(found["classes"]), found["n"])
    words = " ".join([f"{found['n']:,} pictures are here.", *found.get("notes", ())])
    yield screen(datasets=setup.datasets(context, visitor), data=repo, fetched=say(words))


def fetch_known(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Fetches MNIST or Fashion-MNIST, for everybody here and from now on."""
    from models.data import datasets
    from models.data.fetching import fetch

    data = asked.data
    if data not in datasets.DATASETS or not context.hub:
        raise NotYet("Choose a data set that is not on this machine.")
    title = datasets.DATASETS[data].title
    if not datasets.available(data, context.data_dir):
        yield screen(taken=say("Asking the Hub …", 0.0, kind="busy"))
        for step in context.ask.kept_steps(("fetched", data), lambda: fetch(data)):
            yield screen(taken=say(_how_far(step), step.share, kind="busy"))
    context.ask.cache.forget("fetched")  # who has removed it may fetch it again
    yield screen(
        datasets=setup.datasets(context, whose(context, asked)),
        taken=say(f"{title} is here now, for training, maps and nearest training pictures."),
    )  # fmt: skip


def _how_far(step: Progress) -> str:
    if step.of == "bytes":
        return f"Fetching {step.done / 1e6:.1f} of {step.total / 1e6:.1f} MB."
    return f"Checking and unpacking {step.done:,} of {step.total:,} pictures."


def _small_enough(repo: str) -> None:
    """Raises JobError where a data set is larger than this server fetches for a visitor."""
    from huggingface_hub import HfApi

    try:
        info = HfApi(token=False).dataset_info(repo, files_metadata=True, timeout=10)
    except Exception as error:  # no network, no such data set, or not for everybody
        log.info("Asking the Hub about a data set failed: %s", error)
        raise JobError(f"The Hub cannot be reached, or has no public data set '{repo}'.") from None
    size = sum(file.size or 0 for file in info.siblings or [])
    if size > HUB_BYTES:
        raise JobError(
            f"'{repo}' has {size / 1e9:.1f} GB; data sets up to {HUB_BYTES / 1e9:.0f} GB are "
            "fetched here."
        )


def build_brought(context: Context, data: Choices) -> Panels:
    """The panels, below the list of data sets."""
    part = Part(context, of_model=False, block="brought")
    with gr.Column(visible=False, elem_id="train-own") as own:
        with gr.Row(elem_classes="ge-pair"):
            side = gr.Dropdown([(f"{s} pixels", s) for s in pictures.SIDES], value=28,
                               label="Side", filterable=False)  # fmt: skip
            colour = gr.Dropdown([("Colour", "colour"), ("Grey", "grey")], value="grey",
                                 label="Colour", filterable=False)  # fmt: skip
        files = gr.File(file_count="multiple", label="A zip, or many pictures",
                        elem_id="train-files", height=110)  # fmt: skip
        brought = components.status()
        preview = image_grid("train-own", label="Your pictures, as the model sees them")
    with gr.Column(visible=False, elem_id="train-text") as text:
        pasted = gr.Textbox(label="Your text", lines=6, max_lines=10, elem_id="train-pasted")
        take_text = gr.Button("Use this text", size="sm", elem_id="train-take-text")
        file = gr.File(label="Or a text file", height=110, elem_id="train-text-file")
        read = components.status()
    with gr.Column(visible=False, elem_id="train-hub") as hub:
        repo = gr.Textbox(label="Data set on the Hub", placeholder="owner/name", max_lines=1)
        look_up = gr.Button("Fetch it", size="sm")
        fetched = components.status()
    with gr.Column(visible=False, elem_id="train-absent") as absent:
        take = gr.Button("Fetch it from the Hub", size="sm", elem_id="train-fetch")
        taken = components.status()

    part.controls(files=files, side=side, colour=colour, repo=repo, data=data.choice,
                  pasted=pasted, file=file)  # fmt: skip
    part.outputs(
        datasets=data.view, data=data.choice, preview=preview.view, brought=brought, read=read,
        fetched=fetched, taken=taken,
    )  # fmt: skip
    context.keep_until_gone(files)
    context.keep_until_gone(file)
    uploads = (files.upload, side.input, colour.input)
    events = [part.on(event, bring_pictures, run="bring", status="brought") for event in uploads]
    events.append(part.on(take_text.click, bring_text, run="text", status="read"))
    events.append(part.on(file.upload, bring_file, run="text", status="read"))
    events.append(part.on(look_up.click, bring_hub, run="fetch", status="fetched"))
    events.append(part.on(take.click, fetch_known, run="known", status="taken"))
    return Panels(own, text, hub, absent, events)
