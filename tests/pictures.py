"""Pictures that the tests draw: one seven, in many disguises."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from explorer.pictures.images import prepare

MNIST = (1, 28, 28)


def drawing(size=(120, 120), ink=0, paper=255, mode="L", width=14):
    """A seven, in the upper left so that centring has something to do."""
    picture = Image.new(mode, size, paper)
    x, y = size[0] / 12, size[1] / 12
    line = [(2 * x, 2 * y), (7 * x, 2 * y), (4 * x, 9 * y)]
    ImageDraw.Draw(picture).line(line, fill=ink, width=width, joint="curve")
    return picture


def encoded(picture, format="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def seven():
    """What any drawing of the seven must become: (28, 28), from a clean large one."""
    return prepare(drawing(), MNIST, "mnist").pixels[0]


def likeness(a, b):
    """Correlation of two pictures, 1 for the same and 0 for unrelated ones."""
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def centre_of_mass(pixels):
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    return float((pixels * y).sum() / pixels.sum()), float((pixels * x).sum() / pixels.sum())


def shaded(picture, noise=3.0):
    """A photograph of it: a lamp on the right, and a camera's noise."""
    levels = np.asarray(picture, np.float64)
    lamp = np.linspace(0.45, 1, levels.shape[1])[None, :]
    grain = np.random.default_rng(0).normal(0, noise, levels.shape)
    return Image.fromarray(np.clip(levels * lamp + grain, 0, 255).astype(np.uint8))
