"""How fast a picture is destroyed: the noise schedules, as curves and on a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.picture_rows.picture_rows import picture_rows
from explorer.page import saves as export
from explorer.page.address import one_of, whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import loading, snippet
from explorer.server.abilities import takes
from explorer.server.reading import next_seed
from explorer.tabs.denoise import noising
from explorer.tabs.denoise.trajectory import OWN, SCHEDULES, decibels
from models.contract.abilities import HasSchedule
from models.contract.knobs import checked_seed

TITLE = "Schedule"
TIMES = np.linspace(0, 1, 9)
POINTS = 201
FAR = 60.0  # dB beyond which a curve is not drawn

LOOK_FOR = r"""
* **One kernel for all.** Every schedule makes $x_t = \alpha_t x_0 + \sigma_t n$. What differs is
  how soon the noise comes, and whether the picture is faded as well. *EDM* leaves the picture as
  it is and piles noise on it, up to 80 times its contrast; the others fade it so that the sum
  stays as strong as before.
* **What is left of the picture**, $\bar\alpha$, is the picture's share of the variance of $x_t$. At
  one half, signal and noise are equally strong: 0 dB. Where does each schedule cross it?
* **Linear against cosine.** Under the linear schedule the last third of the row is pure noise:
  steps spent there do little. The cosine schedule was made to spread the destruction evenly (Nichol
  and Dhariwal 2021). Compare the two rows.
* **Log-SNR is what counts.** A network sees only how much noise there is. Two schedules with the
  same log-SNR at different times ask it the same question; so a model trained under one can be
  sampled under any other.
* **Steep and flat.** Even steps in $t$ dwell where the log-SNR curve is flat. EDM is the flattest
  where fine detail is decided, at high SNR.
* **$\beta_t$** is the noise added by one step of the 1,000 of a discrete process. EDM and rectified
  flow are continuous from the start and have none.
"""


# -- what is shown --------------------------------------------------------------------------------


def curve_value(chosen: str) -> dict[str, Any]:
    """beta, alpha-bar and log-SNR of every schedule over t, the chosen one standing out."""
    import torch

    from models.families.diffusion.schedules import SCHEDULES as KNOWN

    t = torch.linspace(0, 1, POINTS, dtype=torch.float64)
    betas, shares, ratios = [], [], []
    for key, title in SCHEDULES.items():
        level = KNOWN[key].level(t).numpy()
        ratio = decibels(level)
        shares.append({"name": title, "y": (1 / (1 + level**2)).round(5).tolist()})
        ratios.append(
            {"name": title, "y": [round(v, 3) if abs(v) <= FAR else None for v in ratio.tolist()]}
        )
        beta = KNOWN[key].betas
        if beta is None:
            beta = [None] * POINTS
        else:  # beta of the step that ends at t; none ends at 0
            at = (t[1:] * len(beta)).round().long() - 1
            beta = [None, *(float(f"{v:.4g}") for v in beta[at].tolist())]
        betas.append({"name": title, "y": beta})
    plot = {"x": t.numpy().round(4).tolist(), "x_name": "t", "range": [0, 1]}
    return {
        "plots": [
            {**plot, "title": "What is left of the picture", "note": "ᾱ", "lines": shares},
            {**plot, "title": "Signal over noise", "note": "log-SNR in dB", "unit": "dB",
             "lines": ratios},
            {**plot, "title": "Noise of one step in 1,000", "note": "β, logarithmic", "log": True,
             "lines": betas},
        ],
        "chosen": list(SCHEDULES).index(chosen),
        "legend": True,
    }  # fmt: skip


def row_value(context: Context, name: str, picture: Any, chosen: str) -> dict[str, Any]:
    """The picture at nine times under each schedule that the model can follow."""
    rows = []
    for key, title in SCHEDULES.items():
        pixels = noising.noised(context, name, picture, TIMES, picture.seed or 0, key)
        levels = noising.levels_at(context, name, TIMES, key)
        rows.append(
            {
                "name": title,
                "sprite": noising.sprite_of(pixels),
                "captions": [f"σ {v:.2g}" for v in levels],
            }
        )
    columns = [f"t = {t:.3g}" for t in TIMES]
    return {"rows": rows, "columns": columns, "chosen": list(SCHEDULES).index(chosen)}


def code_of(context: Context, name: str, picture: Any, chosen: str) -> str:
    """The lines that give the chosen schedule's curves and its row of pictures."""
    return snippet(
        f"noising = schedule({chosen!r})",
        f"t = torch.linspace(0, 1, {POINTS}, dtype=torch.float64)",
        "level = noising.level(t)  # sigma_t / alpha_t",
        "share = 1 / (1 + level**2)  # alpha-bar",
        "decibels = -20 * torch.log10(level)  # log-SNR",
        "",
        loading(context, name),
        noising.code_of(context, name, picture),
        f"noise = normal(picture.shape, generator({picture.seed or 0}, 1), 'cpu')",
        f"times = torch.linspace(0, 1, {len(TIMES)}, dtype=torch.float64)",
        f"pictures = picture.expand({len(TIMES)}, -1, -1, -1)",
        f"row = model.noised(pictures, times, noise, schedule={chosen!r}).clamp(0, 1)",
    )


# -- handlers -------------------------------------------------------------------------------------


def read_wish(context: Context, name: str, asked: Asked) -> tuple[int, str]:
    """The checked seed and schedule. Raises ValueError with one sentence."""
    seed, chosen = checked_seed(asked.seed), asked.chosen
    if chosen in (None, OWN):
        model = context.store.get(name)
        own = model.schedule.name if isinstance(model, HasSchedule) else None
        chosen = own if own in SCHEDULES else next(iter(SCHEDULES))
    if chosen not in SCHEDULES:
        raise ValueError(f"There is no noise schedule '{chosen}'.")
    return int(seed), chosen


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The curves of the schedules, and a picture under each."""
    seed, chosen = read_wish(context, name, asked)
    yield screen(curves=curve_value(chosen), chosen=chosen)
    if not takes(context.store.get(name), "schedule", "noised"):
        words = "This model keeps to its own noise; the curves are of the schedules themselves."
        yield screen(rows=None, status=say(words))
        return
    picture = noising.picture_of(context, name, None, seed)
    yield screen(
        rows=row_value(context, name, picture, chosen), status=say(picture.note),
        code=code_of(context, name, picture, chosen),
    )  # fmt: skip


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the rows as a PNG."""
    seed, _ = read_wish(context, name, asked)
    picture = noising.picture_of(context, name, None, seed)
    rows = [
        noising.as_bytes(noising.noised(context, name, picture, TIMES, seed, key))
        for key in SCHEDULES
    ]
    data = export.strip_png(rows, most=len(TIMES))
    return components.file(f"{name}-schedules-seed-{seed}.png", data, "image/png")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Next example", variant="primary", elem_id="schedule-more")
            status = components.status()
            chosen = gr.Radio(
                [(title, key) for key, title in SCHEDULES.items()], value=None, label="Schedule",
                elem_id="schedule-chosen", elem_classes="ge-list",
            )  # fmt: skip
            seed = gr.Number(3, label="Seed of the picture", elem_id="schedule-seed")
            png = gr.Button("Save the pictures as PNG", size="sm", elem_id="schedule-png")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            lines = curves(tall=160, wide=200)
            rows = picture_rows(label="A picture under each schedule", largest=84)

    part.controls(seed=seed, chosen=chosen)
    part.outputs(
        curves=lines, rows=rows, status=status, code=notes.code, seed=seed, chosen=chosen
    )  # fmt: skip
    part.arrives(show)
    part.on([seed.input, chosen.input], show)
    part.on(more.click, another, main=True)
    part.saves(export.SaveButtons({"png": png}, saver), save)
    context.remember("denoise.picture", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.curve", chosen, parse=one_of(SCHEDULES))
