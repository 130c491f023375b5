"""Controls for files leave none behind.

Of each file that an event takes along, Gradio makes another, empty one in the folder of uploads and
never removes it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.utils import NamedString


def leave_no_files() -> None:
    """From now on a control hands on the path of what was uploaded, and makes no file."""
    gr.File._process_single_file = _path


def _path(control: gr.File, file: Any) -> NamedString:
    return NamedString(file.path)
