"""Parts of a code that mean something by themselves, as controls of the Latent space tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer.components import heading
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.server.reading import is_number, is_whole
from explorer.tabs.latent import codes as latents
from explorer.tabs.latent.view import View, read_view

SLIDERS = 4  # continuous codes with a slider; further ones are among the single numbers
NAMES = tuple(f"code_{k + 1}" for k in range(SLIDERS))
ACROSS = 9  # values of a code in the sheet


class CodeControls(NamedTuple):
    """category and sliders set the codes; which is the code that goes across the sheet. part: the
    column that holds it."""

    category: gr.Dropdown
    sliders: list[gr.Slider]
    which: gr.Radio
    sheet: gr.HTML
    part: gr.Column

    def setters(self) -> dict[str, Any]:
        """What sets the codes, by name."""
        return {"category": self.category, **dict(zip(NAMES, self.sliders, strict=True))}

    def shown(self) -> dict[str, Any]:
        """The outputs of ``follow``, by name."""
        more = {"which": self.which, "table": self.sheet, "coded": self.part}
        return {**self.setters(), **more}

    def wire(self, part: Part, events: Sequence[Callable]) -> None:
        """Keeps the controls and the sheet at the marker. events: after which it may have moved."""
        part.on(events, follow, run="codes", loads=False)
        part.on(self.which.input, sheet_at, run="codes", loads=False)


def code_sliders() -> tuple[gr.Dropdown, list[gr.Slider]]:
    """The controls of the codes; there for a model that has some."""
    category = gr.Dropdown([("0", 0)], value=0, label="Category", visible=False, filterable=False,
                           elem_id="latent-category")  # fmt: skip
    sliders = [
        gr.Slider(-1, 1, 0, step=0.01, label=f"Code {k + 1}", visible=False,
                  elem_id=f"latent-code-{k + 1}")
        for k in range(SLIDERS)
    ]  # fmt: skip
    return category, sliders


def code_sheet() -> tuple[gr.Radio, gr.HTML, gr.Column]:
    """The sheet of categories by a code, and the code that goes across it."""
    with gr.Column(visible=False) as part:
        heading("Category by code", "The rest of the noise stays as it is at the marker. What did "
                "each category, and the code, come to mean? Nobody told the model.")  # fmt: skip
        which = gr.Radio([("code 1", 0)], value=0, label="Left to right", visible=False,
                         elem_id="latent-sheet-code")  # fmt: skip
        sheet = picture_table(label="Category by code", room=72)
    return which, sheet, part


# -- handlers -------------------------------------------------------------------------------------


def split(context: Context, name: str) -> tuple[Any, list[Any]]:
    """(the first categorical code or None, the continuous ones) of a model."""
    own = latents.parts(context, name)
    categories = [code for code in own if code.kind == "categorical"]
    return (categories or [None])[0], [code for code in own if code.kind == "continuous"]


def follow(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The marker has moved: so have the controls of the codes and their sheet."""
    category, continuous = split(context, name)
    if category is None and not continuous:
        sliders = {each: gr.Slider(visible=False) for each in NAMES}
        yield screen(
            category=gr.Dropdown(visible=False), **sliders, which=gr.Radio(visible=False),
            coded=gr.Column(visible=False),
        )  # fmt: skip
        return
    view = read_view(context, name, asked)
    z = latents.valid(context, name, view.z)
    chooser = gr.Dropdown(visible=False)
    if category is not None:
        part = z[category.start : category.stop]
        choices = [(str(k), k) for k in range(len(part))]
        chooser = gr.Dropdown(
            choices=choices, value=int(part.argmax()), visible=True,
            label=category.name.capitalize(),
        )  # fmt: skip
    sliders = [
        gr.Slider(minimum=code.low, maximum=code.high, value=round(float(z[code.start]), 2),
                  label=code.name.capitalize(), visible=True)
        for code in continuous[:SLIDERS]
    ]  # fmt: skip
    sliders += [gr.Slider(visible=False)] * (SLIDERS - len(sliders))
    place = _place(asked.which, len(continuous))
    choices = [(code.name, k) for k, code in enumerate(continuous)] or [("none", 0)]
    yield screen(
        category=chooser, **dict(zip(NAMES, sliders, strict=True)),
        which=gr.Radio(choices=choices, value=place, visible=len(continuous) > 1),
        table=sheet(context, name, view, place), coded=gr.Column(visible=True),
    )  # fmt: skip


def set_codes(context: Context, name: str, view: View, asked: Asked) -> View:
    """The view with the codes that the controls say."""
    category, continuous = split(context, name)
    z = np.array(latents.valid(context, name, view.z), np.float32)
    if category is not None:
        width = category.stop - category.start
        z[category.start : category.stop] = np.eye(width)[_place(asked.category, width)]
    for code, each in zip(continuous, NAMES, strict=False):
        if is_number(value := getattr(asked, each)):
            z[code.start] = np.clip(value, code.low, code.high)
    return view._replace(z=latents.unpack(latents.pack(z), len(z)))


def sheet_at(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The sheet at the marker, of another code across."""
    yield screen(table=sheet(context, name, read_view(context, name, asked), asked.which))


def sheet(context: Context, name: str, view: View, which: Any) -> dict[str, Any] | None:
    """Rows of categories, columns of values of a continuous code, the other noise fixed; None for
    a model that has no such codes."""
    category, continuous = split(context, name)
    if category is None and not continuous:
        return None
    z = latents.valid(context, name, view.z)
    width = category.stop - category.start if category is not None else 1
    code = continuous[_place(which, len(continuous))] if continuous else None
    values = np.linspace(code.low, code.high, ACROSS) if code is not None else np.zeros(1)
    codes = np.tile(z, (width, len(values), 1))  # (rows, columns, D)
    if category is not None:
        codes[:, :, category.start : category.stop] = np.eye(width)[:, None]
    if code is not None:
        codes[:, :, code.start] = values
    pictures = latents.decode(context, name, codes.reshape(-1, codes.shape[-1]), view.label)
    columns = [f"{v:+.2f}".replace("-", "−") for v in values] if code is not None else [""]
    rows = [(f"{category.name} {k}" if category is not None else "", "") for k in range(width)]
    return as_table(
        list(pictures), columns, rows, shape=pictures.shape[1:], axis=code.name if code else ""
    )


def _place(value: Any, n: int) -> int:
    return int(value) if is_whole(value) and 0 <= value < n else 0
