"""A visitor's own models: saved, measured, brought back, put on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.saves import SaveButtons
from explorer.server import sign_in
from explorer.server.visitors import Visitor
from explorer.tabs.train import keep
from explorer.tabs.train.mine import whose


class Yours(NamedTuple):
    """chosen: which of them. offers: invisible; shows them in the picker of this page."""

    chosen: gr.Dropdown
    offers: gr.HTML


def shown(context: Context, visitor: Visitor) -> dict[str, Any]:
    """What shows a visitor's models, by output: in the picker, and in the choice of them."""
    known = keep.choices(context, visitor)
    return {
        "offers": keep.offers(context, visitor),
        "kept": gr.Dropdown(choices=known, value=known[0][1] if known else None),
    }


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """A model of one's own as a zip."""
    return keep.archive(keep.folder_of(whose(context, asked), asked.kept))


def measure(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Measures a model of one's own on test pictures."""
    yield screen(status=say("Measuring on test pictures …", kind="busy"))
    yield screen(status=say(keep.measure(context, whose(context, asked), asked.kept)))


def bring_model(context: Context, name: str, asked: Asked) -> Screen | None:
    """A model was brought back."""
    if not asked.back:
        return None
    visitor = whose(context, asked)
    brought = keep.bring(context, visitor, str(getattr(asked.back, "name", asked.back)))
    title = context.store.header(brought).title
    words = f"{title} is here, and in the other tabs of this page."
    return screen(status=say(words), **shown(context, visitor))


def fetch_model(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Fetches a model of the Hub, with the sign-in of whoever asks where there is one."""
    yield screen(status=say("Asking the Hub …", kind="busy"))
    visitor, token = whose(context, asked), sign_in.token_of(asked.request)
    found = keep.look_up(context, visitor, asked.wanted or "", token)
    yield screen(status=say(f"Fetching {found.id}, {found.bytes / 1e6:.1f} MB …", kind="busy"))
    brought = keep.bring_from_hub(context, visitor, found, token)
    words = f"{context.store.header(brought).title} is here, and in the other tabs of this page."
    yield screen(status=say(words), **shown(context, visitor))


def push(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Puts a model on the Hub; the token goes from the page at once."""
    yield screen(token="", status=say("Sending it to the Hub …", kind="busy"))
    visitor, token = whose(context, asked), sign_in.token_of(asked.request) or asked.token or ""
    address = keep.push(context, visitor, asked.kept, asked.target or "", token)
    yield screen(status=say(f"It is on the Hub: {address}"))


def build_yours(context: Context) -> Yours:
    """The block of a visitor's own models, for the column of controls."""
    part = Part(context, of_model=False, block="yours")
    offers = components.component("own_models", [], html="", elem_classes=["ge-hidden"])
    with gr.Accordion("Your models", open=False, elem_classes="ge-note"):
        chosen = gr.Dropdown([], label="Model", filterable=False, elem_id="train-kept")
        with gr.Row(elem_classes="ge-saves"):
            download = gr.Button("Save as ZIP", size="sm", elem_id="train-save")
            test = gr.Button("Measure it", size="sm", elem_id="train-measure")
        saver = SaveButtons({"zip": download}, components.saver())
        about = components.status()
        back = gr.File(label="Load a saved model (.zip or .safetensors)", height=110,
                       elem_id="train-back")  # fmt: skip
        with gr.Accordion("From the Hugging Face Hub", open=False, visible=context.hub):
            wanted = gr.Textbox(label="Model on the Hub", placeholder="owner/name", max_lines=1,
                                elem_id="train-wanted")  # fmt: skip
            fetch = gr.Button("Fetch the model", size="sm", elem_id="train-fetch-model")
        with gr.Accordion("To the Hugging Face Hub", open=False, visible=context.hub):
            target = gr.Textbox(label="Repository", placeholder="you/name", max_lines=1)
            signs_in = sign_in.offered()
            if signs_in and context.hub:
                gr.LoginButton(size="sm")
            token = gr.Textbox(label="Token", type="password", max_lines=1, visible=not signs_in,
                               info="Used once, and not kept.")  # fmt: skip
            send = gr.Button("Upload to the Hub", size="sm")
        if not context.hub:
            gr.Markdown(keep.SWITCHED_OFF)

    part.controls(kept=chosen, back=back, wanted=wanted, target=target, token=token)
    part.outputs(status=about, offers=offers, kept=chosen, token=token)
    part.saves(saver, save)
    part.on(test.click, measure, run="measure")
    context.keep_until_gone(back)
    part.on(back.upload, bring_model, run="bring", quick=False)
    part.on([fetch.click, wanted.submit], fetch_model, run="fetch")
    part.on(send.click, push, run="push")
    return Yours(chosen, offers)
