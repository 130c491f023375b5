"""A picture of a moment: the density as a shade, points to learn from, samples."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from models.plane.contract import BOX
from models.plane.data import Dataset
from models.plane.film import Moment

SIDE, SHADE, POINT, SAMPLE = 640, (70, 90, 200), (150, 150, 150), (210, 60, 40)


def picture(moment: Moment, data: Dataset) -> Image.Image:
    """(SIDE x SIDE) x1 to the right, x2 upwards; samples red, points to learn from grey."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    if "log_density" in moment.arrays:
        density = np.exp(moment.arrays["log_density"][::-1])
        share = np.sqrt(density / density.max())[..., None]
        shades = (255 + share * (np.array(SHADE) - 255)).astype(np.uint8)
        image.paste(Image.fromarray(shades).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    draw = ImageDraw.Draw(image)
    scale = SIDE / (BOX[1] - BOX[0])
    for points, colour in ((data.points.numpy()[:1000], POINT), (moment.arrays["samples"], SAMPLE)):
        for x, y in points.tolist():
            across, down = (x - BOX[0]) * scale, (BOX[1] - y) * scale
            draw.ellipse((across - 2, down - 2, across + 2, down + 2), fill=colour)
    return image
