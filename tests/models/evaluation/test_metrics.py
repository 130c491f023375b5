"""Each metric against a closed form, a hand-made case or another library's figure."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import linalg, stats

from models.contract.numbers import bits_per_dim, log_mean_exp
from models.evaluation import metrics


def gaussian(n: int, f: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, f))


def exactly(mean: np.ndarray, covariance: np.ndarray, n: int = 64) -> np.ndarray:
    """n rows whose sample mean and covariance are these, to rounding."""
    z = gaussian(n, len(mean), 0)
    z -= z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    return mean + z @ linalg.sqrtm(covariance).real.T


# ---------------------------------------------------------------------------------------------
# Numbers and their errors


def test_metric_is_plain_json():
    entry = metrics.metric(np.float32(1.5), torch.tensor(0.25), n=np.int64(10), space="binary", k=3)
    assert json.loads(json.dumps(entry, allow_nan=False)) == {
        "value": 1.5, "stderr": 0.25, "n": 10, "space": "binary", "k": 3
    }  # fmt: skip
    assert metrics.metric(metrics.Estimate(2.0, 0.5))["stderr"] == 0.5
    assert metrics.metric(1.0, float("nan"))["stderr"] is None
    with pytest.raises(ValueError, match="finite"):
        metrics.metric(float("nan"))


def test_mean_and_stderr_agree_with_scipy():
    values = gaussian(1000, 1, 1)[:, 0]
    mean, stderr = metrics.mean_and_stderr(torch.from_numpy(values))
    assert mean == pytest.approx(values.mean())
    assert stderr == pytest.approx(stats.sem(values))


def test_bootstrap_finds_the_standard_error_of_a_mean():
    values = gaussian(1000, 1, 2)[:, 0]
    stderr = metrics.bootstrap_stderr(np.mean, values, n=1000)
    assert stderr == pytest.approx(stats.sem(values), rel=0.1)
    assert stderr == metrics.bootstrap_stderr(np.mean, values, n=1000)
    assert stderr != metrics.bootstrap_stderr(np.mean, values, n=1000, seed=1)


def test_bootstrap_keeps_pairs_together_or_apart():
    a = gaussian(500, 1, 3)[:, 0]
    difference = lambda a, b: (a - b).mean()  # noqa: E731
    assert metrics.bootstrap_stderr(difference, a, a + 1) == pytest.approx(0, abs=1e-12)
    apart = metrics.bootstrap_stderr(difference, a, a + 1, n=1000, paired=False)
    assert apart == pytest.approx(math.sqrt(2) * stats.sem(a), rel=0.1)
    with pytest.raises(ValueError, match="paired=False"):
        metrics.bootstrap_stderr(difference, a, a[:10])


# ---------------------------------------------------------------------------------------------
# Fréchet distance


def test_frechet_distance_of_known_gaussians():
    # Commuting covariances: |mu_a - mu_b|² + sum (sigma_a - sigma_b)²
    mu_a, mu_b = np.array([1.0, 2, 3]), np.array([1.0, 0, 3])
    sigma_a, sigma_b = np.array([1.0, 2, 0.5]), np.array([3.0, 2, 1])
    a, b = exactly(mu_a, np.diag(sigma_a**2)), exactly(mu_b, np.diag(sigma_b**2))
    assert metrics.frechet_distance(a, b) == pytest.approx(4 + 4 + 0.25)
    assert metrics.frechet_distance(b, a) == pytest.approx(8.25)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_agrees_with_scipy_sqrtm():
    mix = np.random.default_rng(5)
    a = gaussian(300, 12, 6) @ mix.standard_normal((12, 12))
    b = gaussian(200, 12, 7) @ mix.standard_normal((12, 12)) + 0.3
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    cross = linalg.sqrtm(cov_a @ cov_b).real
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum()
    expected = shift + np.trace(cov_a + cov_b - 2 * cross)
    assert metrics.frechet_distance(torch.from_numpy(a), b) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_without_full_rank():
    a, b = gaussian(50, 4, 8), gaussian(50, 4, 9) * 2
    padded = [np.hstack([x, np.zeros((50, 100))]) for x in (a, b)]  # dead features, N < F
    assert metrics.frechet_distance(*padded) == pytest.approx(metrics.frechet_distance(a, b))
    few = gaussian(8, 64, 10)
    assert metrics.frechet_distance(few, few + 1) == pytest.approx(64)
    one = gaussian(40, 1, 11)
    assert metrics.frechet_distance(one, 3 * one) == pytest.approx(
        4 * one.mean() ** 2 + 4 * one.var(ddof=1)
    )


def test_frechet_distance_says_what_is_wrong():
    a = gaussian(20, 3, 0)
    with pytest.raises(ValueError, match="nan or infinity"):
        metrics.frechet_distance(a, np.where(a > 1, np.nan, a))
    with pytest.raises(ValueError, match="3 and 2"):
        metrics.frechet_distance(a, a[:, :2])
    with pytest.raises(ValueError, match="single image"):
        metrics.frechet_distance(a, a[:1])


# ---------------------------------------------------------------------------------------------
# Manifolds


def test_precision_and_recall_on_a_line():
    real = np.array([[0.0], [1], [2], [3], [4]])  # with k = 1 every ball has radius 1
    fake = np.array([[0.5], [4.9], [5.1], [10]])  # radii 4.4, 0.2, 0.2, 4.9
    precision, recall = metrics.precision_recall(real, fake, k=1)
    assert precision.value == 2 / 4
    assert recall.value == 1  # 0.5 reaches to 4.9
    assert precision.stderr == pytest.approx(stats.sem([1, 1, 0, 0]))


def test_density_and_coverage_on_a_line():
    real = np.array([[0.0], [1], [2], [3], [4]])
    fake = np.array([[0.5], [0.6], [10]])
    density, coverage = metrics.density_coverage(real, fake, k=1)
    assert density.value == pytest.approx((2 + 2 + 0) / 3)
    assert coverage.value == 2 / 5


def test_manifold_metrics_agree_with_another_neighbour_search():
    from sklearn.neighbors import NearestNeighbors

    real, fake = gaussian(200, 8, 12), 0.8 * gaussian(150, 8, 13) + 0.5
    for k in (3, 5):
        reach_real = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
        reach_fake = NearestNeighbors(n_neighbors=k).fit(fake).kneighbors()[0][:, -1]
        apart = np.sqrt(((real[:, None] - fake[None]) ** 2).sum(-1))
        inside = apart <= reach_real[:, None]
        precision, recall = metrics.precision_recall(real, fake, k)
        density, coverage = metrics.density_coverage(real, fake, k)
        assert precision.value == pytest.approx(inside.any(0).mean())
        assert recall.value == pytest.approx((apart <= reach_fake).any(1).mean())
        assert density.value == pytest.approx(inside.sum() / k / len(fake))
        assert coverage.value == pytest.approx(inside.any(1).mean())


def test_density_and_coverage_of_equal_distributions():
    # Naeem et al. 2020, lemmas 1 and 2: expectations that no distribution changes.
    n, k = 400, 5
    drawn = [
        metrics.density_coverage(gaussian(n, 3, 2 * i), gaussian(n, 3, 2 * i + 1), k)
        for i in range(20)
    ]
    density, coverage = np.array([[d.value, c.value] for d, c in drawn]).mean(axis=0)
    missed = math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    assert density == pytest.approx(1, abs=0.02)
    assert coverage == pytest.approx(1 - missed, abs=0.01)


def test_manifolds_need_more_images_than_neighbours():
    with pytest.raises(ValueError, match="more than 3"):
        metrics.precision_recall(gaussian(3, 2, 0), gaussian(10, 2, 1))


# ---------------------------------------------------------------------------------------------
# A judge


class Judge:
    """A judge whose features are the pixels, and whose class is whether the image is bright."""

    def features(self, x: torch.Tensor) -> torch.Tensor:
        assert x.min() >= 0 and x.max() <= 1
        return x.flatten(1)

    def classify(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean((1, 2, 3)) - 0.5
        return torch.stack([-bright, bright], 1)


def pictures(n: int, seed: int, dark: float = 1.0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return dark * torch.rand(n, 1, 3, 3, generator=rng)


def test_sample_quality_of_real_images_is_at_the_floor_and_of_dark_ones_far():
    test, train = pictures(600, 0), pictures(900, 1)
    real = metrics.real_features(test, train, Judge(), "judge-x")
    assert len(real) == 600 and real.train.shape == real.test.shape
    same = metrics.sample_quality(pictures(400, 2), real, Judge())
    assert set(same) == {
        "fd", "fd_floor", "fd_over_floor", "kid", "kid_floor",
        "precision", "recall", "density", "coverage",
    }  # fmt: skip
    for name in ("kid", "kid_floor"):
        assert abs(same[name]["value"]) < 4 * same[name]["stderr"]
    assert all(entry["n"] == 400 and entry["space"] == "judge-x" for entry in same.values())
    assert all(entry["stderr"] > 0 for entry in same.values())
    assert 0.5 < same["fd_over_floor"]["value"] < 2
    ratio = same["fd"]["value"] / same["fd_floor"]["value"]
    assert same["fd_over_floor"]["value"] == pytest.approx(ratio)

    # Means of 0.15 against 0.5 in 9 pixels, standard deviations of 0.3 and 1 in root 12ths.
    dark = metrics.sample_quality(pictures(400, 2, 0.3), real, Judge())
    expected = 9 * (0.35**2 + 0.7**2 / 12)
    assert dark["fd"]["value"] == pytest.approx(expected, rel=0.05)
    assert dark["fd_floor"]["value"] == same["fd_floor"]["value"]
    # Whatever the size of a judge's features is.
    loud = Judge()
    loud.features = lambda x: 30 * x.flatten(1)
    real_loud = metrics.real_features(test, train, loud, "judge-x")
    again = metrics.sample_quality(pictures(400, 2, 0.3), real_loud, loud)
    assert again["kid"]["value"] == pytest.approx(dark["kid"]["value"])
    assert dark["kid"]["value"] > 20 * dark["kid"]["stderr"]
    assert dark["recall"]["value"] < 0.2 < 0.7 < same["recall"]["value"]
    json.dumps(dark, allow_nan=False)


def test_sample_quality_reads_bytes_and_labels():
    test = (pictures(100, 0) * 255).to(torch.uint8)
    fake = torch.cat([pictures(30, 1, 0.2), 1 - pictures(10, 2, 0.2)])
    asked = torch.zeros(40, dtype=torch.long)
    real = metrics.real_features(test, test, Judge())
    entry = metrics.sample_quality(fake, real, Judge(), fake_labels=asked, bootstrap=5)[
        "label_accuracy"
    ]
    assert entry["value"] == 0.75 and entry["n"] == 40


def test_a_judge_in_training_mode_is_refused():
    judge = Judge()
    judge.training = True
    with pytest.raises(ValueError, match="training mode"):
        metrics.real_features(pictures(20, 0), pictures(20, 0), judge)


# ---------------------------------------------------------------------------------------------
# Classifiers and scores


def test_label_accuracy():
    logits = torch.tensor([[1.0, 0], [0, 1], [0, 1], [1, 0]], dtype=torch.bfloat16)
    value, stderr = metrics.label_accuracy(logits, torch.tensor([0, 1, 1, 1]))
    assert value == 0.75 and stderr == pytest.approx(0.25)


def test_auroc_of_two_gaussians():
    # P(a > b) = Phi(d / sqrt 2) for unit normals d apart
    a, b = gaussian(4000, 1, 14)[:, 0] + 1, gaussian(3000, 1, 15)[:, 0]
    area, stderr = metrics.auroc(a, b, n=50)
    assert abs(area - stats.norm.cdf(1 / math.sqrt(2))) < 3 * stderr
    mann_whitney = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert area == pytest.approx(mann_whitney)
    assert metrics.auroc(b, a, n=2).value == pytest.approx(1 - area)
    # Hanley and McNeil 1982
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + 3999 * (q1 - area**2) + 2999 * (q2 - area**2)
    assert stderr == pytest.approx(math.sqrt(variance / (4000 * 3000)), rel=0.35)
    assert metrics.auroc([1.0, 1], [1.0, 1], n=2).value == 0.5


def test_bits_per_dim():
    assert bits_per_dim(784 * 8 * math.log(2), (1, 28, 28)) == pytest.approx(8)
    halves = bits_per_dim(torch.tensor([math.log(2)]), (1, 1, 2))
    assert torch.allclose(halves, torch.tensor([0.5]))


def test_calibration_of_a_hand_made_classifier():
    def logits(p: float, n: int) -> np.ndarray:
        return np.log(np.tile([p, 1 - p], (n, 1)))

    both = np.vstack([logits(0.9, 10), logits(0.6, 30)])
    labels = np.array([0] * 5 + [1] * 5 + [0] * 18 + [1] * 12)  # right 5/10 and 18/30
    ece, confidence, accuracy, count = metrics.calibration(both, labels, bins=10)
    assert ece == pytest.approx(0.25 * 0.4)
    assert confidence == pytest.approx([0.6, 0.9])
    assert accuracy == pytest.approx([0.6, 0.5])
    assert count.tolist() == [30, 10]


def test_calibration_of_a_classifier_that_draws_its_labels():
    rng = np.random.default_rng(16)
    logits = 2 * rng.standard_normal((50_000, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (rng.random((50_000, 1)) > probabilities.cumsum(1)).sum(1)
    assert metrics.calibration(logits, labels).ece < 0.01
    assert metrics.calibration(3 * logits, labels).ece > 0.1


# ---------------------------------------------------------------------------------------------
# Codes and maps


def test_information_gap_of_perfect_and_doubled_codes():
    factors = np.random.default_rng(17).integers(0, 8, (5000, 3)).astype(float)
    noise = gaussian(5000, 2, 18)
    perfect = metrics.mutual_information_gap(np.hstack([-2 * factors, noise]), factors)
    assert perfect.value > 0.97 and perfect.information.shape == (5, 3)
    # The first factor is known by two latents alike: its gap is 0, the others' stay.
    doubled = metrics.mutual_information_gap(np.hstack([factors, factors[:, :1]]), factors)
    assert doubled.per_factor[0] == pytest.approx(0, abs=1e-12)
    assert doubled.value == pytest.approx(doubled.per_factor.mean())
    assert doubled.per_factor[1:].min() > 0.97
    nothing = metrics.mutual_information_gap(gaussian(5000, 4, 19), factors)
    assert abs(nothing.value) < 0.02


def test_information_gap_has_the_known_value():
    # A fair factor of 4 values; one code knows all of it, another one half: (log 4 - log 2)/log 4
    factor = np.tile(np.arange(4.0), 500)[:, None]
    codes = np.hstack([factor, factor // 2])
    gap = metrics.mutual_information_gap(codes, factor)
    assert gap.value == pytest.approx(0.5)
    assert gap.information[:, 0] == pytest.approx([math.log(4), math.log(2)])
    assert metrics.mutual_information_gap(factor, factor).value == pytest.approx(1)


def test_information_gap_of_continuous_factors_and_one_that_stands_still():
    factors = np.random.default_rng(20).random((20_000, 2))
    assert metrics.mutual_information_gap(factors @ [[2, 0], [0, -1]], factors).value > 0.97
    turned = factors @ [[1, 1], [1, -1]]  # both latents know both factors alike
    assert metrics.mutual_information_gap(turned, factors).value < 0.02
    with pytest.raises(ValueError, match="same value everywhere"):
        metrics.mutual_information_gap(factors, np.ones((20_000, 1)))


def test_knn_accuracy():
    labels = np.repeat([0, 1], 50)
    clouds = gaussian(100, 2, 21) * 0.1 + labels[:, None]
    assert metrics.knn_accuracy(clouds, labels).value == 1
    held = np.array([[0.0, 0], [1, 1], [0, 0], [1, 1]])
    assert metrics.knn_accuracy(clouds, labels, held, np.array([0, 1, 1, 1])).value == 0.75
    mixed = metrics.knn_accuracy(gaussian(400, 2, 22), np.tile([0, 1], 200))
    assert abs(mixed.value - 0.5) < 4 * mixed.stderr


def test_trustworthiness():
    codes = gaussian(300, 2, 23)
    assert metrics.trustworthiness(codes, 3 * codes) == pytest.approx(1)
    scrambled = metrics.trustworthiness(codes, gaussian(300, 2, 24))
    assert scrambled == pytest.approx(0.5, abs=0.05)
    assert metrics.trustworthiness(codes, codes, limit=50) == pytest.approx(1)


def test_the_logarithm_of_a_mean_and_the_jackknifes_error_of_it():
    log_w = 3 * torch.randn((7, 5), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    value, error = log_mean_exp(log_w)
    torch.testing.assert_close(value, log_w.exp().mean(0).log())
    left_out = torch.stack(
        [torch.cat([log_w[:k], log_w[k + 1 :]]).exp().mean(0).log() for k in range(7)]
    )
    expected = (6 / 7 * (left_out - left_out.mean(0)).square().sum(0)).sqrt()
    torch.testing.assert_close(error, expected)
    # Of weights that differ little it is the standard error of their mean.
    log_w = 1e-4 * torch.randn(
        (50, 3), generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    plain = log_w.std(0) / math.sqrt(50)
    torch.testing.assert_close(log_mean_exp(log_w)[1], plain, rtol=1e-2, atol=0)
    # Nor does a weight that is all there is break it.
    assert all(torch.isfinite(t).all() for t in log_mean_exp(torch.tensor([[0.0], [-900.0]])))
