"""Denoising, slowed down: from noise to a picture, and from a picture to noise and back."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.denoising import compare, from_picture, schedule, watch

TITLE = "Denoise"
NEEDS = {"Samples", "Denoises"}

PARTS = (watch, from_picture, schedule, compare)


def build(context: Context) -> None:
    build_parts(context, PARTS)
