"""What is measured, and how sure the number is.

Pure functions: arrays or tensors in, numbers out, computed in float64. Where a number is a mean
over images it comes with the standard error of that mean; where it is not (a Fréchet distance, an
AUROC), with a bootstrap standard error. ``metric`` makes of a number the entry that cards,
checkpoints and ``evaluate --json`` hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.evaluation.estimates import (
    Array,
    Estimate,
    bootstrap_stderr,
    float64,
    mean_and_stderr,
    metric,
    numpy_of,
    rows_of,
)
from models.evaluation.kernels import kernel_distance

FOLDS = 5  # of cross-validation

# ---------------------------------------------------------------------------------------------
# How near generated images are to real ones, in a classifier's features


def frechet_distance(features_a: Array, features_b: Array) -> float:
    r"""The squared Fréchet distance of the Gaussians fitted to two sets of features.

    d² = |mu_a - mu_b|² + tr(C_a + C_b - 2 (C_a C_b)^{1/2})        (Heusel et al. 2017, eq. 6)

    features_*: (N, F), any two N of at least 2. The trace of the root is the nuclear norm of
    C_a^{1/2} C_b^{1/2}, which needs no inverse and no complex numbers, so covariances without full
    rank (dead features, fewer images than features) are as good as any.
    """
    a, b = rows_of(features_a), rows_of(features_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"Features of {a.shape[1]} and {b.shape[1]} numbers cannot be compared.")
    cov_a, cov_b = _covariance(a), _covariance(b)
    cross = np.linalg.svd(_psd_root(cov_a) @ _psd_root(cov_b), compute_uv=False).sum()
    shift = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    # Rounding can leave -1e-12 where the sets are equal.
    return max(0.0, float(shift + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def _covariance(features: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(features, rowvar=False))


def _psd_root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a positive semi-definite matrix."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(eigenvalues.clip(min=0))) @ vectors.T


def precision_recall(real: Array, fake: Array, k: int = 3) -> tuple[Estimate, Estimate]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, k = 3).

    Precision: the share of fake images inside the real ones' manifold, the union of balls around
    each real image that reach to its k-th nearest real neighbour. Recall: the same with the parts
    exchanged. real: (N, F), fake: (M, F). The standard errors take the manifolds as given.
    """
    real, fake = _sets(real, fake, k)
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)
    precision, recall = [], np.zeros(len(real), bool)
    for rows, distances in _distances(fake, real):
        precision.append((distances <= real_radii).any(axis=1))
        recall |= (distances <= fake_radii[rows, None]).any(axis=0)
    return mean_and_stderr(np.concatenate(precision)), mean_and_stderr(recall)


def density_coverage(real: Array, fake: Array, k: int = 5) -> tuple[Estimate, Estimate]:
    """Density and coverage (Naeem et al. 2020, k = 5).

    Density: how many of the real images' balls a fake image lies in, over k; 1 is expected where
    the distributions are equal, and more is possible. Coverage: the share of real images whose
    ball holds a fake image. The standard errors take the balls as given.
    """
    real, fake = _sets(real, fake, k)
    radii, density, coverage = _radii(real, k), [], np.zeros(len(real), bool)
    for _, distances in _distances(fake, real):
        inside = distances <= radii
        density.append(inside.sum(axis=1) / k)
        coverage |= inside.any(axis=0)
    return mean_and_stderr(np.concatenate(density)), mean_and_stderr(coverage)


def _sets(real: Array, fake: Array, k: int) -> tuple[np.ndarray, np.ndarray]:
    real, fake = rows_of(real), rows_of(fake)
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"The {k}-th nearest neighbour needs more than {k} images in each set.")
    return real, fake


def _radii(features: np.ndarray, k: int) -> np.ndarray:
    """(N,) the distances to the k-th neighbour in the same set."""
    # Column 0 after sorting is the image itself, at distance 0.
    parts = [np.partition(d, k, axis=1)[:, k] for _, d in _distances(features, features)]
    return np.concatenate(parts)


def _distances(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Euclidean distances from some rows of a to all of b, a few megabytes at a time: of ten
    thousand images to as many, all of them would take 800."""
    from sklearn.metrics import pairwise_distances_chunked

    done = 0
    for part in pairwise_distances_chunked(a, b if b is not a else None, working_memory=32):
        yield slice(done, done + len(part)), part
        done += len(part)


class RealFeatures(NamedTuple):
    """Real images in a judge's features: what generated ones are held against, time and again.

    test, train: (n, F) float64, in a random order. floor: their Fréchet distance, that of a perfect
    model. space: the judge's name, of the entries measured against them.
    """

    test: np.ndarray
    train: np.ndarray
    floor: float
    space: str | None

    def __len__(self) -> int:
        return len(self.test)

    def cut(self, n: int) -> RealFeatures:
        """The first n of each; itself where there are no more."""
        if n >= len(self):
            return self
        return real_against_real(self.test[:n], self.train[:n], self.space)


def real_against_real(test: np.ndarray, train: np.ndarray, space: str | None) -> RealFeatures:
    """Features of test and of training images, (n, F) each, with their distance."""
    return RealFeatures(test, train, frechet_distance(train, test), space)


def real_features(
    test: Tensor,
    train: Tensor,
    judge: Any,
    judge_name: str | None = None,
    n: int = 2048,
    seed: int = 0,
) -> RealFeatures:
    """n test and n training images, chosen by the seed, in a judge's features; fewer of both where
    one of the sets is smaller. Images are (N, C, H, W), float in [0, 1] or uint8."""
    n = min(n, len(test), len(train))
    rng = np.random.default_rng(seed)
    chosen = [judged(judge.features, _some(images, n, rng), judge) for images in (test, train)]
    return real_against_real(*chosen, judge_name)


def sample_quality(
    fake: Tensor,
    real: RealFeatures,
    judge: Any,
    *,
    fake_labels: Tensor | None = None,
    seed: int = 0,
    bootstrap: int = 50,
) -> dict[str, dict[str, Any]]:
    """How good generated images are in a judge's features, with the floor of the same measurement.

    fake: (N, C, H, W), float in [0, 1] or uint8. They are measured against as many test images; the
    floor is what training images score against the same, so a model at ``fd_over_floor`` 1 is as
    near as real images are. All three are cut to the smallest (a Fréchet distance depends on n) and
    the entries say so. The kernel distances are of features divided by one number, so that those of
    the test images have a mean square of 1 and no judge's size decides.

    judge: ``features(x) -> (B, F)`` and ``classify(x) -> (B, K)`` logits, in evaluation mode.
    fake_labels: (N,) the classes asked for; where they are given, ``label_accuracy`` is the share
    of fake images taken for what was asked.

    Returns entries ``fd, fd_floor, fd_over_floor, kid, kid_floor, precision, recall, density,
    coverage`` and where it applies ``label_accuracy``.
    """
    n = min(len(fake), len(real))
    real, numbers = real.cut(n), {}
    if fake_labels is not None:
        logits = judged(judge.classify, fake[:n], judge)
        numbers["label_accuracy"] = label_accuracy(logits, fake_labels[:n])
    made = judged(judge.features, fake[:n], judge)

    def distances(made: np.ndarray, test: np.ndarray, train: np.ndarray) -> np.ndarray:
        fd, floor = frechet_distance(made, test), frechet_distance(train, test)
        return np.array([fd, floor, fd / max(floor, 1e-12)])

    fd = frechet_distance(made, real.test)
    values = (fd, real.floor, fd / max(real.floor, 1e-12))
    errors = bootstrap_stderr(
        distances, made, real.test, real.train, n=bootstrap, seed=seed, paired=False
    )
    for name, *number in zip(("fd", "fd_floor", "fd_over_floor"), values, errors, strict=True):
        numbers[name] = Estimate(*number)
    # The kernel's cubes of large features would drown all else: a judge's have the size of ones.
    size = np.sqrt(np.mean(real.test**2)) or 1.0
    numbers["kid"] = kernel_distance(real.test / size, made / size)
    numbers["kid_floor"] = kernel_distance(real.test / size, real.train / size)
    numbers["precision"], numbers["recall"] = precision_recall(real.test, made)
    numbers["density"], numbers["coverage"] = density_coverage(real.test, made)
    return {name: metric(number, n=n, space=real.space) for name, number in numbers.items()}


def _some(images: Tensor, n: int, rng: np.random.Generator) -> Tensor:
    return images[torch.from_numpy(rng.permutation(len(images))[:n])]


@torch.no_grad()
def judged(
    read: Callable[[Tensor], Tensor], images: Tensor, judge: Any, batch: int = 256
) -> np.ndarray:
    """What a judge reads in images, (N, C, H, W), float in [0, 1] or uint8: (N, ...) float64.

    read: its ``features`` or ``classify``. Raises ValueError for a judge in training mode.
    """
    if getattr(judge, "training", False):
        raise ValueError("A judge in training mode does not judge: call judge.eval() first.")
    device = getattr(judge, "device", "cpu")
    outputs = []
    for part in images.split(batch):
        x = part.to(device)
        x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
        outputs.append(read(x).double().cpu())
    return torch.cat(outputs).numpy()


# ---------------------------------------------------------------------------------------------
# Classifiers and scores


def label_accuracy(logits: Array, labels: Array) -> Estimate:
    """The share of images whose largest logit, of (N, K), is at the label, (N,)."""
    logits, labels = float64(logits, "the logits"), numpy_of(labels)
    return mean_and_stderr(logits.argmax(axis=1) == labels)


class Calibration(NamedTuple):
    """A reliability diagram: one entry a bin that holds an image, and their summary.

    ece: expected calibration error in [0, 1]. confidence, accuracy, count: (bins in use,).
    """

    ece: float
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def calibration(logits: Array, labels: Array, bins: int = 15) -> Calibration:
    """Is a classifier as often right as it says? (Guo et al. 2017, eq. 3, equal-width bins)

    logits: (N, K), log-probabilities up to a constant. labels: (N,).
    """
    from scipy.special import softmax

    probabilities = softmax(float64(logits, "the logits"), axis=1)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == numpy_of(labels)
    # Bin m is (m / bins, (m + 1) / bins], as in the paper.
    which = np.ceil(confidence * bins).astype(int).clip(1, bins) - 1
    count = np.bincount(which, minlength=bins)
    used = count > 0
    mean_confidence = np.bincount(which, confidence, bins)[used] / count[used]
    accuracy = np.bincount(which, correct, bins)[used] / count[used]
    ece = (count[used] * np.abs(accuracy - mean_confidence)).sum() / len(confidence)
    return Calibration(float(ece), mean_confidence, accuracy, count[used])


def auroc(positives: Array, negatives: Array, n: int = 200, seed: int = 0) -> Estimate:
    """The chance that a positive scores above a negative (ties count half).

    positives: (N,), negatives: (M,), any real scores. Standard error by n bootstrap draws, for
    which ranks (the Mann-Whitney statistic over N M) are twenty times as fast as tracing the curve.
    """
    from scipy.stats import rankdata

    def area(positives: np.ndarray, negatives: np.ndarray) -> float:
        N, M = len(positives), len(negatives)
        ranks = rankdata(np.concatenate([positives, negatives]))[:N]
        return float((ranks.sum() - N * (N + 1) / 2) / (N * M))

    positives = float64(positives, "the scores").ravel()
    negatives = float64(negatives, "the scores").ravel()
    stderr = bootstrap_stderr(area, positives, negatives, n=n, seed=seed, paired=False)
    return Estimate(area(positives, negatives), stderr)


# ---------------------------------------------------------------------------------------------
# Codes and maps


class MutualInformationGap(NamedTuple):
    """value: the mean of per_factor. per_factor: (F,) in [0, 1]. information: (D, F), nats."""

    value: float
    per_factor: np.ndarray
    information: np.ndarray


def mutual_information_gap(codes: Array, factors: Array, bins: int = 20) -> MutualInformationGap:
    r"""How much better the best latent knows each factor than the second best does.

    MIG = 1/F sum_k (I(z_{j_k}; v_k) - max_{j != j_k} I(z_j; v_k)) / H(v_k)

    (Chen et al. 2018, eq. 6), j_k the latent that knows factor k best.

    codes: (N, D) posterior means. factors: (N, F). Both are put in histograms of equal width, as
    disentanglement_lib does with the codes; a factor of at most ``bins`` values is left as it is.
    Raises ValueError where a factor never changes: its gap has no meaning.
    """
    from sklearn.metrics import mutual_info_score

    codes, factors = rows_of(codes), rows_of(factors)
    if len(codes) != len(factors):
        raise ValueError(f"{len(codes)} codes cannot belong to {len(factors)} rows of factors.")
    z = [_histogram(column, bins) for column in codes.T]
    v = [
        _histogram(column, bins) if len(np.unique(column)) > bins else column
        for column in factors.T
    ]
    v = [np.unique(column, return_inverse=True)[1] for column in v]
    entropy = np.array([mutual_info_score(column, column) for column in v])
    if (entropy < 1e-12).any():
        raise ValueError("A factor that has the same value everywhere has no information gap.")
    information = np.array([[mutual_info_score(row, column) for column in v] for row in z])
    ordered = np.sort(np.vstack([information, np.zeros(len(v))]), axis=0)  # D = 1 has no second
    per_factor = (ordered[-1] - ordered[-2]) / entropy
    return MutualInformationGap(float(per_factor.mean()), per_factor, information)


def _histogram(column: np.ndarray, bins: int) -> np.ndarray:
    return np.digitize(column, np.histogram(column, bins)[1][:-1])


def knn_accuracy(
    coordinates: Array,
    labels: Array,
    held_coordinates: Array | None = None,
    held_labels: Array | None = None,
    k: int = 5,
) -> Estimate:
    """How often the k nearest points of a map vote for a point's own class.

    coordinates: (N, D), labels: (N,). With held-out points their accuracy is returned; without,
    every point is held out once, by 5-fold cross-validation, for which some class needs as many
    points.
    """
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    coordinates, labels = rows_of(coordinates), numpy_of(labels)
    classifier = KNeighborsClassifier(k)
    if held_coordinates is None:
        with warnings.catch_warnings():
            # A class of fewer than five points is missing in some folds; that is no news.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            voted = cross_val_predict(classifier, coordinates, labels, cv=FOLDS)
        return mean_and_stderr(voted == labels)
    voted = classifier.fit(coordinates, labels).predict(rows_of(held_coordinates))
    return mean_and_stderr(voted == numpy_of(held_labels))


def trustworthiness(
    codes: Array, coordinates: Array, k: int = 5, limit: int = 4000, seed: int = 0
) -> float:
    """Are neighbours in the map neighbours in code space? 1 is best (Venna and Kaski 2001).

    codes: (N, D), coordinates: (N, 2 or 3). The computation takes N² memory: of more than ``limit``
    points, that many are chosen at random.
    """
    from sklearn import manifold

    codes, coordinates = rows_of(codes), rows_of(coordinates)
    rows = np.random.default_rng(seed).permutation(len(codes))[:limit]
    return float(manifold.trustworthiness(codes[rows], coordinates[rows], n_neighbors=k))
