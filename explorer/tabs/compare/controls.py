"""Controls that the parts of Compare share."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from explorer import components
from explorer.page.saves import SaveButtons


def draw_controls(key: str, counts: Sequence[int], label: str) -> tuple[gr.Number, gr.Dropdown]:
    """Side by side, the seed and how many of each model. key: how their ids begin."""
    with gr.Row(elem_classes="ge-pair"):
        seed = gr.Number(0, label="Seed", precision=0, elem_id=f"{key}-seed")
        count = gr.Dropdown(
            [(str(k), k) for k in counts],
            value=counts[0],
            label=label,
            filterable=False,
            elem_id=f"{key}-count",
        )
    return seed, count


def png_button(key: str) -> SaveButtons:
    """The button that saves all pictures as one."""
    png = gr.Button("Save the pictures as PNG", size="sm", elem_id=f"{key}-png")
    return SaveButtons({"png": png}, components.saver())
