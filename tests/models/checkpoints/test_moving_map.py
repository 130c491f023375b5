"""The moments of a map, as they lie beside a model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from models.checkpoints.moving_map import MOMENTS, MovingMap, load_moving_map, save_moving_map


def moving(T: int = 3, N: int = 7, **changes) -> MovingMap:
    rng = np.random.default_rng(0)
    found = MovingMap(
        np.arange(1, T + 1) * 10,
        np.linspace(0.1, 1, T),
        rng.standard_normal((T, N, 2)).astype(np.float32),
        rng.standard_normal((N, 4)).astype(np.float32),
        np.arange(N) * 2,
        np.arange(N) % 3,
        np.linspace(0.2, 0.9, T).astype(np.float32),
        {"run": "of this very run"},
    )
    return dataclasses.replace(found, **changes)


def test_what_is_written_is_read(tmp_path):
    written = moving()
    save_moving_map(tmp_path, written)
    found = load_moving_map(tmp_path)
    assert found.facts == written.facts
    for key in ("steps", "indices", "labels"):
        assert np.array_equal(getattr(found, key), getattr(written, key)), key
    for key in ("epochs", "places", "codes", "agreement"):
        assert np.allclose(getattr(found, key), getattr(written, key), atol=2e-3), key


def test_without_classes_there_is_no_agreement(tmp_path):
    save_moving_map(tmp_path, moving(labels=None, agreement=None))
    found = load_moving_map(tmp_path)
    assert found.labels is None and found.agreement is None


def test_a_model_without_moments_has_none(tmp_path):
    assert load_moving_map(tmp_path) is None


def test_a_damaged_file_is_told_in_a_sentence(tmp_path):
    save_moving_map(tmp_path, moving())
    (tmp_path / MOMENTS).write_bytes((tmp_path / MOMENTS).read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        load_moving_map(tmp_path)


@pytest.mark.parametrize("key", ["steps", "epochs", "codes", "indices", "labels", "agreement"])
def test_parts_of_other_moments_or_points_are_refused(key):
    with pytest.raises(ValueError, match="other"):
        moving(**{key: getattr(moving(), key)[:-1]})
