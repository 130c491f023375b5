"""Maps: fitted, watched, stopped, kept, and new points put into them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

from models.checkpoints.codes import CODES, Map, load_map, save_map
from models.codes.projection import Stopped, fit_map, neighbours, project
from models.evaluation.metrics import knn_accuracy, trustworthiness


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    bunch = load_digits()
    return bunch.data.astype(np.float32) / 16, bunch.target


@pytest.fixture(scope="module")
def fitted(digits) -> np.ndarray:
    return fit_map(digits[0][:1000])


def test_a_fit_leaves_torch_its_number_of_threads():
    import torch

    before = torch.get_num_threads()
    codes = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            fit_map(codes, "umap")
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_umap_keeps_neighbours_that_two_principal_directions_lose(digits, fitted):
    codes, labels = digits[0][:1000], digits[1][:1000]
    flat = fit_map(codes, "pca")
    assert fitted.shape == flat.shape == (1000, 2)
    assert fitted.dtype == np.float32
    assert knn_accuracy(fitted, labels).value > 0.93 > knn_accuracy(flat, labels).value + 0.2
    assert trustworthiness(codes, fitted) > 0.95 > trustworthiness(codes, flat) + 0.05


@pytest.mark.slow
def test_the_seed_decides_the_map(digits, fitted):
    codes = digits[0][:1000]
    assert np.array_equal(fit_map(codes), fitted)
    assert not np.allclose(fit_map(codes, seed=1), fitted, atol=0.1)


def test_settings_reach_umap(digits):
    codes = digits[0][:300]
    tight, loose = (fit_map(codes, min_dist=m, neighbours=5) for m in (0.0, 0.9))
    gap = [np.median(np.partition(_distances(m), 1, axis=1)[:, 1]) for m in (tight, loose)]
    assert gap[1] > 2 * gap[0]
    assert fit_map(codes, components=3, neighbours=40).shape == (300, 3)


def _distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def test_principal_directions_are_those_of_the_covariance(digits):
    codes = digits[0]
    values = np.linalg.eigvalsh(np.cov(codes, rowvar=False))[::-1][:3]
    coordinates = fit_map(codes, "pca", components=3)
    assert np.allclose(coordinates.var(axis=0, ddof=1), values, rtol=1e-3)


def test_progress_rises_to_one_and_a_stop_ends_the_fit(digits):
    codes = digits[0][:600]
    shares: list[float] = []
    fit_map(codes, progress=lambda share, what: shares.append(share))
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert shares == sorted(shares)
    assert any(0.1 < share < 1 for share in shares)
    seen: list[float] = []
    with pytest.raises(Stopped):
        fit_map(
            codes,
            progress=lambda share, what: seen.append(share),
            stop=lambda: bool(seen) and seen[-1] >= 0.1,
        )
    assert max(seen) < 1


def test_after_a_map_that_was_stopped_another_is_made(digits):
    """Both in threads of their own, as on the page, the first of which is still there."""
    codes, seen, made, over = digits[0][:300], [], [], threading.Event()

    def stopped() -> None:
        with pytest.raises(Stopped):
            fit_map(codes, progress=lambda share, what: seen.append(share),
                    stop=lambda: bool(seen) and seen[-1] >= 0.1)  # fmt: skip
        over.wait(120)

    first = threading.Thread(target=stopped, daemon=True)
    second = threading.Thread(target=lambda: made.append(fit_map(codes)), daemon=True)
    first.start()
    while not (seen and seen[-1] >= 0.1):
        assert first.is_alive()
        first.join(0.05)
    first.join(1)  # at the wait by now
    second.start()
    second.join(100)
    over.set()
    first.join(20)
    assert made and made[0].shape == (300, 2)


def test_flat_and_small_codes_have_a_map_too():
    rng = np.random.default_rng(0)
    line = np.outer(np.linspace(0, 1, 60), [1.0, 2.0]).astype(np.float32)
    assert np.isfinite(fit_map(line, neighbours=5)).all()
    assert np.isfinite(fit_map(np.zeros((40, 4)), neighbours=5)).all()
    assert fit_map(rng.normal(size=(80, 2)), components=3, neighbours=5).shape == (80, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "tsne"}, "umap or pca"),
        ({"components": 4}, "2 or 3 dimensions"),
        ({"neighbours": 50}, "from 2 to 49"),
        ({"neighbours": 1}, "from 2 to 49"),
        ({"min_dist": float("nan")}, "from 0 to 0.99"),
        ({"codes": np.full((50, 3), np.nan)}, "nan"),
        ({"codes": np.zeros((50, 3, 1))}, r"\(N, D\)"),
        ({"codes": np.zeros((5, 3))}, "at least 10 points"),
        ({"codes": np.zeros((50, 2)), "method": "pca", "components": 3}, "principal directions"),
    ],
)
def test_what_cannot_be_mapped_is_said(changes, words):
    with pytest.raises(ValueError, match=words):
        fit_map(**{"codes": np.random.default_rng(0).normal(size=(50, 4)), **changes})


def test_new_points_land_with_their_own_kind(digits, fitted):
    codes, labels = digits
    landed = project(codes[:1000], fitted, codes[1000:])
    assert landed.shape == (797, 2) and landed.dtype == np.float32
    assert knn_accuracy(fitted, labels[:1000], landed, labels[1000:]).value > 0.92
    # Not beside the islands: near some point of the map, measured in gaps between its points.
    gaps = np.partition(_distances(fitted), 5, axis=1)[:, 5]
    nearest = np.linalg.norm(landed[:, None] - fitted[None], axis=2).min(axis=1)
    assert np.mean(nearest < 2 * np.median(gaps)) > 0.97


def test_a_point_of_the_map_lands_near_itself(digits, fitted):
    codes = digits[0][:1000]
    radius = np.sqrt(fitted.var(axis=0).sum())
    off = np.linalg.norm(project(codes, fitted, codes) - fitted, axis=1) / radius
    assert np.median(off) < 0.05


def test_projecting_into_principal_directions_is_exact(digits):
    codes = digits[0]
    coordinates = fit_map(codes, "pca")
    assert np.allclose(project(codes, coordinates, codes[:50], "pca"), coordinates[:50], atol=1e-3)


def test_neighbours_are_the_nearest_first(digits):
    codes = digits[0][:200]
    found = neighbours(codes, codes[7], 5)
    order = np.argsort(np.linalg.norm(codes - codes[7], axis=1))[:5]
    assert found.tolist() == [order.tolist()]
    assert found[0, 0] == 7
    assert neighbours(codes, codes[:2], 999).shape == (2, 200)
    with pytest.raises(ValueError, match="Codes of 64 numbers"):
        neighbours(codes, np.zeros((1, 3)), 2)


def test_a_map_is_read_as_it_was_written(tmp_path, digits, fitted):
    codes, labels = digits[0][:1000], digits[1][:1000]
    kl = np.linspace(0, 1, 64, dtype=np.float32)
    save_map(tmp_path, Map(codes, fitted, labels, kl=kl, facts={"data": "digits"}))
    again = load_map(tmp_path)
    assert len(again) == 1000 and again.facts == {"data": "digits"} and again.indices is None
    assert np.array_equal(again.coordinates, fitted)
    assert np.array_equal(again.labels, labels)
    assert np.array_equal(again.kl, kl)
    assert np.allclose(again.codes, codes, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CODES]


def test_a_missing_map_is_none_and_a_broken_one_a_sentence(tmp_path):
    assert load_map(tmp_path) is None
    (tmp_path / CODES).write_bytes(b"not a map")
    with pytest.raises(ValueError, match="damaged"):
        load_map(tmp_path)
    save_file({"codes": np.zeros((4, 2), np.float16)}, tmp_path / CODES)
    with pytest.raises(ValueError, match="damaged"):
        load_map(tmp_path)
    parts = {"codes": np.zeros((4, 2), np.float16), "map": np.zeros((3, 2), np.float32)}
    save_file(parts, tmp_path / CODES)
    with pytest.raises(ValueError, match="do not belong together"):
        load_map(tmp_path)
