"""Foreign pictures framed by the conventions of the data sets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from explorer.pictures.images import open_upload, prepare
from tests.pictures import MNIST, drawing, encoded, likeness, seven, shaded


def mnist_like():
    """A picture as MNIST has them, with a different level in almost every pixel of its digit."""
    levels = np.rint(seven() * np.linspace(150, 255, 28)[:, None]).astype(np.uint8)
    assert 30 < (levels > 0).sum() < 400
    return levels


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("times", [1, 10])
def test_a_picture_in_the_convention_comes_through_bit_for_bit(format, mode, times):
    levels = mnist_like()
    large = Image.fromarray(levels.repeat(times, 0).repeat(times, 1)).convert(mode)
    prepared = prepare(open_upload(encoded(large, format)), MNIST, "mnist")
    np.testing.assert_array_equal(prepared.pixels[0], levels.astype(np.float32) / np.float32(255))
    assert prepared.polarity == "kept"


@pytest.mark.parametrize("convention", ["mnist", "fashion-mnist"])
def test_a_negative_of_the_right_size_is_only_inverted(convention):
    levels = mnist_like()
    prepared = prepare(Image.fromarray(255 - levels), MNIST, convention)
    assert prepared.polarity == "inverted" and "Inverted" in prepared.note
    np.testing.assert_allclose(prepared.pixels[0], levels / 255, atol=1e-6)


def test_scikit_learns_digits_come_through_and_are_recognised_when_enlarged():
    scans = load_digits().images[:40]
    like = []
    for scan in scans:
        levels = np.rint(scan * 255 / 16).astype(np.uint8)
        exact = prepare(Image.fromarray(levels), (1, 8, 8), "digits")
        np.testing.assert_array_equal(exact.pixels[0], levels.astype(np.float32) / np.float32(255))
        # On paper: smooth, dark on light, with a margin.
        large = Image.fromarray(255 - levels).resize((160, 160), Image.Resampling.BICUBIC)
        paper = Image.new("L", (260, 300), 255)
        paper.paste(large, (40, 90))
        back = prepare(paper, (1, 8, 8), "digits")
        assert back.polarity == "inverted"
        assert np.isin(back.pixels * 16, np.arange(17)).all()
        like.append(likeness(back.pixels, levels))
    assert np.median(like) > 0.9


def test_a_letter_is_white_on_black_for_omniglot():
    prepared = prepare(drawing(), MNIST, "omniglot-small")
    np.testing.assert_array_equal(prepared.pixels[0], seven())
    assert "Omniglot" in prepared.note and "MNIST" not in prepared.note


def test_an_mnist_digit_is_in_its_box_with_its_aspect_kept():
    wide = Image.new("L", (500, 300), 255)
    ImageDraw.Draw(wide).rectangle([100, 100, 399, 174], fill=0)
    pixels = prepare(wide, MNIST, "mnist").pixels[0]
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    assert (len(rows), len(columns)) == (5, 20)
    assert (rows[0], columns[0]) in ((11, 4), (12, 4))


def test_a_thin_pen_on_a_large_sheet_stays_as_strong_as_a_thick_one():
    thin = prepare(drawing((1000, 1000), width=4), MNIST, "mnist")
    assert "thickened" in thin.note
    normal = prepare(drawing((1000, 1000), width=67), MNIST, "mnist")
    assert "thickened" not in normal.note
    assert 0.85 < thin.pixels.sum() / normal.pixels.sum() < 1.15
    assert thin.pixels.max() > 0.95


def test_a_sheet_on_a_dark_table_gives_the_drawing_not_the_sheet():
    table = Image.new("L", (700, 700), 50)
    table.paste(shaded(drawing((500, 500), ink=30, paper=235, width=58)), (90, 110))
    prepared = prepare(table, MNIST, "mnist")
    assert "sheet" in prepared.note and prepared.polarity == "inverted"
    assert likeness(prepared.pixels, seven()) > 0.93


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("convention", ["mnist", "digits", "fashion-mnist"])
@pytest.mark.parametrize("size", [(200, 200), (1, 1), (3, 2), (300, 3)])
def test_blank_pictures_are_black_and_said_to_be_blank(level, convention, size):
    prepared = prepare(Image.new("L", size, level), MNIST, convention)
    assert prepared.pixels.shape == MNIST and not prepared.pixels.any()
    assert "nothing is drawn" in prepared.note.lower()


@pytest.mark.parametrize("convention", ["mnist", "digits", "fashion-mnist", "shapes", "unheard-of"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (3, 28, 20)])
@pytest.mark.parametrize("size", [(1, 1), (2, 90), (90, 2), (31, 33), (28, 28), (400, 260)])
def test_any_picture_gives_finite_pixels_of_the_models_shape(convention, shape, size):
    levels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for polarity in ("auto", "keep", "invert"):
        prepared = prepare(levels, shape, convention, polarity)
        assert prepared.pixels.shape == shape and prepared.pixels.dtype == np.float32
        assert np.isfinite(prepared.pixels).all()
        assert prepared.pixels.min() >= 0 and prepared.pixels.max() <= 1


def test_polarity_can_be_overruled():
    dark = drawing()
    assert prepare(dark, MNIST, "mnist", "keep").pixels[0, 0, 0] == 1
    np.testing.assert_array_equal(
        prepare(dark, MNIST, "mnist", "invert").pixels, prepare(dark, MNIST, "mnist").pixels
    )
    levels = mnist_like()
    inverted = prepare(levels, MNIST, "mnist", "invert")
    np.testing.assert_allclose(inverted.pixels[0], 1 - levels / 255, atol=1e-6)
    assert inverted.polarity == "inverted"
    with pytest.raises(ValueError, match="auto, keep, invert"):
        prepare(dark, MNIST, "mnist", "sideways")


def test_a_garment_fills_its_frame_and_lies_on_black():
    shop = Image.new("L", (400, 600), 235)
    ImageDraw.Draw(shop).rectangle([150, 100, 249, 499], fill=90)
    prepared = prepare(shop, MNIST, "fashion-mnist")
    pixels = prepared.pixels[0]
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    assert (rows[0], rows[-1]) == (0, 27) and len(columns) == 7
    assert columns[0] + columns[-1] in (26, 27, 28)
    assert prepared.polarity == "inverted"
    # A shirt of level 90 on a wall of level 235 is (235 - 90) / 235 on black.
    assert np.median(pixels[pixels > 0]) == pytest.approx(145 / 235, abs=0.02)
    white_on_black = prepare(Image.fromarray(255 - np.asarray(shop)), MNIST, "fashion-mnist")
    assert white_on_black.polarity == "kept"
    np.testing.assert_allclose(white_on_black.pixels, prepared.pixels, atol=0.01)


def test_a_colour_photograph_is_cut_to_its_middle():
    photo = np.zeros((100, 300, 3), np.uint8)
    photo[:, 100:200] = (200, 100, 50)
    prepared = prepare(photo, (3, 32, 32), "cifar-10")
    want = np.array([200, 100, 50]) / 255
    np.testing.assert_allclose(prepared.pixels[:, 4:-4, 4:-4].mean((1, 2)), want, atol=0.01)
    grey = prepare(drawing(), (3, 32, 32), "shapes").pixels
    assert (grey[0] == grey[1]).all() and (grey[0] == grey[2]).all()
