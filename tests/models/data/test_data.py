"""Data sets by name, from files that the tests write: no network, no downloads."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.data import datasets
from models.data.datasets import DataError, load
from models.data.shapes import render
from tests.conftest import noise

pytestmark = pytest.mark.usefixtures("alone")


# ---------------------------------------------------------------------------------------------
# Built in


def test_digits_are_the_scans_with_a_stratified_split():
    from sklearn.datasets import load_digits

    train, test = load("digits", "train"), load("digits", "test")
    assert train.images.shape == (1497, 1, 8, 8) and test.images.shape == (300, 1, 8, 8)
    assert train.images.dtype == torch.uint8 and train.labels.dtype == torch.int64
    assert np.bincount(test.labels).tolist() == [30] * 10
    ours = torch.cat([train.images, test.images]).flatten(1).numpy() / (255 / 16)
    scans = load_digits().data
    assert sorted(map(tuple, np.rint(ours))) == sorted(map(tuple, scans))
    assert train.sha256 != test.sha256


def test_shapes_carry_their_factors():
    train = datasets.shapes(300, seed=0)
    assert train.images.shape == (300, 3, 32, 32) and train.factors.shape == (300, 6)
    assert torch.equal(train.labels, train.factors[:, 0].long())
    assert np.array_equal(render(train.factors.numpy()), train.images.numpy())
    test = load("shapes", "test")
    assert len(test) == 10_000
    assert torch.equal(test.images[:100], datasets.shapes(100, seed=1).images)
    with pytest.raises(ValueError, match="'hue' of a shape lies between"):
        render(train.factors.numpy() + np.array([0, 1, 0, 0, 0, 0]))


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_the_table_tells_the_truth_about_what_is_built_in(name):
    info = datasets.DATASETS[name]
    for split in datasets.SPLITS:
        dataset = load(name, split)
        assert dataset.image_shape == info.shape
        assert len(dataset) == len(dataset.labels) == info.n[split]
        assert dataset.classes == info.classes
        assert dataset.labels.max() == len(info.classes) - 1


def test_the_table_is_read_without_torch():
    code = "import sys; from models.data.datasets import DATASETS; print('torch' in sys.modules)"
    root = Path(datasets.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_unknown_names_and_splits_are_told():
    with pytest.raises(DataError, match=r"no data set 'mnits'. Known ones: digits, shapes, mnist"):
        load("mnits")
    with pytest.raises(DataError, match="train and test, not 'valid'"):
        load("digits", "valid")
    with pytest.raises(DataError, match="no data folder"):
        load("mnist", "train", "/nowhere/at/all")


# ---------------------------------------------------------------------------------------------
# IDX


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, prefix: str, n: int, zipped: bool = True, dot: str = "-") -> np.ndarray:
    """n random 28x28 images and labels 0 to 9 in turn; returns the images."""
    folder.mkdir(parents=True, exist_ok=True)
    images = noise(n, 28, 28, seed=n)
    for kind, array in ((f"images{dot}idx3", images), (f"labels{dot}idx1", np.arange(n) % 10)):
        raw = idx_bytes(array)
        path = folder / f"{prefix}{kind}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(raw) if zipped else raw)
    return images


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("sub", ["", "mnist"])
def test_mnist_from_a_folder(tmp_path, zipped, dot, sub):
    train = write_idx(tmp_path / sub, "train-", 30, zipped, dot)
    test = write_idx(tmp_path / sub, "t10k-", 20, zipped, dot)
    for split, images in (("train", train), ("test", test)):
        dataset = load("mnist", split, tmp_path)
        assert np.array_equal(dataset.images[:, 0], images)
        assert dataset.labels.tolist() == [i % 10 for i in range(len(images))]
        assert dataset.classes == datasets.DIGIT_NAMES and dataset.source == str(tmp_path / sub)
    assert datasets.available("mnist", tmp_path) and not datasets.available("cifar-10", tmp_path)


def test_the_data_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    images = write_idx(tmp_path / "fashion-mnist", "train-", 12)
    monkeypatch.setenv(datasets.ENVIRONMENT, str(tmp_path))
    assert np.array_equal(load("fashion-mnist").images[:, 0], images)
    other = write_idx(tmp_path / "other", "train-", 13)
    assert np.array_equal(load("fashion-mnist", "train", tmp_path / "other").images[:, 0], other)


def test_one_data_set_is_not_taken_for_another(tmp_path, monkeypatch):
    write_idx(tmp_path / "mnist", "train-", 12)
    with pytest.raises(DataError, match="Fashion-MNIST is not in"):
        load("fashion-mnist", "train", tmp_path / "mnist")
    digest = load("mnist", "train", tmp_path).sha256
    monkeypatch.setitem(datasets.FINGERPRINTS, digest, "fashion-mnist")
    with pytest.raises(DataError, match="are fashion-mnist, not mnist"):
        load("mnist", "train", tmp_path)


def test_omniglot_gets_a_split_of_its_own(tmp_path):
    images = write_idx(tmp_path, "", 240)
    (tmp_path / "classes.txt").write_text("\n".join([f"Alphabet_{i}" for i in range(10)]))
    train, test = (load("omniglot-small", split, tmp_path) for split in datasets.SPLITS)
    assert np.bincount(test.labels).tolist() == [4] * 10
    assert np.bincount(train.labels).tolist() == [20] * 10
    assert train.classes[3] == "Alphabet 3"
    both = torch.cat([train.images, test.images]).numpy().reshape(240, -1)
    assert sorted(map(bytes, both)) == sorted(map(bytes, images.reshape(240, -1)))
    row = next(i for i in range(240) if np.array_equal(images[i], test.images[0, 0]))
    assert test.labels[0] == row % 10
    assert torch.equal(test.images, load("omniglot-small", "test", tmp_path).images)


def broken_idx(kind: str) -> bytes:
    whole = idx_bytes(noise(30, 28, 28))
    return {
        "cut short": whole[:-1],
        "too long": whole + b"\0",
        "header cut": whole[:9],
        "empty": b"",
        "no images": idx_bytes(np.zeros((0, 28, 28))),
        "magic": b"PK\3\4" + whole[4:],
        "floats": b"\0\0\x0d\3" + whole[4:],
        "labels": idx_bytes(np.arange(30)),
        "gzip cut short": gzip.compress(whole)[:-500],
        "gzip damaged": gzip.compress(whole)[:400] + bytes(100) + gzip.compress(whole)[500:],
        "size": idx_bytes(noise(30, 20, 28)),
        "count": idx_bytes(noise(31, 28, 28)),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("cut short", "promises 30 x 28 x 28 bytes and holds 23519"),
        ("too long", "holds more than 23520"),
        ("header cut", "damaged or cut short"),
        ("empty", "begins with nothing instead of 00 00 08 03"),
        ("no images", "promises 0 x 28 x 28"),
        ("magic", "begins with 50 4b 03 04"),
        ("floats", "begins with 00 00 0d 03"),
        ("labels", "not an IDX file of bytes with 3 axes"),
        ("gzip cut short", "damaged or cut short"),
        ("gzip damaged", "damaged or cut short"),
        ("size", "are 1x20x28, but those of MNIST are 1x28x28"),
        ("count", "holds 31 images, but .* 30 labels"),
    ],
)
def test_broken_idx_files_are_told_in_a_sentence(tmp_path, kind, sentence):
    write_idx(tmp_path, "train-", 30)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(broken_idx(kind))
    with pytest.raises(DataError, match=sentence) as caught:
        load("mnist", "train", tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_and_impossible_labels_are_told(tmp_path):
    write_idx(tmp_path, "train-", 12)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_bytes(np.full(12, 10))))
    with pytest.raises(DataError, match="a label 10, but there are only 10 classes"):
        load("mnist", "train", tmp_path)
    labels.unlink()
    with pytest.raises(DataError, match="without its train-labels-idx1-ubyte"):
        load("mnist", "train", tmp_path)
