"""A visitor's own models: saved, measured, brought back, put on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.page.context import Context
from explorer.page.runs import LIVE
from explorer.server.visitors import Visitor
from explorer.tabs.train import keep
from explorer.tabs.train.mine import mine, mine_newest


class Yours(NamedTuple):
    """chosen: which of them. offers: invisible; shows them in the picker of this page."""

    chosen: gr.Dropdown
    offers: gr.HTML


def kept(context: Context, visitor: Visitor) -> Any:
    known = keep.choices(context, visitor)
    return gr.Dropdown(choices=known, value=known[0][1] if known else None)


def save(context: Context, visitor: Visitor, name: Any) -> tuple[Any, Any]:
    """(file, words): a model of one's own as a zip."""
    try:
        return keep.archive(keep.folder_of(visitor, name)), gr.skip()
    except (ValueError, OSError) as error:
        return gr.skip(), say(str(error), kind="problem")


def measure(context: Context, visitor: Visitor, name: Any) -> Iterator[Any]:
    """Measures a model of one's own on test pictures: words."""
    yield say("Measuring on test pictures …", kind="busy")
    try:
        yield say(keep.measure(context, visitor, name))
    except ValueError as error:
        yield say(str(error), kind="problem")


def bring_model(context: Context, visitor: Visitor, file: Any) -> tuple[Any, Any, Any]:
    """(own models, the choice of them, words) after a model was brought back."""
    if not file:
        return gr.skip(), gr.skip(), gr.skip()
    try:
        name = keep.bring(context, visitor, str(getattr(file, "name", file)))
    except (ValueError, OSError) as error:
        return gr.skip(), gr.skip(), say(str(error), kind="problem")
    title = context.store.header(name).title
    words = say(f"{title} is here, and in the other tabs of this page.")
    return keep.offers(context, visitor), kept(context, visitor), words


def push(context: Context, visitor: Visitor, name: Any, repo: str, token: str) -> tuple[Any, str]:
    """(words, an empty token) after a model was put on the Hub."""
    try:
        return say(f"It is on the Hub: {keep.push(visitor, name, repo or '', token or '')}"), ""
    except ValueError as error:
        return say(str(error), kind="problem"), ""


def build_yours(context: Context) -> Yours:
    """The block of a visitor's own models, for the column of controls."""
    offers = components.component("own_models", [], html="", elem_classes=["ge-hidden"])
    saver = components.saver()
    with gr.Accordion("Your models", open=False, elem_classes="ge-note"):
        chosen = gr.Dropdown([], label="Model", filterable=False, elem_id="train-kept")
        with gr.Row(elem_classes="ge-saves"):
            download = gr.Button("Save as ZIP", size="sm", elem_id="train-save")
            test = gr.Button("Measure it", size="sm", elem_id="train-measure")
        about = components.status()
        back = gr.File(label="Bring one back: the zip, or model.safetensors", height=110,
                       elem_id="train-back")  # fmt: skip
        with gr.Accordion("To the Hugging Face Hub", open=False):
            target = gr.Textbox(label="Repository", placeholder="you/name", max_lines=1)
            token = gr.Textbox(label="Token", type="password", max_lines=1,
                               info="Used once, and not kept.")  # fmt: skip
            send = gr.Button("Put it there", size="sm")
    handler = partial(mine, context)
    download.click(handler(save), chosen, [saver, about], **context.heavy)
    test.click(mine_newest(context, "train-measure", measure), chosen, about, **LIVE)
    context.keep_until_gone(back)
    back.upload(handler(bring_model), back, [offers, chosen, about], **context.heavy)
    send.click(handler(push), [chosen, target, token], [about, token], **context.heavy)
    return Yours(chosen, offers)
