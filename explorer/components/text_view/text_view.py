"""A text coloured by how surprising each symbol was, with the chances of the next one beside it."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def text_view(*, label: str) -> gr.HTML:
    """Value::

        {"text": words, "given": how many characters were given and not written,
         "bits": base64 of T float32, the surprise of each character,
         "symbols": all symbols in a row, as many characters,
         "likeliest": base64 of (T + 1, K) uint8, the likeliest symbols before each character and
         after the last, "chances": base64 of (T + 1, K) float32, how likely they are,
         "attention": base64 of (T + 1, T + 1) uint8, 255 the most of a row, how much each place
         looks at those before it; place 0 is the beginning. "" for none; "head": its name}

    A character is chosen by pointing at it, by a click, which keeps it, or by the arrow keys.
    """
    return component("text_view", None, label=label)
