"""The first page: the field as a map, every family at work in it, and three ways in.

It computes nothing: what moves is films that the models made and that lie beside their weights
(``python -m models film NAME``). ``field`` says where a family stands.
"""

from __future__ import annotations

from typing import NamedTuple

from explorer.components.family_map.family_map import family_map
from explorer.page.context import Context
from explorer.tabs.start.field import films, shown

TITLE = "Start"
NEEDS: frozenset[str] = frozenset()

SENTENCE = (
    "A generative model is a probability distribution over pictures, learned from examples. "
    "Below: how one can be learned. Every film was made by a model of this page."
)


class State(NamedTuple):
    """A state of the page that is worth a click. part: of the tab, "" for one of a piece."""

    title: str
    tab: str
    part: str = ""


# What a person may try first.
TRIES = (
    State("Watch noise become a digit", "denoise", "watch"),
    State("Move through a plane of digits", "latent"),
    State("See a digit written, pixel by pixel", "pixels", "watch"),
    State("Guess: clothes or digits?", "score", "lesson"),
    State("Finish half a picture", "pixels", "finish"),
    State("Translate pictures without a pair", "translate"),
    State("Train on points that you draw", "plane"),
)
# What a learned distribution is good for.
USES = (
    State("Generate", "sample"),
    State("Represent", "latent"),
    State("Judge", "map", "beside_real"),
    State("Compare", "compare"),
    State("Find what is strange", "score", "one"),
)


def offered_states(context: Context, states: tuple[State, ...]) -> list[dict[str, str]]:
    """Those of the states whose tab this page has."""
    return [state._asdict() for state in states if state.tab in context.titles]


def build(context: Context) -> None:
    """The tab: one component, which has all it shows but films from the start."""
    context.routes.append(films(context))
    family_map(
        {
            "sentence": SENTENCE,
            "ways": shown(context),
            "tries": offered_states(context, TRIES),
            "uses": offered_states(context, USES),
            "trains": "train" in context.titles,
        }
    )
