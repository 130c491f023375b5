"""Two models' codes of the same test pictures, linked: near in one, near in the other?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.linked_maps.linked_maps import linked_maps
from explorer.page.address import one_of
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.tabs.compare.board import names_line
from explorer.tabs.compare.fellows import classes_of_data, data_words, fellows, header_of
from models.checkpoints.codes import CODES

TITLE = "Two maps"
NEAR = 10  # neighbours of a picture
MOST = 1000  # pictures on a map
CHUNK = 100  # codes decoded at once
USUAL = ""
FIRST, SECOND = "The model chosen above", "The next one"
WITHIN = 2000  # test pictures whose codes are looked at, of a model that has more

LOOK_FOR = """
* **One picture, two places.** Point at one: the ring marks it in both maps. Its ten nearest codes
  by the map under the pointer are marked in both, too. Do they stay together?
* **What is near?** Distances are taken where a model says that they mean something: in the code,
  or in what its first layers make of the code. Which two models agree most?
* **Two numbers or thirty-two.** Codes of 2 numbers lie as they are; longer ones were laid out by
  UMAP. What touches in a map need not be near in the code, and the count goes by the codes.
* **The number below** is how many neighbours two models share, of ten. By chance it would be next
  to none.
"""


class Codes(NamedTuple):
    """A model's codes of N pictures. space: (N, E), where distances mean something. places: (N, 2)
    on its map. near: (N, K) its nearest codes, by row."""

    space: np.ndarray
    places: np.ndarray
    near: np.ndarray


class Pair(NamedTuple):
    """Two models' codes of the same pictures. labels: (N,) classes, or None. shared, error: how
    many of K neighbours they share in the mean, with its standard error; chance: the same of
    unrelated codes."""

    left: Codes
    right: Codes
    labels: np.ndarray | None
    shared: float
    error: float
    chance: float


# -- what is computed -----------------------------------------------------------------------------


def mapped(context: Context, name: str, request: Any) -> list[str]:
    """Models of the chosen one's data that were shipped with their codes of test pictures."""
    able = fellows(context, name, request, "Encodes", "Decodes")
    return [other for other in able if (context.store.header(other).folder / CODES).is_file()]


def fitted(context: Context, name: str) -> Any:
    """The model's ``Map`` of the first test pictures. Raises ValueError where it is damaged."""

    def read() -> Any:
        from models.checkpoints.codes import load_map

        whole = load_map(context.store.header(name).folder)
        rows = np.flatnonzero(rows_of(whole) < WITHIN)
        parts = ("labels", "indices", "embedding", "pictures")
        some = {part: getattr(whole, part) for part in parts}
        some = {part: None if each is None else each[rows] for part, each in some.items()}
        return replace(whole, codes=whole.codes[rows], coordinates=whole.coordinates[rows], **some)

    return context.ask.kept(("compare-map", name), read)


def rows_of(one: Any) -> np.ndarray:
    """Which test picture each code is of."""
    return np.arange(len(one)) if one.indices is None else np.asarray(one.indices)


def pair(context: Context, left: str, right: str) -> Pair:
    """The codes of the pictures that both have. Raises ValueError where they share none."""
    return context.ask.kept(("compare-pair", left, right), lambda: _pair(context, left, right))


def shared_pictures(context: Context, left: str, right: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the left and of the right model's codes that are of the same pictures."""
    one, other = fitted(context, left), fitted(context, right)
    _, mine, theirs = np.intersect1d(rows_of(one), rows_of(other), return_indices=True)
    if len(mine) <= NEAR + 1:
        raise ValueError("These two models were not shipped with codes of the same pictures.")
    return mine[:MOST], theirs[:MOST]


def _pair(context: Context, left: str, right: str) -> Pair:
    one, other = fitted(context, left), fitted(context, right)
    mine, theirs = shared_pictures(context, left, right)
    first, second = codes(one, mine), codes(other, theirs)
    both = zip(first.near, second.near, strict=True)
    shared = np.array([len(np.intersect1d(a, b)) for a, b in both])
    labels = None if one.labels is None else one.labels[mine]
    error = float(shared.std(ddof=1) / len(shared) ** 0.5)
    return Pair(first, second, labels, float(shared.mean()), error, NEAR * NEAR / (len(mine) - 1))


def codes(one: Any, rows: np.ndarray) -> Codes:
    space = one.space[rows].astype(np.float32)
    return Codes(space, one.coordinates[rows, :2].astype(np.float32), nearest(space, NEAR))


def nearest(space: np.ndarray, count: int) -> np.ndarray:
    """(N, count) rows of the nearest others of each row, by Euclidean distance, nearest first."""
    square = (space.astype(np.float64) ** 2).sum(1)
    far = square[:, None] + square[None] - 2 * space.astype(np.float64) @ space.T
    np.fill_diagonal(far, np.inf)
    some = np.argpartition(far, count, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(far, some, 1), axis=1)
    return np.take_along_axis(some, order, 1)


def thumbnails(context: Context, left: str, right: str) -> Iterator[np.ndarray | None]:
    """(N, C, H, W) uint8: the pictures as a code gives them back, None while they are decoded."""

    def begin() -> Iterator[np.ndarray | None]:
        mine, theirs = shared_pictures(context, left, right)
        for name, rows in ((left, mine), (right, theirs)):
            if (kept := fitted(context, name).pictures) is not None:
                yield kept[rows]
                return
        z, parts = fitted(context, left).codes[mine], []
        for k in range(0, len(z), CHUNK):
            parts.append(as_bytes(context.ask(left, "decode", z[k : k + CHUNK])))
            yield None
        yield np.concatenate(parts)

    return context.ask.kept_steps(("compare-thumbnails", left, right), begin)


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Both maps, once their pictures are there."""
    header, known = header_of(context, name), mapped(context, name, asked.request)
    if len(known) < 2:
        raise ValueError(
            f"Fewer than two models of {data_words(header)} here come with codes of test pictures."
        )
    left, right = sides(known, name, asked.left, asked.right)
    yield screen(
        left=choice_of(context, known, FIRST, asked.left),
        right=choice_of(context, known, SECOND, asked.right),
        status=say("Looking for neighbours …", kind="busy"),
        code=code_of(context, left, right),
    )
    found = pair(context, left, right)
    yield None
    for sprite in thumbnails(context, left, right):
        if sprite is None:
            yield screen(status=say("Decoding the pictures …", kind="busy"))
    yield screen(
        maps=value_of(context, left, right, found, sprite),
        status=say(sentence(found)),
    )


def sides(known: Sequence[str], name: str, left: Any, right: Any) -> tuple[str, str]:
    """The two models: those that were chosen, else the one in the picker and the next."""
    first = left if left in known else name if name in known else known[0]
    if right in known and right != first:
        return first, right
    return first, next(other for other in known if other != first)


def choice_of(context: Context, known: Sequence[str], usual: str, asked: Any) -> Any:
    """The choice of one of the two. One's own models are had by the picker alone: their names are
    keys, and do not go into a link."""
    offered = [name for name in known if name in context.store.names]
    choices = [(context.store.header(name).title, name) for name in offered]
    value = asked if asked in offered else USUAL
    return gr.Dropdown(choices=[(usual, USUAL), *choices], value=value)


def sentence(found: Pair) -> str:
    return (
        f"{len(found.left.places):,} test pictures. Of {NEAR} nearest codes in one model "
        f"{found.shared:.1f} ± {found.error:.1f} are among the nearest in the other; by chance it "
        f"would be {found.chance:.1f}."
    )


def value_of(
    context: Context, left: str, right: str, found: Pair, sprite: np.ndarray
) -> dict[str, Any]:
    """The value of the maps."""
    maps = []
    for name, each in ((left, found.left), (right, found.right)):
        D = fitted(context, name).codes.shape[1]
        how = "as they are" if D == 2 else "laid out in two dimensions"
        maps.append({
            "name": context.store.header(name).title, "note": f"codes of {D} numbers, {how}",
            "xy": packed(each.places), "near": each.near.ravel().tolist(), "k": NEAR,
        })  # fmt: skip
    labels = None if found.labels is None else found.labels.tolist()
    classes = classes_of_data(context, [left, right])
    return {"maps": maps, "labels": labels, "classes": classes, "sprite": images.sprite(sprite)}


def code_of(context: Context, left: str, right: str) -> str:
    """The lines that count how many neighbours the two share."""
    return snippet(
        names_line(context, [left, right]),
        "maps = [load_map(read_header(name).folder) for name in names]",
        "rows = [np.arange(len(m)) if m.indices is None else m.indices for m in maps]",
        "_, *rows = np.intersect1d(*rows, return_indices=True)",
        "near = []",
        "for each, row in zip(maps, rows):",
        f"    space = torch.tensor(each.space[row[:{MOST}]])",
        f"    near.append(torch.cdist(space, space).argsort(1)[:, 1:{NEAR + 1}])",
        "shared = [len(np.intersect1d(a, b)) for a, b in zip(*near)]",
        f"mean = np.mean(shared)  # of {NEAR}",
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, of_model=False)
    known = context.store.having({"Encodes", "Decodes"})
    titles = [(context.store.header(name).title, name) for name in known]
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            status = components.status()
            left, right = (
                gr.Dropdown(
                    [(usual, USUAL), *titles],
                    value=USUAL,
                    label=label,
                    filterable=False,
                    elem_id=f"maps-{side}",
                )
                for side, label, usual in (("left", "Left", FIRST), ("right", "Right", SECOND))
            )
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            maps = linked_maps(label="Codes of the same test pictures")
    part.controls(left=left, right=right)
    part.outputs(maps=maps, status=status, code=notes.code, left=left, right=right)
    part.arrives(show)
    part.on([left.input, right.input], show)
    context.remember("compare.maps.left", left, parse=one_of(known))
    context.remember("compare.maps.right", right, parse=one_of(known))
