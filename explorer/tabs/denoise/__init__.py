"""Denoising, slowed down: from noise to a picture, and from a picture to noise and back.

What the parts share (running a sampler, checking settings, laying pictures out) is in
``trajectory``.
"""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.denoise import (
    anagram,
    compare,
    fill_in,
    from_picture,
    schedule,
    through_noise,
    watch,
)

TITLE = "Denoise"
NEEDS = {"Samples", "Denoises"}

PARTS = (watch, from_picture, schedule, compare, through_noise, fill_in, anagram)


def build(context: Context) -> None:
    build_parts(context, PARTS)
