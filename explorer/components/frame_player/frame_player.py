"""A player of small frames that came once: play, pause, step, scrub, loop, with no request."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def frame_player(
    value: dict[str, Any] | None = None,
    *,
    label: str = "Animation",
    room: int = 280,
    fps: int = 16,
    bounce: bool = False,
    autoplay: bool = False,
) -> gr.HTML:
    """Plays a sprite. Value: a sprite, with ``"captions"`` (a text a frame) where they are wanted.

    room: the largest size on screen, in CSS pixels. bounce: play there and back, for loops without
    a jump. Space plays and pauses, left and right step. The value stays in the browser.
    """
    return component(
        "frame_player", value, label=label, room=room, fps=fps, bounce=bounce, autoplay=autoplay
    )
