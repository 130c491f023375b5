"""Pictures to judge that need no data set: test pictures that came with models, samples, of this
model and of others, and nonsense."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from explorer.page.choice import (
    CONTROLS,
    OWN,
    SHELF,
    Picture,
    PictureControls,
    picture_controls,
    read,
    samples,
)
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.snippet import call
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.previews import Real, preview, real
from explorer.server.reading import is_whole
from explorer.server.words import data_title

SHOWN, FOREIGN, STRANGERS = 6, 6, 3
REAL = 2  # of those shown first, where there are any


def alike(context: Context, name: str, *needs: str) -> list[str]:
    """Models of the same image size that have all of these, from headers alone; itself first."""
    shape = list(context.store.header(name).config["image"])
    found = context.store.having(set(needs))
    same = [n for n in found if list(context.store.header(n).config["image"]) == shape]
    return sorted(same, key=lambda other: other != name)


def of_same_data(context: Context, name: str, *needs: str) -> list[str]:
    """Other models of pictures of the same data set and size that have all of these."""
    of = _data(context, name)
    return [n for n in alike(context, name, *needs) if n != name and _data(context, n) == of]


def foreign(context: Context, name: str) -> list[str]:
    """Other models of pictures of this size, those of other data first and each data set in turn.

    Of each data set those whose samples come nearest to it first, as far as that was measured.
    """
    header = context.store.header(name)
    by_data: dict[str, list[str]] = {}
    for other in alike(context, name, "Samples"):
        if other != name:
            by_data.setdefault(_data(context, other), []).append(other)

    def far(other: str) -> float:
        return float(context.store.header(other).metrics.get("fd_over_floor", {}).get("value", 1e9))

    for names in by_data.values():
        names.sort(key=far)
    own = by_data.pop(header.data.get("name", ""), [])
    rounds = [
        names[k] for k in range(max(map(len, by_data.values()), default=0))
        for names in by_data.values() if k < len(names)
    ]  # fmt: skip
    return [*rounds, *own]


def _data(context: Context, name: str) -> str:
    return context.store.header(name).data.get("name", "")


def drawn(context: Context, name: str) -> np.ndarray:
    """(N, C, H, W) uint8 samples of a model: the 64 that were shipped with it, else 16."""
    shipped = preview(context.store, name)
    return samples(context, name)[0] if shipped is None else shipped.images


def noise(shape: tuple[int, int, int], n: int) -> np.ndarray:
    """(n, C, H, W) uint8, every level as likely, of seed 0."""
    from models.contract.random import generator, uniform

    return as_bytes(uniform((n, *shape), generator(0), "cpu").numpy())


def examples(context: Context, name: str) -> list[Picture]:
    """Sixteen pictures at most, an ordinary one first: test pictures, the model's own samples,
    others', and what is no picture of anything."""
    return context.ask.kept(("examples", name), partial(_examples, context, name))


def _examples(context: Context, name: str) -> list[Picture]:
    header = context.store.header(name)
    shape = tuple(header.config["image"])
    found = []
    kept = real(context.store, name)
    if kept is not None:
        found += [_test_picture(kept, k) for k in range(min(REAL, len(kept.pictures)))]
    if "Samples" in header.capabilities:
        found += [_sample(context, name, "model", k) for k in range(SHOWN - len(found))]
    others = foreign(context, name)[:STRANGERS]
    for k in range(FOREIGN if others else 0):
        turn, other = divmod(k, len(others))
        found.append(_sample(context, others[other], "other", turn))
    if found:
        first = found[0]
        found.append(Picture(
            np.ascontiguousarray(first.pixels[:, ::-1]), f"{first.words}, upside down",
            f"{first.code}x = x.flip(2)\n",
        ))  # fmt: skip
    size = ", ".join(map(str, shape))
    grey = np.full(shape, 128, np.uint8)
    stripes = np.zeros(shape, np.uint8)
    stripes[:, :, ::2] = 255
    found += [
        Picture(grey, "one level of grey", f"x = torch.full((1, {size}), 128 / 255)\n"),
        Picture(stripes, "stripes", f"x = torch.zeros(1, {size})\nx[..., ::2] = 1\n"),
        Picture(noise(shape, 1)[0], "noise",
                f'x = (uniform((1, {size}), generator(0), "cpu") * 255).round() / 255\n'),
    ]  # fmt: skip
    return found[:SHELF]


def _test_picture(kept: Real, k: int) -> Picture:
    """Test picture k of those that came with a model."""
    file = call("load_file", in_code(kept.path))
    code = f'x = torch.from_numpy({file}["pictures"][{k}:{k + 1}]) / 255\n'
    return Picture(kept.pictures[k], f"test picture {k + 1}", code)


def _sample(context: Context, name: str, variable: str, k: int) -> Picture:
    """Sample k of a model; its code loads the model where it is not ``model`` already."""
    pictures, drawn = samples(context, name)
    k = k % len(pictures)
    header = context.store.header(name)
    load = f"other = load({in_code(header.folder)!r})\n" if variable == "other" else ""
    code = (
        f"{load}samples = {variable}.sample({drawn}, generator(0))\n"
        f"x = (samples[{k}:{k + 1}] * 255).round() / 255\n"
    )
    whose = "its own" if variable == "model" else f"of {header.title}"
    words = f"{whose} sample {k + 1}" if variable == "model" else f"sample {k + 1} {whose}"
    return Picture(pictures[k], words, code)


def as_shelf(context: Context, name: str, selected: Any) -> dict[str, Any]:
    """The value of the shelf of examples."""
    found = examples(context, name)
    names = [picture.words[0].upper() + picture.words[1:] for picture in found]
    place = _place(selected, len(found))
    pixels = np.stack([picture.pixels for picture in found])
    return {**images.sprite(pixels), "selected": place, "names": names}


def _place(value: Any, n: int) -> int:
    return int(value) if is_whole(value) and 0 <= value < n else 0


def chosen(context: Context, name: str, source: Any, index: Any, given: Any) -> Picture:
    """The picture that the controls mean. Raises ``ImageError``, one sentence, where it is none."""
    if source == OWN:
        return read(context, name, source, index, given)
    found = examples(context, name)
    return found[_place(index, len(found))]


def example_in(context: Context, name: str, asked: Any, of: str = "") -> Picture:
    """The picture that the controls of a part mean (see ``PictureControls.named``)."""
    return chosen(context, name, *(getattr(asked, f"{of}{what}") for what in CONTROLS))


def crowds(context: Context, name: str, most: int) -> list[tuple[str, str, np.ndarray]]:
    """(key, name, pixels (N, C, H, W) uint8) of crowds that need no data set, at most so many each:
    the model's own samples first, then each other data set's samples by its best model, and noise.
    """
    header, found = context.store.header(name), []
    if "Samples" in header.capabilities:
        found.append(("samples", "Its own samples", drawn(context, name)[:most]))
    seen = {header.data.get("name", "")}
    for other in foreign(context, name):
        data = _data(context, other)
        if data not in seen:
            seen.add(data)
            found.append((data, f"{data_title(data)}, sampled", drawn(context, other)[:most]))
    found.append(("noise", "Noise", noise(tuple(header.config["image"]), min(most, 16))))
    return found


def next_example(context: Context, name: str, example: Any) -> tuple[Any, ...]:
    """The next example, on the shelf and off one's own picture: (choice, shelf, source)."""
    count = len(examples(context, name))
    following = (int(example) + 1) % count if is_whole(example) else 0
    return following, as_shelf(context, name, following), "sample"


def example_controls(context: Context, key: str) -> PictureControls:
    """``picture_controls`` whose shelf holds ``examples``."""
    return picture_controls(
        context, key, label="Picture", selected=0,
        offered=("An example", "test pictures, samples, and what is no picture"),
    )  # fmt: skip
