"""What the Latent space tab shows: plain values in, values of its components out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from explorer.components.theme import PALETTE
from explorer.page.context import Context
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.server.abilities import classes_of
from explorer.tabs.latent import codes as latents
from explorer.tabs.latent.codes import Plane
from models.codes.paths import manifold, spherical, straight

log = logging.getLogger(__name__)

DOTS = 600
LONGEST = 16_000  # characters of a place in the address: three codes of 32 x 32 x 1 numbers
SHEET = 20


class View(NamedTuple):
    """Where the tab stands. z: (D,), what the marker shows. kept: (3, D), pictures A, B and C.

    kind: "dimensions", "principal" or "three". across, up: ranks of directions, 0 the foremost.
    label: the class asked for, None for a model that takes none.
    """

    z: np.ndarray
    kept: np.ndarray
    kind: str
    across: int
    up: int
    label: int | None


KINDS = (("Single numbers", "dimensions"), ("Principal", "principal"), ("Through A, B, C", "three"))


# -- reading what the page holds ------------------------------------------------------------------


def read_view(context: Context, name: str, asked: Any) -> View:
    """The view from what the controls say (place, kept, kind, across, up, label); what does not
    fit this model falls back to its start."""
    D = latents.dimensions(context, name)
    label = asked_label(context, name, asked.label)
    corners = codes_in(asked.kept, name, D, 3)
    if corners is None:
        corners = starting_codes(context, name, label)
    z = codes_in(asked.place, name, D, 1)
    z = corners[0] if z is None else z[0]
    kind = asked.kind if asked.kind in dict(KINDS).values() else "dimensions"
    ranks = [int(r) if isinstance(r, int | float) and 0 <= r < D else k
             for k, r in enumerate((asked.across, asked.up))]  # fmt: skip
    return View(z, corners, kind, *ranks, label)


def codes_in(text: Any, name: str, dimensions: int, count: int) -> np.ndarray | None:
    """(count, D): the codes of ``written``; None where they are not this model's."""
    parts = str(text or "").split("~")
    if parts[0] != name or len(parts) != count + 1:
        return None
    try:
        return np.stack([latents.unpack(part, dimensions) for part in parts[1:]])
    except ValueError as error:
        log.info("Left out a code of the address: %s", error)
        return None


def written(name: str, *codes: np.ndarray) -> str:
    """Codes as the value of ``place`` (one) or ``kept`` (three)."""
    return "~".join([name, *map(latents.pack, codes)])


def as_place(text: str) -> str:
    """The parser of places in addresses. Raises ValueError where it cannot be one."""
    if "~" not in text or len(text) > LONGEST:
        raise ValueError("This is no place in a latent space.")
    return text


def asked_label(context: Context, name: str, label: Any) -> int | None:
    """The class to ask for: 0 where the wish is none, None where the model takes no class."""
    count = len(classes_of(context.store.header(name)))
    if not count:
        return None
    return int(label) if isinstance(label, int | float) and 0 <= label < count else 0


def starting_codes(context: Context, name: str, label: int | None) -> np.ndarray:
    """(3, D): typical test codes of three classes (far apart ones where there is but one class);
    without codes, three draws from the prior."""
    D = latents.dimensions(context, name)
    shipped = latents.shipped_codes(context, name)
    if shipped is None or len(shipped.codes) < 3:
        chosen = np.random.default_rng(0).standard_normal((3, D))
    elif shipped.labels is None or label is not None:
        mine = shipped.codes
        if label is not None and shipped.labels is not None:
            own = shipped.codes[shipped.labels == label]
            mine = own if len(own) >= 3 else mine
        chosen = _far_apart(mine)
    else:
        known = np.unique(shipped.labels)
        wanted = known[[len(known) // 3, 2 * len(known) // 3, 0]]
        chosen = np.stack([_most_typical(shipped.codes[shipped.labels == k]) for k in wanted])
    chosen = latents.valid(context, name, chosen)
    return np.stack([latents.unpack(latents.pack(z), D) for z in chosen])


def _far_apart(codes: np.ndarray) -> np.ndarray:
    """The most typical code, the one furthest from it, and the one furthest from both."""
    chosen = [_most_typical(codes)]
    for _ in range(2):
        away = np.min([np.square(codes - z).sum(1) for z in chosen], axis=0)
        chosen.append(codes[away.argmax()])
    return np.stack(chosen)


def _most_typical(codes: np.ndarray) -> np.ndarray:
    return codes[np.square(codes - codes.mean(0)).sum(1).argmin()]


# -- what is shown, as values of the components ---------------------------------------------------


def plane_of(context: Context, name: str, view: View) -> tuple[Plane, list[dict[str, str]]]:
    """The plane through the view's code, and what its two axes are called.

    Raises ValueError where two directions do not span a plane.
    """
    D, reach = len(view.z), latents.REACH
    if view.kind == "three":
        plane = latents.plane_through(view.kept)
        away = view.z - plane.at(*plane.coordinates(view.z))
        plane = plane._replace(origin=plane.origin + away)
        axes = [_axis("A → B", "A → B", ""), _axis("towards C", "towards C", "")]
        return plane, axes
    if D > 1 and view.across == view.up:
        raise ValueError("Choose two different directions: these two are the same.")
    if view.kind == "principal":
        directions, shares, what = latents.principal_directions(context, name)
        chosen = [min(rank, len(shares) - 1) for rank in (view.across, view.up)]
        pair = [directions[rank] for rank in chosen]
        axes = [
            _axis(f"PC {rank + 1}", f"Principal direction {rank + 1}", f"{shares[rank]:.0%} {what}")
            for rank in chosen
        ]
    else:
        active = latents.activity(context, name)
        last = len(active.order) - 1
        chosen = [int(active.order[min(rank, last)]) for rank in (view.across, view.up)]
        if D > 1 and chosen[0] == chosen[1]:
            raise ValueError("Choose two different directions: these two are the same.")
        pair = [active.vector(k, D) for k in chosen]
        reach = max(map(active.reach, chosen))
        axes = [_axis(active.name(k), active.name(k), amount(active, k)) for k in chosen]
    if D == 1:
        pair[1] = np.zeros(1, np.float32)
    return latents.plane_along(view.z, *pair, reach), axes


def spans(context: Context, name: str, view: View) -> bool:
    """Whether the view has a plane: A, B and C may lie on one line."""
    try:
        plane_of(context, name, view)
    except ValueError as error:
        log.info("%s; single numbers are shown instead.", error)
        return False
    return True


def _axis(short: str, name: str, note: str) -> dict[str, str]:
    return {"short": short, "name": name, "note": note}


def amount(active: latents.Activity, dimension: int) -> str:
    """How much a dimension does, in words."""
    value = float(active.amount[dimension])
    if active.unit.startswith("share"):
        return f"{value:.1%}{active.unit.removeprefix('share')}"
    return f"{value:.2f} nats" if active.unit == "nats" else f"changes a pixel by {value:.1%}"


def pad_value(context: Context, name: str, view: View) -> dict[str, Any]:
    """The pad's value (see ``LatentPad``). Raises ValueError where there is no such plane."""
    plane, axes = plane_of(context, name, view)
    side = latents.detail(context, name).side
    where = (plane.origin.tobytes(), plane.u.tobytes(), plane.v.tobytes(), plane.reach)

    def laid() -> dict[str, Any]:
        return images.sprite(latents.decode(context, name, plane.lattice(side), view.label))

    a, b = plane.coordinates(view.z)
    corners = []
    if view.kind == "three":
        places = plane.coordinates(view.kept)
        corners = [
            {"name": letter, "a": float(x), "b": float(y)}
            for letter, (x, y) in zip("ABC", places, strict=True)
        ]
    return {
        "model": name,
        "label": view.label,
        # The same for all who come to the plane; only the marker is one's own.
        "atlas": context.ask.kept(("atlas", name, view.label, side, *where), laid),
        "side": side,
        "origin": plane.origin.tolist(),
        "u": plane.u.tolist(),
        "v": plane.v.tolist(),
        "reach": plane.reach,
        "at": [float(a), float(b)],
        "exact": images.sprite(latents.decode(context, name, view.z[None], view.label)),
        "axes": axes,
        "dots": _dots(context, name, plane, view.label),
        "colours": list(PALETTE),
        "classes": list(context.store.header(name).data.get("classes") or []),
        "corners": corners,
    }


def _dots(context: Context, name: str, plane: Plane, label: int | None) -> dict[str, Any] | None:
    shipped = latents.shipped_codes(context, name)
    if shipped is None:
        return None
    codes, labels = shipped.codes, shipped.labels
    if label is not None and labels is not None:
        codes, labels = codes[labels == label], labels[labels == label]
    chosen = np.linspace(0, len(codes) - 1, min(DOTS, len(codes))).astype(int)
    places = plane.coordinates(codes[chosen])
    inside = np.abs(places).max(1) <= plane.reach
    chosen, places = chosen[inside], places[inside]
    return {
        "a": places[:, 0].round(3).tolist(),
        "b": places[:, 1].round(3).tolist(),
        "labels": [] if labels is None else labels[chosen].tolist(),
        "z": latents.pack(codes[chosen]),
    }


def strips(context: Context, name: str, view: View) -> dict[str, Any]:
    """The value of ``traversals``: the foremost ways of the view's kind, each from -3 to 3 through
    z, or as far as it goes."""
    active, detail = latents.offered(context, name, view.kind), latents.detail(context, name)
    chosen, D = active.order[: detail.rows], len(view.z)
    reaches = np.array([active.reach(k) for k in chosen], np.float32)
    line = reaches[:, None] * np.linspace(-1, 1, detail.frames, dtype=np.float32)  # (rows, frames)
    vectors = np.stack([active.vector(k, D) for k in chosen])  # (rows, D)
    # Along a direction u, z + (t - z.u) u: where the code lies at t and is elsewhere as it was.
    moves = line - (vectors @ view.z)[:, None]  # (rows, frames)
    codes = (view.z + moves[..., None] * vectors[:, None]).astype(np.float32)
    pictures = latents.decode(context, name, codes.reshape(-1, D), view.label)
    pictures = pictures.reshape(len(chosen), detail.frames, *pictures.shape[1:])
    rows = [
        {
            "dimension": int(k),
            "name": active.name(k),
            "note": amount(active, k),
            "reach": float(reaches[row]),
            "sprite": images.sprite(pictures[row]),
        }
        for row, k in enumerate(chosen)
    ]
    if active.directions is not None:
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"] = vector.round(5).tolist()
    z = latents.pack(view.z)
    return {"model": name, "z": z, "reach": latents.REACH, "rows": rows}


def ways(context: Context, name: str, view: View) -> dict[str, Any]:
    """The value of ``interpolation``: from A to B, straight and spherical."""
    a, b, _ = view.kept
    found = []
    for title, path in (("Straight", straight), ("Spherical", spherical)):
        codes = path(a, b, latents.detail(context, name).way)
        found.append(
            {
                "name": title,
                "sprite": images.sprite(latents.decode(context, name, codes, view.label)),
                "codes": latents.pack(codes),
                "lengths": np.linalg.norm(codes, axis=1).round(3).tolist(),
            }
        )
    faces = images.sprite(latents.decode(context, name, view.kept, view.label))
    kept = [latents.pack(z) for z in view.kept]
    return {"model": name, "kept": kept, "faces": faces, "ways": found}


def sheet(context: Context, name: str, label: int | None) -> dict[str, Any] | None:
    """The value of ``manifold``; None for a model whose codes have more or fewer than 2 numbers."""
    if latents.dimensions(context, name) != 2:
        return None
    codes = manifold(SHEET)
    pictures = images.sprite(latents.decode(context, name, codes, label))
    return {"model": name, "side": SHEET, "sprite": pictures, "codes": latents.pack(codes)}


def code_of(context: Context, name: str, view: View) -> str:
    """The lines that give the exact picture at the marker."""
    numbers = [f"{float(v):.5g}" for v in latents.valid(context, name, view.z)]
    lines = [", ".join(numbers[k : k + 6]) for k in range(0, len(numbers), 6)]
    code = ",\n    ".join(lines)
    shape = (1, *context.store.header(name).config["image"])
    decoded = call("image = model.decode", raw("z"), label=view.label)
    return snippet(
        loading(context, name),
        f"z = torch.tensor([[\n    {code},\n]], device=model.device)",
        f"{decoded}  # {shape}, from 0 to 1",
    )


def exact(context: Context) -> Callable[[list], str]:
    """What the pad asks for when the pointer rests: a function the browser can call."""

    def decode(asked: list) -> str:
        """asked: [model, packed code, label or None]. Returns base64 of the picture's bytes."""
        name, text, label = asked
        z = latents.unpack(str(text), latents.dimensions(context, name))
        picture = latents.decode(context, name, z[None], asked_label(context, name, label))
        return images.sprite(picture)["b64"]

    return decode
