"""The field as a map: ways to learn a distribution, and the families that learn in each.

Where a family stands and what is said of it follows from what its models can do, as their headers
tell: a model of a family that nobody here has heard of is on the map as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.page.code import family_title
from explorer.server.abilities import own_steps
from explorer.server.assets import FOR_EVER, version_of
from models.checkpoints.film import FILM, FILMS, read_film

if TYPE_CHECKING:
    from explorer.page.context import Context
    from models.checkpoints.header import Header


FOLDER = "/start/film/"


class Way(NamedTuple):
    """A way to learn a distribution. words: what is done, in a line."""

    key: str
    title: str
    words: str


WAYS = (
    Way("likelihood", "By likelihood", "Make the training pictures as probable as can be."),
    Way("bound", "By a bound", "Push up a lower bound where the likelihood is out of reach."),
    Way("game", "By a game", "Fool a second network that tells real from generated."),
    Way("energy", "By energy", "Low where pictures are, high elsewhere; nobody knows the sum."),
    Way("denoising", "By denoising", "Take a little noise away, at every noise level."),
    Way("other", "In another way", "By none of the ways on the left."),
)


class Node(NamedTuple):
    """A family on the map. face: the header of the model that stands for it; names: its models."""

    title: str
    way: str
    face: Header
    names: tuple[str, ...]


def way_of(header: Header) -> str:
    """How a model learned: a key of ``WAYS``."""
    can = set(header.capabilities)
    if can & {"Discriminates", "HasDomains"}:
        return "game"
    if "Denoises" in can:
        return "denoising"
    if "HasEnergy" in can:
        return "energy"
    if "WritesText" in can:
        return "likelihood"
    if "HasLikelihood" in can:
        return "likelihood" if density_of(header) == "exact density" else "bound"
    return "other"


def density_of(header: Header) -> str:
    """What the model tells of a picture's density, in two or three words."""
    can = set(header.capabilities)
    if "HasEnergy" in can:
        return "density up to a constant"
    if "WritesText" in can:
        return "exact density"
    if "HasLikelihood" not in can:
        return "no density"
    measured = header.metrics.get("nll_nats")
    kind = measured.get("kind") if isinstance(measured, dict) else None
    # The numbers measured of a flow are of 8-bit pictures, and bound theirs.
    exact = kind == "exact" or bool(can & {"WritesPixels", "Flows"})
    return "exact density" if exact else "bound on the density"


def codes_of(header: Header) -> str:
    """What codes the model has, in two or three words."""
    can = set(header.capabilities)
    if "HasLevels" in can:
        return "codes in levels"
    if "QuantisesCodes" in can:
        return "a grid of codes"
    if "Decodes" not in can:
        return "no codes"
    return "codes" if "Encodes" in can else "codes, no encoder"


def steps_of(header: Header) -> str:
    """How many steps a picture takes, in two or three words."""
    can = set(header.capabilities)
    if "WritesPixels" in can:
        return f"{math.prod(header.config['image']):,} steps"
    if "WritesIndices" in can:
        return "code by code"
    if "WritesText" in can:
        return "symbol by symbol"
    if "Denoises" in can:
        return f"{own_steps(header)} steps"
    return "a chain of steps" if "HasEnergy" in can else "one step"


def nodes(headers: Iterable[Header]) -> list[Node]:
    """The families that make something, in the order of ``WAYS``; the largest of a way first. A
    family's face is a model with a film, the largest of them, else one with a preview."""
    families: dict[str, list[Header]] = {}
    for header in headers:
        if {"Samples", "WritesText", "Translates"} & set(header.capabilities):
            families.setdefault(family_title(header.family), []).append(header)

    def looks(header: Header) -> tuple[bool, bool, int]:
        folder = header.folder
        return (folder / FILM).is_file(), (folder / "preview.webp").is_file(), header.parameters

    found = []
    for title, models in families.items():
        face = max(models, key=looks)
        found.append(Node(title, way_of(face), face, tuple(header.name for header in models)))
    order = [way.key for way in WAYS]
    return sorted(found, key=lambda node: (order.index(node.way), -len(node.names)))


# Where a model of a capability is best seen: the first of these that it has, and the page.
HOMES = (
    ("WritesText", "words"),
    ("Translates", "translate"),
    ("Denoises", "denoise"),
    ("WritesPixels", "pixels"),
    ("Flows", "layers"),
    ("Discriminates", "game"),
    ("HasEnergy", "energy"),
    ("Decodes", "latent"),
    ("HasLevels", "codes"),
    ("QuantisesCodes", "codes"),
    ("Rebuilds", "rebuild"),
    ("Samples", "sample"),
)


def home_of(header: Header, tabs: Iterable[str]) -> str:
    """The key of the tab that shows best what the model does, "" where no tab can."""
    known = set(tabs)
    return next(
        (tab for need, tab in HOMES if need in header.capabilities and tab in known),
        "",
    )


class Moving(NamedTuple):
    """What moves in a node. data: the bytes of a WebP, rows x columns pictures; words: what they
    are; loops: whether the last is followed by the first at once."""

    data: bytes
    rows: int
    columns: int
    words: str
    loops: bool


def moving(header: Header) -> Moving | None:
    """The model's film, or eight columns of its preview; None where it has neither."""
    if (film := read_film(header.folder, header.config["image"])) is not None:
        return Moving(film.data, film.pictures, film.moments, FILMS[film.what], film.what == "walk")
    path = header.folder / "preview.webp"
    words = "samples" if "Samples" in header.capabilities else "pictures and their translations"
    return Moving(path.read_bytes(), 8, 8, words, True) if path.is_file() else None


def film_of(header: Header) -> dict[str, Any] | None:
    """What the browser is told of what moves in a node; it fetches the pictures by ``address``."""
    if (film := moving(header)) is None:
        return None
    told = film._asdict()
    version = version_of(told.pop("data"))
    return {**told, "address": f"{FOLDER.removeprefix('/')}{header.name}?v={version}"}


def films(context: Context) -> Route:
    """The address of what moves, by the model's name: the bytes of a WebP."""

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        film = moving(context.store.header(name)) if name in context.store.names else None
        if film is None:
            return Response(status_code=404)
        keep = {"Cache-Control": FOR_EVER}
        return Response(film.data, media_type="image/webp", headers=keep)

    return Route(FOLDER + "{name}", answer)


def shown(context: Context) -> list[dict[str, Any]]:
    """The ways with their nodes, those that have any, as the component takes them."""
    found = nodes(context.store.header(name) for name in context.store.names)
    ways = []
    for way in WAYS:
        items = []
        for node in (node for node in found if node.way == way.key):
            items.append({
                "title": node.title,
                "model": node.face.name,
                "names": list(node.names),
                "facts": [density_of(node.face), codes_of(node.face), steps_of(node.face)],
                "tab": home_of(node.face, context.titles),
                "film": film_of(node.face),
            })  # fmt: skip
        if items:
            ways.append({"key": way.key, "title": way.title, "words": way.words, "nodes": items})
    return ways
