"""Pictures in folders and archives, and data sets of the Hub, all from files the tests write."""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.data import datasets as data
from models.data import known, picture_files, sources
from models.data.datasets import DataError, load
from tests.conftest import noise

pytestmark = pytest.mark.usefixtures("alone")


# ---------------------------------------------------------------------------------------------
# Pictures


def png(pixels: np.ndarray, mode: str | None = None, **options) -> bytes:
    """An array as PNG bytes; shapes as PIL takes them, mode to convert to."""
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(buffer, "PNG", **options)
    return buffer.getvalue()


def class_folders(names: tuple[str, ...], n: int, prefix: str = "") -> dict[str, bytes]:
    """n colour pictures of 8x8 a class, by path; the first pixel's red tells the class."""
    files = {}
    for label, name in enumerate(names):
        for i in range(n):
            pixels = noise(8, 8, 3, seed=1000 * label + i)
            pixels[0, 0] = label, i, len(prefix)
            files[f"{prefix}{name}/{i:03}.png"] = png(pixels)
    return files


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


PETS = ("cats", "dogs", "fish")


@pytest.mark.parametrize("packed", [True, False])
def test_class_folders_become_labels_and_a_split(tmp_path, packed):
    files = class_folders(PETS, 12, "pets/")  # one folder around them, as zips often have
    files |= {
        "pets/readme.txt": b"hello",
        "__MACOSX/pets/cats/._000.png": b"x",
        "pets/.hid.png": b"",
    }
    path = write_zip(tmp_path / "a.zip", files) if packed else write_folder(tmp_path / "a", files)
    train, test = load(str(path), "train"), load(str(path), "test")
    assert train.images.shape == (30, 3, 8, 8) and test.images.shape == (6, 3, 8, 8)
    assert train.classes == PETS and np.bincount(test.labels).tolist() == [2, 2, 2]
    for dataset in (train, test):
        assert torch.equal(dataset.images[:, 0, 0, 0].long(), dataset.labels)
    assert train.labels.tolist() != sorted(train.labels.tolist())  # mixed
    seen = [(d.images[i, 0, 0, 0].item(), d.images[i, 1, 0, 0].item())
            for d in (train, test) for i in range(len(d))]  # fmt: skip
    assert len(set(seen)) == 36
    assert torch.equal(test.images, load(str(path), "test").images)


@pytest.mark.parametrize("form", ["folders", "one zip", "two zips"])
def test_pictures_that_bring_their_split(tmp_path, form):
    train, test = class_folders(PETS, 4), class_folders(PETS[:2], 2, "test/")
    both = {f"train/{k}": v for k, v in train.items()} | test
    if form == "folders":
        write_folder(tmp_path / "pets", both)
    elif form == "one zip":
        write_zip(tmp_path / "pets.zip", both)
    else:
        (tmp_path / "pets").mkdir()
        write_zip(tmp_path / "pets" / "train.zip", train)
        write_zip(tmp_path / "pets" / "test.zip", {k[5:]: v for k, v in test.items()})
    first, second = (load("pets", split, tmp_path) for split in data.SPLITS)
    assert len(first) == 12 and len(second) == 4
    assert first.classes == second.classes == PETS  # of both parts, though test has no fish
    assert set(first.images[:, 2, 0, 0].tolist()) == {0}
    assert set(second.images[:, 2, 0, 0].tolist()) == {5}
    assert torch.equal(second.images[:, 0, 0, 0].long(), second.labels)


@pytest.mark.parametrize("form", ["two zips", "folders", "one zip"])
def test_cifar_from_files(tmp_path, form):
    def pictures(n: int) -> dict[str, bytes]:
        return {f"{c}/{i}.png": png(noise(32, 32, 3, seed=i)) for c in known.CIFAR_NAMES
                for i in range(n)}  # fmt: skip

    root = tmp_path / "cifar-10"
    parts = {"train": pictures(3), "test": pictures(2)}
    joined = {f"{part}/{k}": v for part, files in parts.items() for k, v in files.items()}
    if form == "folders":
        write_folder(root, joined)
    elif form == "one zip":
        write_zip(tmp_path / "cifar-10.zip", joined)
    else:
        root.mkdir()
        for part, files in parts.items():
            write_zip(root / f"{part}.zip", files)
    train, test = (load("cifar-10", split, tmp_path) for split in data.SPLITS)
    assert train.images.shape == (30, 3, 32, 32) and test.images.shape == (20, 3, 32, 32)
    assert train.classes == known.CIFAR_NAMES and np.bincount(train.labels).tolist() == [3] * 10


def test_cifar_must_have_its_classes(tmp_path):
    write_folder(tmp_path / "cifar-10" / "train", class_folders(PETS, 2))
    write_folder(tmp_path / "cifar-10" / "test", class_folders(PETS, 2))
    with pytest.raises(DataError, match="does not hold the classes of CIFAR-10: airplane"):
        load("cifar-10", "train", tmp_path)


def test_pictures_without_classes_have_no_labels(tmp_path):
    write_folder(tmp_path, {f"{i}.png": png(noise(8, 8, seed=i)) for i in range(12)})
    dataset = load(str(tmp_path))
    assert dataset.labels is None and dataset.classes == ()
    assert dataset.images.shape == (10, 1, 8, 8)  # grey ones keep one channel


def one(tmp_path: Path, content: bytes, size: int | None = None) -> torch.Tensor:
    """A picture as it comes out of a folder of twelve alike."""
    write_folder(tmp_path / "f", {f"{i}.png": content for i in range(12)})
    return load(str(tmp_path / "f"), size=size).images[0]


def test_large_pictures_are_cropped_and_shrunk(tmp_path):
    wide = np.zeros((90, 180, 3), np.uint8)
    wide[:, 45:135] = 200  # the central square
    image = one(tmp_path, png(wide))
    assert image.shape == (1, 32, 32) and (image == 200).all()
    assert one(tmp_path, png(wide), size=16).shape == (1, 16, 16)


def test_pictures_of_mixed_sizes_come_to_one(tmp_path):
    files = {f"{i}.png": png(noise(8 + i, 8, 3, seed=i)) for i in range(12)}
    files["long.png"] = png(noise(1, 90))
    dataset = load(str(write_folder(tmp_path, files)))
    assert dataset.image_shape == (3, 32, 32)
    assert torch.equal(dataset.images, load(str(tmp_path), size=32).images)


def test_16_bits_transparency_palettes_and_turned_pictures_look_as_they_should(tmp_path):
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040
    assert (one(tmp_path / "a", png(ramp))[0] == torch.from_numpy(ramp / 257).round()).all()

    glass = np.zeros((8, 8, 4), np.uint8)
    glass[:, 4:] = 10, 20, 30, 255
    image = one(tmp_path / "b", png(glass))
    assert (image[:, :, :4] == 255).all() and image[:, 0, 7].tolist() == [10, 20, 30]

    colour = np.zeros((8, 8, 3), np.uint8)
    colour[:4] = 255, 0, 0
    assert one(tmp_path / "c", png(colour, "P"))[:, 0, 0].tolist() == [255, 0, 0]

    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the left column becomes the top row
    tall = noise(8, 4)
    turned = one(tmp_path / "d", png(tall, exif=exif.tobytes()))
    assert torch.equal(turned[0], torch.from_numpy(np.rot90(tall, -1).copy()))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (png(noise(40, 40, 3))[:-900], "07.png' is damaged, cut short"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "07.png' is an SVG drawing"),
        (b"", "07.png' is empty"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_the_one_bad_picture_is_named(tmp_path, content, sentence, packed):
    files = {f"{i:02}.png": png(noise(40, 40, 3, seed=i)) for i in range(12)} | {"07.png": content}
    path = write_zip(tmp_path / "a.zip", files) if packed else write_folder(tmp_path / "a", files)
    with pytest.raises(DataError, match=sentence):
        for split in data.SPLITS:
            load(str(path), split)


def test_bad_collections_are_told(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="holds no pictures"):
        load(str(write_folder(tmp_path / "a", {"readme.txt": b""})))
    (tmp_path / "cut.zip").write_bytes(
        write_zip(tmp_path / "whole.zip", class_folders(PETS, 2)).read_bytes()[:-40]
    )
    with pytest.raises(DataError, match="not a whole zip"):
        load("cut", "train", tmp_path)
    with pytest.raises(DataError, match="too few images for a test split"):
        load(str(write_folder(tmp_path / "b", {"1.png": png(noise(8, 8))})), "test")
    monkeypatch.setattr(sources, "LARGEST_FILE", 100)
    with pytest.raises(DataError, match="too large for a picture"):
        load("whole", "train", tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(picture_files, "MAX_PIXELS", 63)
    with pytest.raises(DataError, match="too many pixels"):
        load(str(tmp_path / "b"))


# ---------------------------------------------------------------------------------------------
# The Hub: the real library, reading repositories that the tests write


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder that stands for the Hub: hub/owner/name is the data set owner/name."""
    datasets = pytest.importorskip("datasets")
    real = datasets.load_dataset

    def load_dataset(path, name=None, **options):
        if not (tmp_path / "hub" / path).is_dir():
            raise datasets.exceptions.DatasetNotFoundError(f"Dataset '{path}' doesn't exist.")
        return real(
            str(tmp_path / "hub" / path), name, cache_dir=str(tmp_path / "cache"), **options
        )

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(sources, "reachable", lambda: True)
    datasets.disable_progress_bars()
    yield tmp_path / "hub"
    datasets.enable_progress_bars()


def write_parquet(folder: Path, name: str, n: int, classes=("zero", "one")) -> np.ndarray:
    """n grey 28x28 images with labels in turn, as the Hub keeps MNIST; returns the images."""
    import datasets

    images = noise(n, 28, 28, seed=n)
    features = {"image": datasets.Image()}
    columns = {"image": [Image.fromarray(image) for image in images]}
    if classes:
        features["label"] = datasets.ClassLabel(names=list(classes))
        columns["label"] = [i % len(classes) for i in range(n)]
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / f"{name}-00000-of-00001.parquet")
    return images


def test_any_hub_id(hub):
    train = write_parquet(hub / "some" / "letters", "train", 14)
    test = write_parquet(hub / "some" / "letters", "test", 6)
    for split, images in (("train", train), ("test", test)):
        dataset = load("some/letters", split)
        assert np.array_equal(dataset.images[:, 0], images)
        assert dataset.classes == ("zero", "one") and dataset.source == "Hub: some/letters"
        assert dataset.labels.tolist() == [i % 2 for i in range(len(images))]
    assert load("some/letters", size=16).image_shape == (1, 16, 16)
    with pytest.raises(DataError, match="not to be asked"):
        load("some/letters", download=False)


def test_a_hub_set_of_one_split_without_labels(hub):
    images = write_parquet(hub / "some" / "marks", "train", 24, classes=())
    train, test = load("some/marks"), load("some/marks", "test")
    assert (len(train), len(test)) == (20, 4) and train.labels is None
    both = torch.cat([train.images, test.images]).numpy().reshape(24, -1)
    assert sorted(map(bytes, both)) == sorted(map(bytes, images.reshape(24, -1)))


def test_a_hub_folder_of_pictures(hub):
    files = {f"train/{k}": v for k, v in class_folders(PETS, 4).items()}
    write_folder(hub / "some" / "pets", files | class_folders(PETS, 2, "test/"))
    test = load("some/pets", "test")
    assert test.image_shape == (3, 8, 8) and test.classes == PETS
    assert torch.equal(test.images[:, 0, 0, 0].long(), test.labels)


def test_known_names_come_from_the_hub_with_their_sizes_checked(hub, monkeypatch):
    ten = [str(i) for i in range(10)]
    train = write_parquet(hub / "ylecun" / "mnist", "train", 40, classes=ten)
    write_parquet(hub / "ylecun" / "mnist", "test", 20, classes=ten)
    with pytest.raises(DataError, match="has 40 images in 'train' instead of 60000"):
        load("mnist")
    monkeypatch.setitem(data.DATASETS["mnist"].n, "train", 40)
    dataset = load("mnist")
    assert np.array_equal(dataset.images[:, 0], train) and dataset.classes == data.DIGIT_NAMES
    assert dataset.labels.tolist() == list(range(10)) * 4


def test_hub_sets_that_cannot_be_had(hub):
    import datasets

    with pytest.raises(DataError, match="'some/thing' cannot be had from the Hub: Dataset"):
        load("some/thing")
    (hub / "some" / "text").mkdir(parents=True)
    datasets.Dataset.from_dict({"word": ["a", "b"]}).to_parquet(
        hub / "some" / "text" / "train-0.parquet"
    )
    with pytest.raises(DataError, match="no column of images: its columns are word"):
        load("some/text")


@pytest.mark.parametrize("name", ["mnist", "owner/name"])
def test_without_a_network_one_sentence_says_what_to_do(name):
    pytest.importorskip("datasets")
    with pytest.raises(DataError, match="--data-dir") as caught:
        load(name)
    assert "cannot be reached" in str(caught.value) and "\n" not in str(caught.value)


def test_without_the_datasets_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"MNIST is not on this machine, and .* pip install"):
        load("mnist")
    with pytest.raises(DataError, match="Omniglot, small is not on this machine: name the folder"):
        load("omniglot-small")


def write_table(folder: Path, features: dict, columns: dict) -> None:
    import datasets

    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "train-00000-of-00001.parquet")


def some_pictures(n: int, seed: int = 0) -> list[Image.Image]:
    return [Image.fromarray(levels) for levels in noise(n, 8, 8, seed=seed)]


def test_rows_without_a_label_are_left_out_and_said(hub):
    import datasets

    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}
    labels = [None if k % 7 == 3 else k % 2 for k in range(28)]
    write_table(hub / "some" / "gaps", features, {"image": some_pictures(28), "label": labels})
    train, test = load("some/gaps"), load("some/gaps", "test")
    assert len(train) + len(test) == 24 and train.classes == ("a", "b")
    assert "4 pictures without a label left out." in train.notes


def test_whole_numbers_called_labels_are_classes(hub):
    import datasets

    features = {"image": datasets.Image(), "label": datasets.Value("int64")}
    columns = {"image": some_pictures(24), "label": [k % 3 for k in range(24)]}
    write_table(hub / "some" / "numbers", features, columns)
    assert load("some/numbers").classes == ("0", "1", "2")
    features = {"image": datasets.Image(), "price": datasets.Value("int64")}
    columns = {"image": some_pictures(24), "price": [k % 3 for k in range(24)]}
    write_table(hub / "some" / "prices", features, columns)
    assert load("some/prices").classes == ()


def test_of_several_columns_the_one_with_the_usual_name_is_taken_and_said(hub):
    import datasets

    kind = datasets.ClassLabel(names=["a", "b"])
    features = {
        "mask": datasets.Image(),
        "image": datasets.Image(),
        "country": datasets.ClassLabel(names=["x", "y", "z"]),
        "label": kind,
    }
    columns = {
        "mask": [Image.new("L", (8, 8))] * 24,
        "image": some_pictures(24),
        "country": [k % 3 for k in range(24)],
        "label": [k % 2 for k in range(24)],
    }
    write_table(hub / "some" / "several", features, columns)
    dataset = load("some/several")
    assert dataset.classes == ("a", "b") and float(dataset.images.float().std()) > 10
    assert "The images are those of the column 'image', not 'mask'." in dataset.notes
    assert "The classes are those of the column 'label', not 'country'." in dataset.notes
    left = {"before": datasets.Image(), "after": datasets.Image()}
    write_table(hub / "some" / "pairs", left, {k: some_pictures(24) for k in left})
    with pytest.raises(DataError, match=r"several columns of images \(before, after\)"):
        load("some/pairs")
