"""Known data sets fetched from a stand-in of the Hub: checked, kept, found without a restart."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from models.data import datasets, fetching, sources
from models.data.fetching import CACHE, fetch
from models.data.sources import DataError
from tests.mnist import COUNTS, REPO, Kept, put_mnist, table_of


@pytest.fixture
def online(hub, tmp_path, monkeypatch) -> Kept:
    """A small MNIST on the Hub, and nothing on this machine."""
    monkeypatch.delenv(datasets.ENVIRONMENT, raising=False)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return put_mnist(hub, monkeypatch)


def test_it_is_fetched_checked_and_there_at_once(online, tmp_path):
    assert datasets.megabytes_to_fetch("mnist") == 18 and not datasets.available("mnist")
    steps = list(fetch("mnist"))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] <= 1
    assert {step.of for step in steps} == {"bytes", "pictures"}
    assert datasets.available("mnist") and datasets.megabytes_to_fetch("mnist") == 0
    for split in COUNTS:
        found = datasets.load("mnist", split, download=False)
        assert np.array_equal(found.images[:, 0].numpy(), online.images[split])
        assert found.labels.tolist() == online.labels[split].tolist()
        assert found.classes == datasets.DIGIT_NAMES
    # A folder that a person names comes first, and does not hide what was fetched.
    (tmp_path / "empty").mkdir()
    assert datasets.available("mnist", tmp_path / "empty")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["mnist"]


def test_who_was_slower_finds_it_there(online, tmp_path):
    one, two = fetch("mnist"), fetch("mnist")
    next(one)
    next(two)
    list(one)
    before = (tmp_path / "cache" / "mnist").stat().st_ino
    list(two)
    assert (tmp_path / "cache" / "mnist").stat().st_ino == before
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mnist"]


def spoilt(hub, online, **files: bytes) -> str:
    """The sentence of a fetch where a split's file is another."""
    changed = {f"mnist/{k}-00000-of-00001.parquet": data for k, data in files.items()}
    hub.put(REPO, {**online.files, **changed})
    with pytest.raises(DataError) as error:
        list(fetch("mnist"))
    assert not datasets.available("mnist")
    assert not any(fetching.cache_folder().glob("*")) and not any(
        fetching.cache_folder().glob(".*")
    )
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
    return str(error.value)


def test_what_is_wrong_is_said_and_nothing_is_kept(hub, online):
    images, labels = online.images["test"], online.labels["test"]
    assert "other pictures" in spoilt(hub, online, test=table_of(255 - images, labels))
    assert "19 pictures instead of 20" in spoilt(hub, online, test=table_of(images[1:], labels[1:]))
    assert "cannot be read" in spoilt(hub, online, test=b"PAR1" + bytes(12_000))
    large = table_of(np.zeros((20, 30, 28), np.uint8), labels)
    assert "not 28x28" in spoilt(hub, online, test=large)


def test_a_table_that_was_laid_out_anew(hub, online):
    hub.put(REPO, {"data/all.parquet": b"x" * 10})
    with pytest.raises(DataError, match="not laid out as it was"):
        list(fetch("mnist"))


def test_what_comes_is_what_was_promised(hub, online):
    # The Hub says one size and one hash, and sends something else.
    name = "mnist/train-00000-of-00001.parquet"
    right = online.files[name]
    hub.large[hashlib.sha256(right).hexdigest()] = right[:-1] + b"x"
    with pytest.raises(DataError, match="damaged or cut short"):
        list(fetch("mnist"))
    hub.large[hashlib.sha256(right).hexdigest()] = right[:-1]
    with pytest.raises(DataError, match=r"damaged or cut short|broke off"):
        list(fetch("mnist"))
    assert not datasets.available("mnist")


def test_without_a_network_it_is_one_sentence(online, monkeypatch):
    monkeypatch.setattr(fetching, "reachable", lambda: False)
    with pytest.raises(DataError, match="The Hub cannot be reached from here"):
        next(fetch("mnist"))


def test_where_the_hub_must_not_be_asked_nothing_is_offered(online, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert datasets.megabytes_to_fetch("mnist") == 0 and not sources.reachable()
    with pytest.raises(DataError, match="cannot be reached"):
        next(fetch("mnist"))


def test_a_hub_that_refuses(hub, online):
    hub.failing = 503
    with pytest.raises(DataError, match=r"does not answer about|cannot be reached"):
        list(fetch("mnist"))


def test_a_place_that_cannot_be_written_to(online, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv(CACHE, str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match="no room, or no leave"):
        list(fetch("mnist"))


def test_only_what_can_be_checked_is_fetched(online):
    assert (
        datasets.megabytes_to_fetch("omniglot-small") == datasets.megabytes_to_fetch("digits") == 0
    )
    with pytest.raises(DataError, match="no data set 'cifar-10' to fetch"):
        list(fetch("cifar-10"))
