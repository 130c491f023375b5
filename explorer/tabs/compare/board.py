"""The board of a comparison: a card a model, filled as answers come, and what it says below."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from explorer.components import say
from explorer.components.model_cards.model_cards import as_card
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.part import Screen, screen
from explorer.pictures import images
from explorer.server.words import short_title
from explorer.tabs.compare.fellows import Turn, header_of, in_turn, wait_words

PAUSE = 0.15  # seconds between two looks at the board

# What a card shows beyond its state and title, of a model's answer (None before there is one).
Filling = Callable[[str, Any], dict[str, Any]]
# Which group a model's card stands in: its place among the groups, its heading, words below that.
Grouping = Callable[[str], tuple[int, str, str]]


def one_group(name: str) -> tuple[int, str, str]:
    return 0, "", ""


class Board:
    """Cards of models by name. fill: ``as_card``'s arguments for a model and its answer so far."""

    def __init__(
        self,
        context: Context,
        name: str,
        names: Sequence[str],
        fill: Filling,
        *,
        across: int = 4,
        group: Grouping = one_group,
    ) -> None:
        self.context, self.chosen, self.names = context, name, list(names)
        self.fill, self.across, self.group = fill, across, group
        _, self.height, self.width = header_of(context, name).config["image"]
        self.answers: dict[str, Any] = {}
        self.states = dict.fromkeys(names, "waiting")
        self.problems: dict[str, str] = {}

    def take(self, turn: Turn) -> None:
        """What a turn says goes onto the model's card."""
        if turn.problem:
            self.problems[turn.name], self.states[turn.name] = turn.problem, "problem"
            self.answers.pop(turn.name, None)
            return
        self.states[turn.name] = "done" if turn.through else "busy"
        if turn.answer is not None:
            self.answers[turn.name] = turn.answer

    @property
    def done(self) -> list[str]:
        """The models that have answered, in the board's order."""
        return [name for name in self.names if self.states[name] == "done"]

    @property
    def value(self) -> dict[str, Any]:
        """The value of the cards."""
        groups: dict[tuple[int, str, str], list[dict[str, Any]]] = {}
        for name in self.names:
            groups.setdefault(self.group(name), []).append(self._card(name))
        shown = [
            {"name": heading, "note": note, "cards": groups[place, heading, note]}
            for place, heading, note in sorted(groups)
        ]
        return {"h": self.height, "w": self.width, "across": self.across, "groups": shown}

    def _card(self, name: str) -> dict[str, Any]:
        title = short_title(self.context.store.header(name))
        on, state = name == self.chosen, self.states[name]
        if state == "problem":
            lines = [self.problems[name]]
            return as_card(name, title, on=on, state=state, places=0, lines=lines)
        filling = self.fill(name, self.answers.get(name))
        return as_card(name, title, on=on, state=state, **filling)

    def fill_in(
        self, task: str, verb: str, begin: Callable[[str], Iterator[Any]]
    ) -> Iterator[Screen | None]:
        """Asks every model in turn, and shows the board as it fills; None in between.

        verb: what a model does, in the third person ("samples").
        """
        shown, fresh, busy = 0.0, False, ""
        for turn in in_turn(self.context, self.names, task, begin):
            self.take(turn)
            fresh |= turn.answer is not None or turn.through or turn.name != busy
            busy, late = turn.name, time.monotonic() - shown > PAUSE
            if not fresh or not (late or turn.done == len(self.names)):
                yield None
                continue
            shown, fresh = time.monotonic(), False
            title = self.context.store.header(turn.name).title
            words = f"{title} {verb}{wait_words(self.context, task, turn.name)} …"
            share = turn.done / len(self.names)
            yield screen(cards=self.value, status=say(words, share, "busy"))

    def ended(self, words: str) -> Screen:
        """The board at the end: the words, and a sentence on each model that failed."""
        if self.problems:
            failed = " ".join(self.problems.values())
            return screen(cards=self.value, status=say(failed, kind="problem"))
        return screen(cards=self.value, status=say(words))


# -- words and lines that comparisons share -------------------------------------------------------


def counted(labels: Sequence[int], classes: Sequence[str]) -> str:
    """What was read, the most frequent first: "7 (3 times), 9"."""
    words = [
        name_of(label, classes) + (f" ({times} times)" if times > 1 else "")
        for label, times in Counter(map(int, labels)).most_common()
    ]
    return ", ".join(words)


def name_of(label: int, classes: Sequence[str]) -> str:
    return classes[label] if label < len(classes) else str(label)


def names_line(context: Context, names: Sequence[str]) -> str:
    """The line of a snippet that names the models, one below the other where they are many."""
    folders = [in_code(context.store.header(name).folder) for name in names]
    line = f"names = {folders!r}"
    if len(line) <= 88:
        return line
    return "\n".join(["names = [", *(f"    {folder!r}," for folder in folders), "]"])


def sheet(rows: Sequence[tuple[str, np.ndarray]], across: int, scale: int = 3) -> bytes:
    """A PNG of named rows of pictures. rows: (title, (N, C, H, W) uint8 or in [0, 1])."""
    from PIL import Image, ImageDraw, ImageFont

    font, gap, words = ImageFont.load_default(18), 14, 300
    strips = [(title, images.grid_image(x, across, scale, 4)) for title, x in rows]
    width = words + max(strip.width for _, strip in strips) + 2 * gap
    height = gap + sum(strip.height + gap for _, strip in strips)
    page = Image.new("RGB", (width, height), "white")
    pen, top = ImageDraw.Draw(page), gap
    for title, strip in strips:
        pen.text((gap, top + strip.height // 2), title, "black", font, anchor="lm")
        page.paste(strip.convert("RGB"), (words + gap, top))
        top += strip.height + gap
    return images.png_bytes(page)
