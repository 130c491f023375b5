"""The gate for foreign pictures: a corpus of odd files, many files at once, and the way out."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from explorer.pictures import images
from explorer.pictures.images import ImageError, open_many, open_upload, prepare
from tests.pictures import MNIST, centre_of_mass, drawing, encoded, likeness, seven, shaded

# Pillow warns of odd files on its way to our sentence.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]


def with_exif(picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture, "JPEG", quality=95, exif=exif.tobytes())


def png_of_claimed_size(width, height):
    """A well-formed PNG header with nothing behind it that deserves the name of a picture."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def transparent(ink):
    return drawing(mode="RGBA", paper=(0, 0, 0, 0), ink=ink)


def sixteen_bit(top):
    levels = np.asarray(drawing()).astype(np.float64) / 255 * top
    return Image.fromarray(levels.astype(np.uint16))


def floats(low, high, spoil=False):
    levels = low + np.asarray(drawing()).astype(np.float32) / 255 * (high - low)
    if spoil:
        levels[0, 0], levels[1, 1] = np.nan, np.inf
    return Image.fromarray(levels.astype(np.float32))


def palette_with_transparency():
    picture = drawing(mode="P", paper=1, ink=0)
    picture.putpalette([10, 10, 10, 200, 30, 30])
    return encoded(picture, "PNG", transparency=1)


def rgb_with_transparent_colour():
    picture = drawing(mode="RGB", paper=(255, 0, 255), ink=(20, 20, 20))
    return encoded(picture, "PNG", transparency=(255, 0, 255))


def animation(format):
    others = [drawing(ink=255, paper=0).rotate(90 * k) for k in (1, 2)]
    return encoded(drawing(), format, save_all=True, append_images=others, duration=50)


# Each of these is a drawing of the same seven, and has to arrive as it.
GOOD = {
    "png": lambda: encoded(drawing()),
    "white-on-black": lambda: encoded(drawing(ink=255, paper=0)),
    "jpeg": lambda: encoded(drawing(), "JPEG", quality=60),
    "progressive-jpeg": lambda: encoded(drawing(), "JPEG", progressive=True),
    "webp": lambda: encoded(drawing(), "WEBP", quality=80),
    "webp-lossless": lambda: encoded(drawing(), "WEBP", lossless=True),
    "gif": lambda: encoded(drawing(), "GIF"),
    "bmp": lambda: encoded(drawing(), "BMP"),
    "tiff": lambda: encoded(drawing(), "TIFF"),
    "tiff-lzw": lambda: encoded(drawing(), "TIFF", compression="tiff_lzw"),
    "one-bit": lambda: encoded(drawing().convert("1")),
    "one-bit-tiff": lambda: encoded(drawing().convert("1"), "TIFF", compression="group4"),
    "palette": lambda: encoded(drawing(mode="RGB").convert("P")),
    "palette-transparent": palette_with_transparency,
    "colour-key": rgb_with_transparent_colour,
    "black-on-transparent": lambda: encoded(transparent((0, 0, 0, 255))),
    "white-on-transparent": lambda: encoded(transparent((255, 255, 255, 255))),
    "red-on-transparent-webp": lambda: encoded(transparent((160, 0, 0, 255)), "WEBP"),
    "half-transparent": lambda: encoded(transparent((0, 0, 0, 140))),
    "grey-alpha": lambda: encoded(transparent((0, 0, 0, 255)).convert("LA")),
    "opaque-alpha": lambda: encoded(drawing().convert("RGBA")),
    "colours": lambda: encoded(drawing(mode="RGB", ink=(20, 40, 160), paper=(250, 240, 200))),
    "yellow-on-white": lambda: encoded(drawing(mode="RGB", ink=(250, 220, 30), paper="white")),
    "16-bit": lambda: encoded(sixteen_bit(65535)),
    "12-in-16-bit": lambda: encoded(sixteen_bit(4095), "TIFF"),
    "8-in-16-bit": lambda: encoded(sixteen_bit(255), "TIFF"),
    "mask-in-16-bit": lambda: encoded(sixteen_bit(1)),
    "32-bit": lambda: encoded(sixteen_bit(65535).convert("I"), "TIFF"),
    "float": lambda: encoded(floats(0, 1), "TIFF"),
    "float-255": lambda: encoded(floats(0, 255), "TIFF"),
    "float-minus-one-to-one": lambda: encoded(floats(-1, 1), "TIFF"),
    "float-with-nan": lambda: encoded(floats(0.1, 1, spoil=True), "TIFF"),
    "cmyk-jpeg": lambda: encoded(drawing(mode="RGB").convert("CMYK"), "JPEG", quality=90),
    "cmyk-tiff": lambda: encoded(drawing(mode="RGB").convert("CMYK"), "TIFF"),
    "animated-gif": lambda: animation("GIF"),
    "animated-webp": lambda: animation("WEBP"),
    "animated-png": lambda: animation("PNG"),
    "multi-page-tiff": lambda: animation("TIFF"),
    "two-pictures-in-a-jpeg": lambda: animation("MPO"),
    "upside-down-exif": lambda: with_exif(drawing().rotate(180), 3),
    "mirrored-exif": lambda: with_exif(drawing().transpose(Image.Transpose.FLIP_LEFT_RIGHT), 2),
    "broken-exif": lambda: encoded(drawing(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\1\1"),
    "large-colour-key": lambda: encoded(
        drawing((1500, 1500), (20, 20, 20), (255, 0, 255), "RGB", 175), transparency=(255, 0, 255)
    ),
    "large-16-bit": lambda: encoded(sixteen_bit(65535).resize((4800, 4800), 0)),
    "large-one-bit": lambda: encoded(drawing((2000, 2000), width=233).convert("1")),
    "large": lambda: encoded(drawing((3000, 3000), width=350)),
    "large-palette": lambda: encoded(drawing((2100, 2100), width=245).convert("P"), "GIF"),
    "large-jpeg": lambda: encoded(drawing((4000, 4000), width=466), "JPEG"),
    "tiny": lambda: encoded(drawing().resize((40, 40), Image.Resampling.BOX)),
    "photo-of-paper": lambda: encoded(shaded(drawing((400, 400), ink=40, paper=230, width=46))),
    "photo-of-blackboard": lambda: encoded(shaded(drawing((400, 400), 210, 60, width=46))),
    "blurred": lambda: encoded(drawing().filter(ImageFilter.GaussianBlur(1.5))),
    "pencil": lambda: encoded(drawing(ink=190, paper=240)),
    "dust": lambda: encoded(with_dust(drawing((400, 400), width=46))),
}


def with_dust(picture):
    ImageDraw.Draw(picture).ellipse([380, 380, 386, 386], fill=0)
    return picture


# Each of these has to end in one sentence that says this.
BAD = {
    "empty": (lambda: b"", "empty"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>", "SVG"),
    "svg-after-xml": (lambda: b"<?xml version='1.0'?>\n<svg></svg>", "SVG"),
    "text": (lambda: "Grüße, this is no picture.\n".encode() * 40, "text"),
    "html": (lambda: b"<!DOCTYPE html><html><img src=x onerror=alert(1)></html>", "web page"),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "heic": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64, "HEIC"),
    "film": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64, "film"),
    "zip": (lambda: images.zip_bytes({"a.png": encoded(drawing())}), "zip"),
    "random": (lambda: np.random.default_rng(1).bytes(5000), "not a picture"),
    "icon": (lambda: encoded(drawing((32, 32)), "ICO"), "not a picture"),
    "signature-only": (lambda: b"\x89PNG\r\n\x1a\n", "damaged"),
    "cut-png": (lambda: encoded(noise())[:2000], "damaged"),
    "cut-jpeg": (lambda: encoded(noise(), "JPEG")[:2000], "damaged"),
    "cut-webp": (lambda: encoded(noise(), "WEBP")[:2000], "damaged"),
    "cut-gif": (lambda: encoded(noise(), "GIF")[:2000], "damaged"),
    "cut-bmp": (lambda: encoded(noise(), "BMP")[:2000], "damaged"),
    "cut-tiff": (lambda: encoded(noise(), "TIFF")[:2000], "damaged"),
    "spoilt-png": (lambda: spoilt(encoded(noise())), "damaged"),
    "no-pixels": (lambda: png_of_claimed_size(0, 10), "damaged"),
    "line": (lambda: encoded(Image.new("L", (1, 10000))), "line"),
    "lying-line": (lambda: encoded(Image.new("L", (10000, 1))), "line"),
    "bomb-12000": (lambda: png_of_claimed_size(12000, 12000), "million"),
    "bomb-real": (lambda: encoded(Image.new("1", (9000, 9000)), optimize=True), "million"),
    "bomb-100000": (lambda: png_of_claimed_size(100_000, 100_000), "million"),
    "bomb-webp": (lambda: encoded(Image.new("L", (9000, 9000)), "WEBP", method=0), "million"),
    "too-many-bytes": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * images.MAX_BYTES, "20 MB"),
}


def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8))


def spoilt(data):
    return data[:200] + bytes(255 - b for b in data[200:300]) + data[300:]


@pytest.mark.parametrize("kind", GOOD)
def test_an_odd_file_becomes_the_digit_that_it_shows(kind):
    picture = open_upload(GOOD[kind]())
    assert picture.mode in ("L", "RGB")
    assert max(picture.size) <= 1024
    prepared = prepare(picture, MNIST, "mnist")
    pixels = prepared.pixels
    assert pixels.shape == MNIST and pixels.dtype == np.float32
    assert pixels.min() == 0 and 0.9 < pixels.max() <= 1
    assert likeness(pixels, seven()) > 0.93
    assert np.abs(np.array(centre_of_mass(pixels[0])) - 13.5).max() <= 0.75
    light_on_dark = kind in ("white-on-black", "white-on-transparent", "photo-of-blackboard")
    assert prepared.polarity == ("kept" if light_on_dark else "inverted")
    assert prepared.note.endswith(".") and "20x20" in prepared.note


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_used_gets_one_sentence(kind, tmp_path):
    make, says = BAD[kind]
    path = tmp_path / "holiday.png"
    path.write_bytes(make())
    with pytest.raises(ImageError) as caught:
        open_upload(path)
    sentence = str(caught.value)
    assert says in sentence and sentence.startswith("'holiday.png'")
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200


def test_whatever_a_file_has_become_it_is_a_picture_or_a_sentence():
    rng = np.random.default_rng(0)
    outcomes = {"picture": 0, "sentence": 0}
    for kind, make in GOOD.items():
        whole = np.frombuffer(b"" if kind.startswith("large") else make(), np.uint8)
        for _ in range(8 if whole.size else 0):
            data = whole.copy()
            # Headers are short and matter most: half of the damage goes there.
            reach = data.size if rng.random() < 0.5 else min(data.size, 120)
            data[rng.integers(0, reach, 3)] = rng.integers(0, 256, 3)
            try:
                prepared = prepare(open_upload(data.tobytes()), MNIST, "mnist")
                assert np.isfinite(prepared.pixels).all()
                outcomes["picture"] += 1
            except ImageError as error:
                assert str(error).endswith(".")
                outcomes["sentence"] += 1
    assert min(outcomes.values()) > 50


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(GOOD) + len(BAD) >= 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(orientation):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30] = (250, 0, 0)
    upright[20:, 30:] = (0, 0, 250)
    undo = {
        1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
        6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270",
    }[orientation]  # fmt: skip
    stored = Image.fromarray(upright)
    stored = stored.transpose(Image.Transpose[undo]) if undo else stored
    opened = np.asarray(open_upload(with_exif(stored, orientation)), float)
    assert opened.shape == upright.shape
    assert np.abs(opened[5:15, 5:25] - upright[5:15, 5:25]).mean() < 12
    assert np.abs(opened[25:35, 35:55] - upright[25:35, 35:55]).mean() < 12


def test_missing_files_folders_and_strange_names_are_named(tmp_path):
    with pytest.raises(ImageError, match=r"'none\.png' was not found"):
        open_upload(tmp_path / "none.png")
    with pytest.raises(ImageError, match="not a file"):
        open_upload(str(tmp_path))
    with pytest.raises(ImageError) as caught:
        open_upload(b"", name="a\nb" + "c" * 300)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 100


def test_nothing_of_pillow_is_left_changed_and_bombs_are_never_decoded(monkeypatch):
    from PIL import ImageFile

    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    loaded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: loaded.append(self.size))
    for size in ((8000, 8000), (12000, 12000), (100_000, 100_000)):
        with pytest.raises(ImageError, match="million"):
            open_upload(png_of_claimed_size(*size))
    assert loaded == []
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


# ---------------------------------------------------------------------------------------------
# Many files


def test_one_bad_file_among_twenty_is_named_and_nineteen_work(tmp_path):
    paths = []
    for i in range(20):
        paths.append(tmp_path / f"{i}.png")
        paths[-1].write_bytes(encoded(drawing()) if i != 7 else b"hello")
    pictures, problems = open_many(paths)
    assert [name for name, _ in pictures] == [f"{i}.png" for i in range(20) if i != 7]
    assert [name for name, _ in problems] == ["7.png"]
    assert "text" in problems[0][1]


def zipped(tmp_path, files, **options):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def test_an_archive_gives_its_pictures_and_ignores_names_that_point_outside(tmp_path):
    good = encoded(drawing())
    names = ["a.png", "more/b.png", "../evil.png", "/etc/evil.png", "C:\\evil.png"]
    names += ["x/../../evil.png", "__MACOSX/._a.png", ".hidden.png"]
    path = zipped(tmp_path, [*((name, good) for name in names), ("c.txt", "words")])
    pictures, problems = open_many([path])
    assert [name for name, _ in pictures] == ["a.png", "more/b.png"]
    assert [name for name, _ in problems] == ["c.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many.zip"]


def test_archives_that_are_bombs_damaged_locked_or_empty_get_a_sentence(tmp_path):
    good = encoded(drawing())
    zeros = b"\0" * 15_000_000
    deflate = {"compression": zipfile.ZIP_DEFLATED}
    bomb = [(f"{i}.png", zeros) for i in range(14)]
    assert "200 MB" in open_many([zipped(tmp_path, bomb, **deflate)])[1][0][1]
    crowd = [(f"{i}.png", b"") for i in range(images.MAX_ZIP_ENTRIES + 1)]
    assert "more than" in open_many([zipped(tmp_path, crowd)])[1][0][1]
    assert "empty" in open_many([zipped(tmp_path, [])])[1][0][1]
    one = [("big.png", b"\0" * (images.MAX_BYTES + 1)), ("a.png", good)]
    pictures, problems = open_many([zipped(tmp_path, one, **deflate)])
    assert [n for n, _ in pictures] == ["a.png"] and "20 MB" in problems[0][1]
    rare = zipped(tmp_path, [("a.png", good)], compression=zipfile.ZIP_BZIP2)
    assert "unusual" in open_many([rare])[1][0][1]
    path = zipped(tmp_path, [("a.png", good), ("b.png", good)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in open_many([path])[1][0][1]
    path.write_bytes(whole.replace(good[60:80], b"\0" * 20, 1))
    pictures, problems = open_many([path])
    assert [n for n, _ in pictures] == ["b.png"] and "damaged" in problems[0][1]
    locked = bytearray(whole)
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(locked))
    pictures, problems = open_many([path])
    assert [n for n, _ in pictures] == ["b.png"] and "password" in problems[0][1]


def test_no_more_pictures_are_taken_than_are_allowed(tmp_path):
    small = encoded(Image.new("L", (4, 4)))
    count = images.MAX_MANY + 5
    pictures, problems = open_many([zipped(tmp_path, [(f"{i}.png", small) for i in range(count)])])
    assert len(pictures) == images.MAX_MANY
    assert len(problems) == 1 and "first" in problems[0][1]


# ---------------------------------------------------------------------------------------------
# The page's own canvas, and what goes out


def payload(array):
    height, width = array.shape[:2]
    text = base64.b64encode(array.tobytes()).decode()
    return {"b64": text, "W": width, "H": height, "C": 1 if array.ndim == 2 else 3}


def test_a_drawing_arrives_as_it_was_drawn():
    grey = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    colour = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    np.testing.assert_array_equal(images.from_drawing(payload(grey)), grey)
    np.testing.assert_array_equal(images.from_drawing(payload(colour)), colour)
    # Numbers come from the browser as floats now and then.
    np.testing.assert_array_equal(images.from_drawing({**payload(grey), "W": 5.0}), grey)
    drawn = images.from_drawing(payload(np.asarray(drawing(ink=255, paper=0))))
    assert likeness(prepare(drawn, MNIST, "mnist").pixels, seven()) > 0.99


@pytest.mark.parametrize(
    "change",
    [
        {"b64": None}, {"b64": "%%%%"}, {"b64": ""}, {"b64": "é" * 48}, {"W": 4}, {"W": 0},
        {"W": -5}, {"H": 10**9}, {"H": "7"}, {"H": None}, {"H": 7.5}, {"H": float("nan")},
        {"W": float("inf")}, {"W": True}, {"C": 2}, {"C": 3}, {"C": [1]},
    ],
)  # fmt: skip
def test_a_malformed_drawing_gets_a_sentence(change):
    good = payload(np.zeros((7, 5), np.uint8))
    with pytest.raises(ImageError) as caught:
        images.from_drawing({**good, **change})
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("value", [None, "text", 3, [], {}, {"b64": "AAAA"}])
def test_what_is_no_drawing_at_all_gets_a_sentence(value):
    with pytest.raises(ImageError):
        images.from_drawing(value)


def batch(n=5, c=3, h=4, w=6):
    return np.random.default_rng(0).integers(0, 256, (n, c, h, w), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sprite_holds_every_byte_with_the_channel_last(channels):
    frames = batch(c=channels)
    sent = images.sprite(frames)
    assert {k: sent[k] for k in "nhwc"} == {"n": 5, "h": 4, "w": 6, "c": channels}
    back = np.frombuffer(base64.b64decode(sent["b64"]), np.uint8).reshape(5, 4, 6, channels)
    np.testing.assert_array_equal(back.transpose(0, 3, 1, 2), frames)
    assert images.sprite(frames.astype(np.float32) / 255) == sent
    odd = np.array([-1, 2, np.nan, 0.5], np.float32).reshape(1, 1, 2, 2)
    assert base64.b64decode(images.sprite(odd)["b64"]) == bytes([0, 255, 0, 128])
    assert images.sprite(frames, columns=2)["columns"] == 2
    with pytest.raises(ValueError, match="N, C, H, W"):
        images.sprite(frames[:, 0])


def test_pictures_out_are_crisp_and_come_back_the_same():
    frame = batch()[0]
    large = np.asarray(Image.open(io.BytesIO(images.png_bytes(frame, scale=3))))
    np.testing.assert_array_equal(large, frame.transpose(1, 2, 0).repeat(3, 0).repeat(3, 1))
    again = prepare(open_upload(images.png_bytes(frame, scale=3)), (3, 4, 6), "cifar-10")
    np.testing.assert_array_equal(again.pixels, frame.astype(np.float32) / np.float32(255))


def test_a_grid_places_images_row_by_row():
    frames = batch(n=5, c=1)
    grid = np.asarray(images.grid_image(frames, columns=3, scale=2, gap=1))
    assert grid.shape == (2 * 8 + 1, 3 * 12 + 2)
    fifth = grid[9:17, 13:25]
    np.testing.assert_array_equal(fifth, frames[4, 0].repeat(2, 0).repeat(2, 1))
    assert (grid[8] == 128).all() and (grid[9:, 26:] == 128).all()
    assert images.grid_image(batch(n=9), gap=0).size == (18, 12)
    with pytest.raises(ValueError, match="at least one"):
        images.grid_image(batch(n=0))


def test_an_archive_holds_the_files_and_is_reproducible():
    files = {"a.png": b"one", "b.png": b"two"}
    data = images.zip_bytes(files)
    assert data == images.zip_bytes(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_an_animation_plays_every_frame_in_time(format):
    frames = batch(n=6, c=1)
    data = images.animation_bytes(frames, fps=10, format=format, scale=2, hold=0.5)
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.format == format.upper() and animation.n_frames == 6
        assert animation.info["loop"] == 0
        durations = []
        for i in range(6):
            animation.seek(i)
            shown = np.asarray(animation.convert("L"))
            durations.append(animation.info["duration"])
            np.testing.assert_array_equal(shown, frames[i, 0].repeat(2, 0).repeat(2, 1))
    assert durations == [100] * 5 + [600]


@pytest.mark.parametrize("wrong", [{"format": "mp4"}, {"fps": 0}, {"frames": []}])
def test_an_impossible_animation_is_refused(wrong):
    arguments = {"frames": batch(), "fps": 10, **wrong}
    with pytest.raises(ValueError):
        images.animation_bytes(**arguments)


@pytest.mark.slow
def test_importing_the_gate_is_light():
    code = (
        "import sys, explorer; before = set(sys.modules); import explorer.pictures.images; "
        "new = {m.partition('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - {'explorer'} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['numpy']")
