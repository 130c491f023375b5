"""Denoising, slowed down: from noise to a picture, and from a picture to noise and back."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.denoising import compare, fill_in, from_picture, schedule, through_noise, watch

TITLE = "Denoise"
NEEDS = {"Samples", "Denoises"}

PARTS = (watch, from_picture, schedule, compare, through_noise, fill_in)


def build(context: Context) -> None:
    build_parts(context, PARTS)
