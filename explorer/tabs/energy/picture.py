"""The energy of any picture: its number, whom that puts it among, its slope, and the way down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.heat_maps.heat_maps import heat_maps
from explorer.components.readings.readings import readings
from explorer.components.ridges.ridges import ridges
from explorer.page.address import whole
from explorer.page.choice import Picture
from explorer.page.context import Context
from explorer.page.examples import as_shelf, example_controls, example_in, next_example
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.reading import is_whole
from explorer.tabs.energy.walks import MOST, Crowd, Descent, company, descent, slope_at

TITLE = "Of a picture"
MOST_STEPS = 60

LOOK_FOR = r"""
* **A number without a zero.** $\log p(x) = -E(x) - \log Z$, and no one knows $\log Z$. The number
  by itself says nothing; a difference of $d$ nats makes one picture $e^d$ times as likely as the
  other.
* **Strangers lie higher.** Try noise, stripes, a piece of clothing: how far above the data?
* **The lowest is no sample.** A black picture may have less energy than any digit. One picture may
  be the likeliest of all and never be drawn: there are very many noisy ones a little higher up.
  Compare the clean pictures with the two phases.
* **The slope.** Blue pixels want to be brighter, red ones darker: that lowers the energy. Draw a
  digit with a gap and see whether it asks for the missing stroke.
* **Downhill** there is no noise. Press *One step downhill* some twenty times: does the picture
  become a digit, or less of one? Chains are shaken on the way, and do not end at the bottom.
* **Two phases.** Training lowers the energy where the data are (positive phase) and raises it where
  the model's own chains are (negative phase). Once the two lie on top of one another, nothing is
  left to learn from them.
"""

CAVEAT = (
    "Nats up to a constant that no one knows: differences mean something, zero does not. Numbers "
    "of two models cannot be compared."
)


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The energy and its slope at once, some steps downhill, then the company it keeps."""
    picture, steps = read(context, name, asked)
    energy, slope = slope_at(context, name, picture.pixels.astype(np.float32) / 255)
    yield screen(
        maps=as_maps(picture, slope, None),
        facts=as_facts(energy, slope, None, None),
        mark={"value": energy, "name": f"this picture: {nats(energy)}"},
        status=say("Working out the energies of others …", kind="busy"),
        code=code_of(context, name, picture, steps),
    )
    way = None
    for way in descent(context, name, picture, steps):
        if len(way.energy) <= steps:
            share = len(way.energy) / (steps + 1)
            yield screen(status=say(f"Step {len(way.energy) - 1} downhill", share, "busy"))
    seen = {"maps": as_maps(picture, slope, way), "curve": as_curve(way)}
    yield screen(
        **seen, walked=gr.Column(visible=steps > 0), facts=as_facts(energy, slope, way, None)
    )
    sets: list[Crowd] = []
    for found in company(context, name):
        sets = found or sets
        if found is None:
            yield None
    yield screen(
        facts=as_facts(energy, slope, way, sets),
        sets=as_sets(sets),
        status=say(sentence(picture, way)),
    )


def read(context: Context, name: str, asked: Asked) -> tuple[Picture, int]:
    """The picture, and how many steps downhill from it. Raises ValueError with one sentence."""
    steps = asked.down
    if not is_whole(steps) or not 0 <= steps <= MOST_STEPS:
        raise ValueError(f"Steps downhill must be a whole number from 0 to {MOST_STEPS}.")
    return example_in(context, name, asked), int(steps)


def another_picture(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A picture was chosen or drawn: no step has been taken from it."""
    yield screen(down=0)
    yield from show(context, name, asked.but(down=0))


def following(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next example."""
    choice, shelf, source = next_example(context, name, asked.choice)
    yield screen(choice=choice, shelf=shelf, source=source)
    yield from another_picture(context, name, asked.but(choice=choice, source=source))


def further(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """One step downhill from where the picture is."""
    down = int(asked.down) + 1 if is_whole(asked.down) else 1
    if down > MOST_STEPS:
        raise ValueError(f"{MOST_STEPS} steps are the most; start again from the picture.")
    yield screen(down=down)
    yield from show(context, name, asked.but(down=down))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its examples, then the picture."""
    yield screen(shelf=as_shelf(context, name, asked.choice))
    yield from show(context, name, asked)


# -- values ---------------------------------------------------------------------------------------


def nats(value: float) -> str:
    """ "1,049.3 nats", "−588.5 nats"."""
    return f"{value:,.1f} nats".replace("-", "−")


def difference(one: np.ndarray, other: np.ndarray) -> str:
    """The difference of two means of energies and its standard error, in words."""
    gap = nats(float(one.mean() - other.mean()))
    if min(len(one), len(other)) < 2:
        return gap
    error = float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in (one, other))))
    return f"{gap.removesuffix(' nats')} ± {error:,.1f} nats"


def as_maps(picture: Picture, slope: np.ndarray, way: Descent | None) -> dict[str, Any]:
    """The picture, the slope of the energy by every pixel, and the picture some steps downhill."""
    _, H, W = picture.pixels.shape
    told = slope.sum(0)
    high = max(float(np.quantile(np.abs(told), 0.995)), 1e-6)
    maps = [
        {"name": "What the model sees", "note": picture.words,
         "picture": images.sprite(picture.pixels[None])},
        {"name": "Slope of the energy", "note": "∂E/∂x of each pixel", "values": packed(told)},
    ]  # fmt: skip
    if way is not None:
        k = len(way.energy) - 1
        there = "no step taken yet" if not k else f"{nats(float(way.energy[-1]))}"
        maps.append(
            {"name": f"{k} {'step' if k == 1 else 'steps'} downhill", "note": there,
             "picture": images.sprite(as_bytes(way.x[-1:]))}
        )  # fmt: skip
    return {
        "h": H, "w": W, "unit": "nats", "digits": 1 if high >= 1 else 3, "high": high, "count": 3,
        "words": "# nats from black to white", "signed": True, "maps": maps,
        "legend": "Lower, if", "ends": ["brighter", "darker"],
    }  # fmt: skip


def as_facts(
    energy: float, slope: np.ndarray, way: Descent | None, sets: Sequence[Crowd] | None
) -> dict[str, Any]:
    """The energy in numbers."""
    items = [
        ("Energy, unnormalised", nats(energy)),
        ("Length of its slope", f"{float(np.sqrt(np.square(slope).sum())):,.0f} nats"),
    ]
    if way is not None and len(way.energy) > 1:
        lower = float(way.energy[0] - way.energy[-1])
        items.append(("Lower by now", nats(lower)))
    found = {each.key: each for each in sets or []}
    if "data" in found:
        data = found["data"]
        below = 100 * (data.values < energy).mean()
        items.append((f"Higher than {data.name[0].lower()}{data.name[1:]}", f"{below:.0f} %"))
    if {"positive", "negative"} <= found.keys():
        phases = found["positive"].values, found["negative"].values
        items.append(("Positive less negative phase", difference(*phases)))
    return {"items": [{"name": term, "values": [text]} for term, text in items]}


def as_curve(way: Descent) -> dict[str, Any] | None:
    """The energy on the way down; nothing before the first step."""
    if len(way.energy) < 2:
        return None
    steps = list(range(len(way.energy)))
    plot = {
        "title": "Energy on the way down", "note": "no noise", "unit": "nats", "fit": True,
        "x": steps, "x_name": "step", "range": [0, steps[-1]],
        "lines": [{"name": "energy", "y": [float(f"{e:.6g}") for e in way.energy]}],
    }  # fmt: skip
    return {"plots": [plot], "chosen": 0}


def as_sets(sets: Sequence[Crowd]) -> dict[str, Any]:
    """The value of the histograms."""
    return {
        "low": "lower energy, likelier", "high": "higher energy, less likely", "odds": False,
        "sets": [
            {"name": each.name, "note": f"{len(each.values)}, mean {nats(each.values.mean())}",
             "values": packed(each.values), "sprite": images.sprite(each.pixels)}
            for each in sets
        ],
    }  # fmt: skip


def sentence(picture: Picture, way: Descent) -> str:
    """The energy in a sentence."""
    words = f"{picture.words[0].upper()}{picture.words[1:]}: {nats(float(way.energy[0]))}"
    k = len(way.energy) - 1
    if k:
        steps = "step" if k == 1 else "steps"
        words += f", and {nats(float(way.energy[-1]))} after {k} {steps} downhill"
    return words + "."


def code_of(context: Context, name: str, picture: Picture, steps: int) -> str:
    """The lines that give the energy, its slope and the way down."""
    way = [
        f"for _ in range({steps}):",
        "    " + call("x, energy = downhill", raw("model"), raw("x"), MOST),
    ]
    return snippet(
        loading(context, name),
        picture.code.rstrip("\n"),
        call("energy, slope = energy_slope", raw("model"), raw("x"))
        + "  # nats, up to a constant; its gradient",
        *(way if steps else []),
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("One step downhill", "energy-down", "energy-stop")
            down = gr.Slider(
                0, MOST_STEPS, 0, step=1, label="Steps downhill", elem_id="energy-steps"
            )
            own = example_controls(context, "energy")
            after = gr.Button("Next example", size="sm", elem_id="energy-next")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            with gr.Row(elem_classes="ge-seen-and-facts"):
                maps = heat_maps("energy-maps", label="The picture, its slope, and further down",
                                 largest=224)  # fmt: skip
                facts = readings("")
            with gr.Column(visible=False) as walked:
                curve = curves(tall=120)
            components.heading("Among others", CAVEAT)
            among = ridges("energy", label="Energies of sets of pictures")

    part.controls(**own.named(), down=down)
    part.outputs(
        maps=maps.view, facts=facts, curve=curve, walked=walked, mark=among.mark,
        sets=among.view, status=status,
        code=notes.code, stop=halt, shelf=own.view, choice=own.choice, source=own.source, down=down,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([own.source.input, own.choice.select], another_picture)
    part.draws(own.pad, another_picture)
    part.on(more.click, further, main=True)
    part.on(after.click, following)
    part.on(down.input, show, rest=0.1)
    part.stops(halt)

    context.remember("energy.example", own.choice, parse=whole(0, 15))
    context.remember("energy.down", down, parse=whole(0, MOST_STEPS))
