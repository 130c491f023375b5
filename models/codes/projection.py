"""Maps: codes of many images laid out in two or three dimensions, and new points put into them.

A map is fitted once, by UMAP (McInnes et al. 2018) or by PCA, and kept with the model; a page then
shows it without fitting anything. New points go into the fixed map by ``project``, which needs
neither UMAP nor a compiler.

Files: ``codes.safetensors`` in a model's folder, with ``codes`` (N, D) float16, ``map`` (N, 2)
float32 and, where they are known, ``labels`` (N,) uint8 (int32 beyond 256 classes), ``indices``
(N,) int32 (which images of the split these are, else its first N), ``kl`` (D,) float32,
``embedding`` (N, E) float16, what ``model.embed`` makes of the codes, and ``pictures``
(N, C, H, W) uint8, what they decode to.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np

log = logging.getLogger(__name__)

METHODS = ("umap", "pca")

Progress = Callable[[float, str], None]
Stop = Callable[[], bool]


class Stopped(Exception):
    """The fit was asked to stop."""


# ---------------------------------------------------------------------------------------------
# Fitting


def fit_map(
    codes: np.ndarray,
    method: str = "umap",
    components: int = 2,
    neighbours: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    progress: Progress | None = None,
    stop: Stop | None = None,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coordinates of codes in a map: (N, D) to (N, components) float32.

    method: "umap" or "pca". neighbours: how many neighbours UMAP keeps near each point; few show
    detail, many the whole. min_dist: how close UMAP may put two points, in [0, 0.99]. The same seed
    gives the same map. progress: called with a share in [0, 1] and a word on what goes on. stop:
    asked several times a second; where it says True, Stopped is raised. start: (N, components),
    where UMAP begins; else at the principal components.

    Raises ValueError with one sentence where the codes or the settings cannot give a map.
    """
    codes = _checked(codes, method, components, neighbours, min_dist)
    tell = progress or (lambda share, what: None)
    stopped = stop or (lambda: False)
    if method == "pca":
        tell(0.0, "Finding the principal directions")
        coordinates = _principal(codes, components)
    else:
        with _threads_kept():
            coordinates = _umap(codes, components, neighbours, min_dist, seed, tell, stopped, start)
    if not np.isfinite(coordinates).all():
        raise ValueError("No map came of these codes; other settings may give one.")
    tell(1.0, "Done")
    return coordinates


def _checked(
    codes: np.ndarray, method: str, components: int, neighbours: int, min_dist: float
) -> np.ndarray:
    codes = np.asarray(codes, np.float32)
    if method not in METHODS:
        raise ValueError(f"A map is made by {' or '.join(METHODS)}, not by '{method}'.")
    if components not in (2, 3):
        raise ValueError(f"A map has 2 or 3 dimensions, not {components}.")
    if codes.ndim != 2:
        raise ValueError(f"Codes must be one row a picture, (N, D), not of shape {codes.shape}.")
    if not np.isfinite(codes).all():
        raise ValueError("The codes hold values that are no numbers (nan or infinity).")
    if method == "pca" and components > codes.shape[1]:
        raise ValueError(
            f"Codes of {codes.shape[1]} numbers have no {components} principal directions: "
            "choose fewer dimensions, or UMAP."
        )
    if len(codes) < 10:
        raise ValueError(f"A map needs at least 10 points, not {len(codes)}.")
    if method == "umap" and not 2 <= neighbours < len(codes):
        raise ValueError(
            f"Neighbours must be from 2 to {len(codes) - 1} for {len(codes)} points, "
            f"not {neighbours}."
        )
    if method == "umap" and not 0 <= min_dist <= 0.99:
        raise ValueError(f"The smallest distance must be from 0 to 0.99, not {min_dist}.")
    return codes


def _principal(codes: np.ndarray, components: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # shares of a variance of 0, which nobody reads
        pca = PCA(components, svd_solver="full").fit(codes)
    return pca.transform(codes).astype(np.float32)


@contextlib.contextmanager
def _threads_kept() -> Iterator[None]:
    """Numba's parallel kernels set OpenMP's number of threads for good, and with it torch's: sums
    would be rounded otherwise from then on, so that a resumed run would not equal an unbroken one.
    """
    torch = sys.modules.get("torch")  # not imported for this: a map needs no torch
    threads = torch.get_num_threads() if torch else 0
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)


def _umap_parts() -> tuple[Callable, Callable, Callable]:
    """UMAP's functions; what numba compiles of them is kept where this process may write.

    Beside the library or in the user's cache, as numba has it; in a temporary folder where neither
    can be written to, as for a user whose home is read only.
    """
    import numba

    def parts() -> tuple[Callable, Callable, Callable]:
        from umap import layouts
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

        layouts.tqdm = _Epochs
        return find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    try:
        return parts()
    except RuntimeError as error:  # "no locator available"
        if "locator" not in str(error):
            raise
        numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="generative-explorer-numba-")
        atexit.register(shutil.rmtree, numba.config.CACHE_DIR, ignore_errors=True)
        return parts()


def _umap(
    codes: np.ndarray,
    components: int,
    neighbours: int,
    min_dist: float,
    seed: int,
    tell: Progress,
    stopped: Stop,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """UMAP in its own steps, so that it can be watched and stopped between them.

    Exact nearest neighbours replace umap-learn's approximate ones: they are as quick for tens of
    thousands of points and spare the ten seconds that compiling the approximate search takes.
    """
    tell(0.0, "Finding neighbours")
    distances, indices = neighbours_of(codes, codes, neighbours)
    _check(stopped)
    tell(0.05, "Preparing UMAP (the first time takes some seconds)")
    find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding = _umap_parts()
    _check(stopped)
    random_state = np.random.RandomState(seed)
    graph, _, _ = fuzzy_simplicial_set(
        codes, neighbours, random_state, "euclidean", knn_indices=indices, knn_dists=distances
    )
    _check(stopped)
    tell(0.1, "Laying the points out")
    a, b = find_ab_params(1.0, min_dist)

    def watched(share: float) -> None:
        tell(0.1 + 0.9 * share, "Laying the points out")
        _check(stopped)

    coordinates, _ = simplicial_set_embedding(
        codes,
        graph,
        components,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=500 if len(codes) <= 10_000 else 200,
        init=_start(codes, components, random_state) if start is None else np.array(start),
        random_state=random_state,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        tqdm_kwds={"watched": watched},
    )
    return np.ascontiguousarray(coordinates, np.float32)


def _start(codes: np.ndarray, components: int, random_state: np.random.RandomState) -> np.ndarray:
    """Where points start: their principal coordinates, so that the map keeps the whole's shape
    and turns out the same way up when a setting is changed a little."""
    start = np.zeros((len(codes), components), np.float32)
    known = min(components, codes.shape[1])
    start[:, :known] = _principal(codes, known)
    start *= 10 / max(float(np.abs(start).max()), 1e-12)
    return start + random_state.normal(scale=1e-2, size=start.shape).astype(np.float32)


class _Epochs:
    """Stands in the place of umap-learn's progress bar, the only thing that it tells of its epochs:
    counts them for who waits, and ends the fit where that is wanted.

    The bar itself cannot be ended: tqdm holds a lock of the whole process while it writes, and lets
    it go only where nothing is raised. After one stopped map, no other would be made.
    """

    def __init__(self, epochs: range, *, watched: Callable[[float], None], **_: object) -> None:
        self.epochs, self.watched = epochs, watched

    def __iter__(self) -> Iterator[int]:
        told = time.monotonic()
        for epoch in self.epochs:
            yield epoch
            if (now := time.monotonic()) - told > 0.1:
                told = now
                self.watched((epoch + 1) / len(self.epochs))


def _check(stopped: Stop) -> None:
    if stopped():
        raise Stopped("The map was stopped.")


# ---------------------------------------------------------------------------------------------
# Neighbours, and new points


def neighbours_of(codes: np.ndarray, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the k nearest codes, nearest first, each (Q, k).

    codes: (N, D), query: (Q, D). Exact, by Euclidean distance. k is cut to N.
    """
    from sklearn.neighbors import NearestNeighbors

    codes = np.ascontiguousarray(codes, np.float32)
    query = np.ascontiguousarray(np.atleast_2d(query), np.float32)
    if query.shape[1] != codes.shape[1]:
        raise ValueError(
            f"Codes of {codes.shape[1]} numbers have no neighbours of {query.shape[1]}."
        )
    search = NearestNeighbors(n_neighbors=min(k, len(codes)), algorithm="brute").fit(codes)
    distances, indices = search.kneighbors(query)
    return distances.astype(np.float32), indices


def neighbours(codes: np.ndarray, query: np.ndarray, k: int = 8) -> np.ndarray:
    """Indices of the k codes nearest to each query, nearest first: (Q, k)."""
    return neighbours_of(codes, query, k)[1]


def project(
    codes: np.ndarray,
    coordinates: np.ndarray,
    query: np.ndarray,
    method: str = "umap",
    k: int = 15,
) -> np.ndarray:
    """Where new codes lie in a fixed map: (Q, D) to (Q, 2 or 3) float32, in milliseconds.

    codes: (N, D) and coordinates: (N, 2 or 3) are the map's. method: how the map was made. PCA is
    linear, so its answer is exact. For UMAP a point goes to the geometric median of its k nearest
    codes, weighted as UMAP weighs neighbours, exp(-(d - d_1) / mean(d - d_1)).

    Measured with the first 32 principal components of MNIST test images as codes, against
    umap-learn's own ``transform`` (110 seconds, under load) on 2,000 held-out points beside 5,000,
    distances over the map's root mean square radius: this median is off by 0.021 (median) and
    0.036 (mean), 1.6% of the points by more than 0.25. The weighted mean of the same neighbours:
    0.024, 0.058 and 4.6%, as it puts a point between two islands on
    neither; a network of two layers of 256 fitted to the map: 0.137, 0.182 and 20%.
    """
    codes = np.asarray(codes, np.float32)
    query = np.atleast_2d(np.asarray(query, np.float32))
    if method == "pca":
        design = np.hstack([codes, np.ones((len(codes), 1), np.float32)]).astype(np.float64)
        linear, *_ = np.linalg.lstsq(design, coordinates.astype(np.float64), rcond=None)
        return (np.hstack([query, np.ones((len(query), 1))]) @ linear).astype(np.float32)
    distances, indices = neighbours_of(codes, query, k)
    beyond = distances - distances[:, :1]
    weights = np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), 1e-9))
    return _geometric_median(coordinates[indices].astype(np.float64), weights)


def _geometric_median(points: np.ndarray, weights: np.ndarray, rounds: int = 20) -> np.ndarray:
    """Weiszfeld's iteration. points: (Q, k, C), weights: (Q, k). Returns (Q, C) float32."""
    pull = weights
    for _ in range(rounds + 1):
        median = (pull[..., None] * points).sum(1) / pull.sum(1)[:, None]
        pull = weights / np.maximum(np.linalg.norm(points - median[:, None], axis=2), 1e-3)
    return median.astype(np.float32)


# ---------------------------------------------------------------------------------------------
# A model's map, as it is kept beside its weights
