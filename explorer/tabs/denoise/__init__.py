"""Denoising, slowed down: from noise to a picture, and from a picture to noise and back.

What the parts share (running a sampler, checking settings, laying pictures out) is in
``trajectory``.
"""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.server.abilities import few_steps
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


def candidates(context: Context, names: list[str]) -> list[str]:
    """The models, those last that go from noise to picture in a few jumps."""
    return sorted(names, key=lambda name: few_steps(context.store.header(name)))


def build(context: Context) -> None:
    build_parts(context, PARTS)
