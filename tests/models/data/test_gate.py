"""One gate: a file means the same to the page, to ``score`` and to ``train``, and what is cropped,
skipped, doubled or taken otherwise is said."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.pictures import images
from explorer.tabs.train import pictures as own
from models.__main__ import main
from models.data import datasets, pictures
from models.data.collection import arrange
from models.data.framing import prepare
from tests import toys
from tests.conftest import noise
from tests.pictures import MNIST, seven

pytestmark = pytest.mark.usefixtures("alone")


def png(pixels, **how) -> bytes:
    file = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(
        file, how.pop("format", "PNG"), **how
    )
    return file.getvalue()


def zipped(path: Path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def large() -> np.ndarray:
    return np.rint(seven() * 255).astype(np.uint8).repeat(10, 0).repeat(10, 1)


def on_transparent(mode: str) -> Image.Image:
    """A black seven that is all alpha."""
    ink, alpha = np.zeros_like(large()), large()
    channels = [ink, alpha] if mode == "LA" else [ink, ink, ink, alpha]
    return Image.fromarray(np.stack(channels, -1), mode)


def kinds() -> dict[str, bytes]:
    """The same seven in files of every kind that has been taken for something else."""
    grey = large()
    return {
        "grey.png": png(grey),
        "dark.png": png(255 - grey),
        "rgba.png": png(on_transparent("RGBA")),
        "la.png": png(on_transparent("LA")),
        "eight in sixteen.png": png(grey.astype(np.uint16)),
        "sixteen.png": png(grey.astype(np.uint16) * 257),
        "float.tif": png(Image.fromarray(grey.astype(np.float32) / 255), format="TIFF"),
        "one bit.png": png(Image.fromarray(grey > 127)),
    }


# -- score, and the Score tab ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(kinds()))
@pytest.mark.parametrize("convention", ["mnist", "fashion-mnist"])
def test_a_seven_is_the_same_seven_in_any_file_for_page_and_command_line(
    tmp_path, kind, convention
):
    path = tmp_path / kind
    path.write_bytes(kinds()[kind])
    ours = pictures.read(path, MNIST, convention)
    [(_, many)], _ = images.open_many([path])
    page = prepare(images.open_upload(path), MNIST, convention)
    assert np.array_equal(ours.pixels, page.pixels) and ours.note == page.note
    assert np.array_equal(prepare(many, MNIST, convention).pixels, page.pixels)
    if convention == "mnist" and kind != "one bit.png":
        assert np.abs(ours.pixels[0] - seven()).max() < 0.02


def test_the_command_line_says_what_it_made_of_a_picture(tmp_path, capsys):
    small = {"latent": 3, "width": 8, "blocks": 1, "hidden": 8, "halvings": 1}
    toys.write(tmp_path, "toy", family="vae", image=(1, 8, 8), **small)
    dark = str(tmp_path / "dark.png")
    Image.new("L", (80, 40), 255).save(dark)
    assert main(["score", str(tmp_path / "toy"), dark, "--samples", "1"]) == 0
    assert f"{dark}: Nothing is drawn" in capsys.readouterr().out
    assert main(["score", str(tmp_path / "toy"), dark, "--samples", "1", "--json",
                 "--polarity", "keep"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["prepared"][dark]


def test_what_is_cut_away_is_said():
    wide = Image.fromarray(noise(20, 40, 3))
    assert "leaves out 50% of it" in prepare(wide, (3, 16, 16), "my pictures").note
    assert "leaves out" not in prepare(wide, (3, 10, 20), "my pictures").note


def test_a_model_trained_on_a_ground_reads_transparent_pictures_on_it(tmp_path):
    path = tmp_path / "light.png"
    light = np.full((8, 8, 4), 200, np.uint8)
    light[:, :4, 3] = 0
    path.write_bytes(png(light))
    found = {g: pictures.read(path, (1, 8, 8), "mine", ground=g) for g in ("white", "black", "")}
    assert (found["white"].pixels[0, :, :4] == 1).all()
    assert (found["black"].pixels[0, :, :4] == 0).all()
    assert np.array_equal(found[""].pixels, found["black"].pixels)  # so that it stays visible


# -- train, and the Train tab ----------------------------------------------------------------------


def both(tmp_path, files, side=8):
    """(data set by the command line, what the page brought, the page's as a data set)."""
    path = zipped(tmp_path / "mine.zip", files)
    ours = datasets.load(path, "train", size=side)
    (tmp_path / "visitor").mkdir(exist_ok=True)
    # The page's sides are its own list; any will do here.
    brought = own.bring([path], 16, False, tmp_path / "visitor")
    return ours, brought, datasets.load(str(tmp_path / "visitor" / brought.described.name), "train")


def classes_of(names, n=14):
    return {
        f"{name}/{k}.png": png(noise(8, 8, seed=100 * i + k))
        for i, name in enumerate(names)
        for k in range(n)
    }


@pytest.mark.parametrize(
    "names",
    [
        ("😀", "😢"),
        ("C", "C#", "C+"),
        tuple(unicodedata.normalize("NFD", name) for name in ("Café", "Muñoz", "Müller")),
        (".9 mm", "1.2 mm"),
        ("x" * 45 + "a", "x" * 45 + "b"),
        (" a", "a", "a b"),
        ("a_b", "a-b", "a b"),
        ("con", "nul"),
    ],
)
def test_classes_have_the_names_of_their_folders(tmp_path, names):
    ours, brought, again = both(tmp_path, classes_of(names))
    assert ours.classes == brought.described.classes == again.classes == tuple(sorted(names))
    assert len(ours.labels.unique()) == len(again.labels.unique()) == len(names)
    assert abs(len(again) - len(brought.described)) == 0


def test_one_name_with_its_accent_written_in_two_ways_is_one_class():
    composed, apart = "Café", unicodedata.normalize("NFD", "Café")
    found = arrange([(composed, "1.png"), (apart, "2.png"), ("Tea", "3.png")])
    assert found.classes == (composed, "Tea") and "the same class" in found.notes[0]


def test_folders_inside_a_class_are_part_of_it(tmp_path):
    names = [f"all/{a}/{b}" for a in ("disc", "bar") for b in ("front", "back")]
    ours, brought, again = both(tmp_path, classes_of(names))
    assert ours.classes == brought.described.classes == again.classes == ("bar", "disc")


@pytest.mark.parametrize("inner", ["", "cat/", None])
def test_train_and_test_are_splits_and_said_to_be(tmp_path, inner):
    def name(split, k):
        kind = ("cat/" if k % 2 else "dog/") if inner is None else inner
        return f"{split}/{kind}{k}.png"

    files = {name("train", k): png(noise(8, 8, seed=k)) for k in range(30)}
    files |= {name("test", k): png(noise(8, 8, seed=50 + k)) for k in range(10)}
    ours, brought, again = both(tmp_path, files)
    classes = ("cat", "dog") if inner is None else ()
    assert ours.classes == brought.described.classes == again.classes == classes
    assert len(ours) == len(brought.described) == len(again) == 30
    said = "The folders 'train', 'test' are taken as the splits."
    assert said in ours.notes and said in brought.words


def test_a_stray_picture_does_not_drop_the_classes(tmp_path):
    files = classes_of(("a", "b")) | {"stray.png": png(noise(8, 8, seed=999))}
    ours, brought, again = both(tmp_path, files)
    assert ours.classes == brought.described.classes == again.classes == ("a", "b")
    said = "1 picture beside the classes' folders: left out ('stray.png')."
    assert said in ours.notes and said in brought.words
    many = arrange([("a", "1"), ("b", "2"), ("3",), ("4",)])
    assert many.classes == () and "lie in no folder" in many.notes[0] and len(many.places) == 4


class Unmarked(zipfile.ZipInfo):
    """An entry whose name is UTF-8 and not marked as such, as the Finder packs it."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("utf-8"), self.flag_bits & ~0x800


def test_a_zip_with_backslashes_and_one_of_a_mac_keep_their_classes(tmp_path):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(12):
            info = zipfile.ZipInfo(f"{k}.png")
            info.filename = f"{'disc' if k % 2 else 'bar'}\\{k}.png"
            archive.writestr(info, png(noise(8, 8, seed=k)))
        for k in range(12, 24):
            info = Unmarked(f"Café/{k}.png")
            archive.writestr(info, png(noise(8, 8, seed=k)))
    with zipfile.ZipFile(path) as archive:  # as it lies there
        names = archive.namelist()
        assert "disc\\1.png" in names and "Café/12.png" not in names
    (tmp_path / "v").mkdir()
    brought = own.bring([str(path)], 16, True, tmp_path / "v").described
    assert datasets.load(str(path)).classes == brought.classes == ("Café", "bar", "disc")


def test_files_are_known_by_more_than_their_suffix_and_the_rest_is_said(tmp_path):
    levels = noise(8, 8, 3)
    files = {f"{k}.png": png(noise(8, 8, 3, seed=k)) for k in range(12)}
    files |= {
        "photo.jfif": png(levels, format="JPEG"),
        "no suffix": png(255 - levels),
        "notes.txt": b"words",
        "LICENSE": b"words",
        "__MACOSX/._0.png": b"",
        ".DS_Store": b"",
    }
    ours, brought, _ = both(tmp_path, files)
    held = datasets.load(str(tmp_path / "mine.zip"), "test", size=8)
    assert len(ours) + len(held) == 14 and len(brought.preview) == 14
    said = "2 files skipped, no pictures by their names (1 .txt, 1 no suffix)."
    assert said in ours.notes and said in brought.words


def test_sprites_lie_on_one_ground(tmp_path):
    files = {}
    for k in range(24):
        sprite = noise(8, 8, 4, seed=k)
        sprite[..., :3] //= 2
        sprite[..., :3] += 120 if k % 3 == 0 else 0  # a third of them light
        sprite[:, :2, 3], sprite[:, 2:, 3] = 0, 255
        files[f"{k:02}.png"] = png(sprite)
    ours, brought, again = both(tmp_path, files)
    for images_of in (ours.images, again.images):
        assert (images_of[:, :, :, 0] > 240).all()
    assert ours.ground == "white" and "20 pictures are transparent: laid on white." in ours.notes
    assert "24 pictures are transparent: laid on white." in brought.words
    light = {f"{k}.png": png(np.dstack([np.full((8, 8, 3), 230 - k, np.uint8),
                                        noise(8, 8, seed=k)])) for k in range(12)}  # fmt: skip
    name = zipped(tmp_path / "light.zip", light)
    assert {datasets.load(name, split).ground for split in datasets.SPLITS} == {"black"}


def test_what_is_not_square_is_said_and_kept_where_it_can_be(tmp_path):
    files = {f"{k}.png": png(noise(28, 14, seed=k)) for k in range(12)}
    path = zipped(tmp_path / "tall.zip", files)
    assert datasets.load(path).image_shape == (1, 28, 14)  # of one size: as they are
    assert datasets.load(path).notes == ()
    (tmp_path / "v").mkdir()
    said = own.bring([path], 28, True, tmp_path / "v").words
    assert "12 pictures are not square" in said and "leaves out 50% of each" in said


def test_doubles_are_said(tmp_path):
    files = {f"{k}.png": png(noise(16, 16, seed=k % 15)) for k in range(20)}
    ours, brought, _ = both(tmp_path, files, side=16)
    assert "there more than once" in " ".join(ours.notes)
    assert "15 pictures" in brought.words and "5 that were there already" in brought.words


def test_each_file_that_is_no_picture_has_its_own_sentence(tmp_path):
    files = {f"{k}.png": png(noise(8, 8, seed=k)) for k in range(12)} | {"bad.png": b"<svg/>"}
    (tmp_path / "v").mkdir()
    words = own.bring([zipped(tmp_path / "a.zip", files)], 16, True, tmp_path / "v").words
    assert "12 pictures" in words and "1 could not be used. 'bad.png' is an SVG drawing" in words
