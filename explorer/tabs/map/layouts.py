"""What the Map tab shows: a model's codes of test pictures, laid out in one way or another.

Everything here is plain functions over ``Context``; results are kept by ``context.ask``, as they
depend on nothing but the model and the layout.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.page.choice import lacks
from explorer.pictures.bytes import as_bytes
from models.checkpoints.codes import CODES, Map, load_map
from models.codes.projection import Stopped, fit_map, neighbours, project

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)

NEEDS = ("Encodes", "Decodes")
MOST = 5_000
METHODS = {"umap": "UMAP", "pca": "PCA", "code": "The code itself"}


class NoCodes(ValueError):
    """There are no codes to show; the message is a sentence. ready: whether the test pictures are
    here to be encoded."""

    def __init__(self, message: str, ready: bool = False) -> None:
        super().__init__(message)
        self.ready = ready


class Layout(NamedTuple):
    """How codes are laid out. ``neighbours`` and ``min_dist`` matter to UMAP only."""

    method: str = "umap"
    components: int = 2
    neighbours: int = 15
    min_dist: float = 0.1

    @property
    def plain(self) -> Layout:
        """The same layout with the settings that do not matter at their defaults."""
        return self if self.method == "umap" else Layout(self.method, self.components)


KEPT = Layout()


class Quality(NamedTuple):
    """knn: 5-nearest-neighbour accuracy in the map, in [0, 1], or None without labels."""

    knn: float | None
    trustworthiness: float
    n: int


class Fitting(NamedTuple):
    """How far a fit is, from 0 to 1, and what goes on. coordinates: (N, 2 or 3) once it is done."""

    share: float
    what: str
    coordinates: np.ndarray | None = None


# -- points --------------------------------------------------------------------------------------


def points(context: Context, name: str) -> Map:
    """The model's codes, at most MOST of them, evenly spaced. Raises NoCodes.

    Rows of this map are what the tab calls points. ``indices`` say which test pictures they are.
    """
    if sentence := lacks(context, name, *NEEDS):
        raise NoCodes(sentence)
    if (encoded := context.ask.cache.get(("map-encoded", name))) is not None:
        return encoded
    return context.ask.kept(("map-points", name), lambda: _brought(context, name))


def has_points(context: Context, name: str) -> bool:
    """Whether there are codes to show."""
    try:
        points(context, name)
    except NoCodes:
        return False
    return True


def with_codes(context: Context, names: list[str]) -> list[str]:
    """Those of the models whose codes are here, or whose test pictures are, to be encoded."""
    from models.data import datasets

    headers = [context.store.header(name) for name in names]
    brought = [header.name for header in headers if (header.folder / CODES).is_file()]
    able = [
        header.name
        for header in headers
        if header.name not in brought
        and datasets.available(header.data.get("name", ""), context.data_dir)
    ]
    return brought + able


def _brought(context: Context, name: str) -> Map:
    """The codes that lie beside the model. Raises NoCodes."""
    header = context.store.header(name)
    try:
        kept = load_map(header.folder)
    except ValueError as error:
        log.warning("%s", error)
        raise NoCodes(f"The codes of {header.title} are damaged. Choose another model.") from None
    if kept is None:
        raise _no_codes(context, name)
    step = stride(len(kept))
    indices = np.arange(len(kept)) if kept.indices is None else kept.indices
    labels = None if kept.labels is None else kept.labels[::step]
    return Map(
        kept.codes[::step], kept.coordinates[::step], labels, indices[::step], kept.kl,
        kept.facts, None if kept.embedding is None else kept.embedding[::step],
        None if kept.pictures is None else kept.pictures[::step],
    )  # fmt: skip


def stride(n: int) -> int:
    """Every how many-th of n points is shown."""
    return max(1, math.ceil(n / MOST))


def _no_codes(context: Context, name: str) -> NoCodes:
    """What can be done about a model that brings no codes."""
    from models.data import datasets

    title = context.store.header(name).title
    of = context.store.header(name).data.get("name", "")
    if datasets.available(of, context.data_dir):
        return NoCodes(
            f"{title} brings no codes with it, but its test pictures are here: press 'Encode the "
            "test pictures'.",
            ready=True,
        )
    log.info(
        "%s brings no codes with it. Start with --data-dir FOLDER, where FOLDER/%s holds its data "
        "set, to encode the test pictures.", title, of,
    )  # fmt: skip
    able = [context.store.header(other) for other in context.store.having(set(NEEDS))]
    titles = [header.title for header in able if (header.folder / CODES).is_file()]
    others = f" Choose a model with codes: {'; '.join(titles)}." if titles else ""
    return NoCodes(f"{title} brings no codes of test pictures to lay out.{others}")


def encode_points(context: Context, name: str) -> Iterator[float]:
    """Encodes test pictures of the model's data set and keeps them as its points. Yields shares.

    Raises ValueError where the data do not fit the model.
    """
    key = ("map-encoded", name)
    for step in context.ask.kept_steps(key, lambda: _encoding(context, name)):
        if not isinstance(step, Map):
            yield step


def _encoding(context: Context, name: str) -> Iterator[float | Map]:
    """Yields shares of what is done, and last the codes."""
    dataset = test_set(context, name)
    if dataset is None:
        raise _no_codes(context, name)
    images = dataset.images.numpy()
    rows = np.arange(0, len(images), stride(len(images)))
    labels = None if dataset.labels is None else dataset.labels.numpy()[rows]
    parts, spaces = [], []
    for block in np.array_split(np.arange(len(rows)), math.ceil(len(rows) / 250)):
        x = images[rows[block]].astype(np.float32) / 255
        classes = None if labels is None else labels[block]
        codes = context.ask(name, "encode", x, **_told(context, name, classes))
        parts.append(codes.reshape(len(x), -1))
        spaces.append(embed(context, name, parts[-1], classes))
        yield sum(map(len, parts)) / len(rows)
    codes, embedding = np.concatenate(parts), np.concatenate(spaces)
    flat = codes if codes.shape[1] == 2 else fit_map(embedding, "pca")
    facts = {"data": dataset.name, "split": "test", "map": "pca"}
    embedding = None if np.array_equal(embedding, codes) else embedding
    yield Map(codes, flat, labels, rows, None, facts, embedding)


def embed(context: Context, name: str, codes: np.ndarray, labels: Any = None) -> np.ndarray:
    """Codes (Q, D) in the space that the model's maps are laid out in, (Q, E)."""
    return context.ask(name, "embed", codes, **_told(context, name, labels))


def _told(context: Context, name: str, labels: Any) -> dict[str, Any]:
    """What a model is told of the classes of codes, where it takes classes and they are known."""
    if labels is None or "Conditional" not in context.store.header(name).capabilities:
        return {}
    return {"label": np.asarray(labels, np.int64)}


def test_set(context: Context, name: str) -> Any:
    """The test pictures of the model's data set, None where they are not at hand."""
    from models.data import datasets

    of = context.store.header(name).data.get("name", "")
    try:
        return context.ask.kept(
            ("test-set", of), lambda: datasets.load(of, "test", context.data_dir, download=False)
        )
    except (datasets.DataError, OSError) as error:  # not kept: they may come yet
        log.info("No test pictures of %s: %s", of, error)
        return None


def original(context: Context, name: str, row: int) -> np.ndarray | None:
    """The test picture behind a point, (C, H, W) uint8, where the data set is at hand."""
    dataset = test_set(context, name)
    index = int(points(context, name).indices[row])
    shape = tuple(context.store.header(name).config["image"])
    if dataset is None or dataset.image_shape != shape or index >= len(dataset):
        return None
    return dataset.images[index].numpy()


# -- layouts -------------------------------------------------------------------------------------


def methods(fitted: Map) -> list[str]:
    """What this map can be laid out by: codes of two or three numbers can be shown as they are."""
    return ["code", "umap", "pca"] if fitted.codes.shape[1] in (2, 3) else ["umap", "pca"]


def kept_layout(fitted: Map) -> Layout:
    """The layout that came with the codes, and so needs no computing."""
    if fitted.codes.shape[1] == 2:
        return Layout("code", 2)
    return KEPT if fitted.facts.get("map") != "pca" else Layout("pca", 2)


def layout_now(context: Context, name: str, layout: Layout) -> np.ndarray | None:
    """Coordinates (N, 2 or 3) where they are known or take no time; None where UMAP must run.

    Raises ValueError where this layout cannot be.
    """
    fitted, layout = points(context, name), layout.plain
    if layout == kept_layout(fitted):
        return fitted.coordinates
    if layout.method == "pca":
        return context.ask.kept(
            ("map-pca", name, layout), lambda: fit_map(fitted.space, "pca", layout.components)
        )
    if layout.method == "code":
        if fitted.codes.shape[1] < layout.components:
            raise ValueError(
                f"A code of {fitted.codes.shape[1]} numbers cannot be shown in "
                f"{layout.components} dimensions as it is."
            )
        return fitted.codes[:, : layout.components]
    done = context.ask.cache.get(("map-fit", name, layout))
    return None if done is None else done.coordinates


def fit(context: Context, name: str, layout: Layout) -> Iterator[Fitting]:
    """Fits UMAP in a thread and keeps the result; who asks for the same map follows the same fit.

    Closing the last such iterator (a stop, or a page that was left) ends the fit at its next epoch.
    Raises ValueError where the settings do not fit the codes.
    """
    layout = layout.plain
    return context.ask.kept_steps(
        ("map-fit", name, layout), lambda: _fitting(points(context, name), layout)
    )


def _fitting(fitted: Map, layout: Layout) -> Iterator[Fitting]:
    now = [Fitting(0.0, "Starting")]
    stop, done, failed = threading.Event(), [], []

    def work() -> None:
        try:
            done.append(fit_map(
                fitted.space, layout.method, layout.components, layout.neighbours,
                layout.min_dist, progress=lambda *how: now.append(Fitting(*how)), stop=stop.is_set,
            ))  # fmt: skip
        except Stopped:
            log.info("A map was stopped.")
        except Exception as error:  # raised again below, in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=work, name="fit-map", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            yield now[-1]
            thread.join(0.15)
    finally:
        stop.set()
    if failed:
        raise failed[0]
    yield Fitting(1.0, "Done", done[0])


def place(context: Context, name: str, layout: Layout, codes: np.ndarray) -> np.ndarray:
    """Where codes (Q, D) lie in a layout that is known: (Q, 2 or 3)."""
    fitted = points(context, name)
    coordinates = layout_now(context, name, layout)
    method = "umap" if layout.method == "umap" else "pca"
    if layout.method == "code":
        return codes[:, : layout.components]
    if fitted.embedding is not None:
        codes = embed(context, name, codes)
    return project(fitted.space, coordinates, codes, method)


def near(context: Context, name: str, code: np.ndarray, k: int, besides: int = -1) -> np.ndarray:
    """Rows of the k points nearest in code, nearest first. besides: the row of a point whose code
    this is, and which does not count; -1 for a code from elsewhere."""
    fitted = points(context, name)
    if besides >= 0:  # a point's own place is known, and with it the class it was encoded with
        code = fitted.space[besides]
    elif fitted.embedding is not None:
        code = embed(context, name, code[None])[0]
    found = neighbours(fitted.space, code, k + 1)[0]
    return found[found != besides][:k]


def quality(context: Context, name: str, layout: Layout) -> Quality:
    """How faithful a layout is: from the card where it came with the model, else measured here."""
    header, fitted = context.store.header(name), points(context, name)
    layout = layout.plain
    shipped = header.metrics.get("trustworthiness")
    if layout == kept_layout(fitted) and shipped and (header.folder / CODES).is_file():
        knn = header.metrics.get("knn_accuracy") or {}
        return Quality(knn.get("value"), shipped["value"], shipped.get("n") or len(fitted))

    def measure() -> Quality:
        from models.evaluation.metrics import knn_accuracy, trustworthiness

        coordinates = layout_now(context, name, layout)
        knn = None
        if fitted.labels is not None:
            knn = knn_accuracy(coordinates, fitted.labels).value
        trust = trustworthiness(fitted.space, coordinates, limit=2000)
        return Quality(knn, trust, len(fitted))

    return context.ask.kept(("map-quality", name, layout), measure)


# -- pictures ------------------------------------------------------------------------------------


def decode(context: Context, name: str, codes: np.ndarray, labels: Any = None) -> np.ndarray:
    """Pictures of codes, (N, C, H, W) uint8. labels: (N,), for models that are told the class."""
    z = np.asarray(codes, np.float32)
    return as_bytes(context.ask(name, "decode", z, **_told(context, name, labels)))


def sheet(
    context: Context, name: str, pack: Callable[[np.ndarray], dict[str, Any]]
) -> Iterator[tuple[float, dict[str, Any] | None]]:
    """The decoded picture of every point, packed once: yields (share, None), at last (1, sheet)."""

    def steps() -> Iterator[tuple[float, dict[str, Any] | None]]:
        fitted = points(context, name)
        if fitted.pictures is not None:
            yield 1.0, pack(fitted.pictures)
            return
        parts, size = [], 200
        for i in range(0, len(fitted), size):
            labels = None if fitted.labels is None else fitted.labels[i : i + size]
            parts.append(decode(context, name, fitted.codes[i : i + size], labels))
            yield min(0.99, (i + size) / len(fitted)), None
        yield 1.0, pack(np.concatenate(parts))

    return context.ask.kept_steps(("map-sheet", name), steps)
