"""Pictures as files that a program fetches: the newest few hundred, the older ones are removed."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

MOST = 256


class Files:
    """Files that were written for programs or came from them; the oldest go first."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._paths: OrderedDict[str, None] = OrderedDict()

    @property
    def folder(self) -> Path:
        """Where the server lets files be fetched from, and where uploads lie."""
        return Path(get_upload_folder())

    def png(self, picture: Any, name: str) -> dict[str, Any]:
        """A Pillow image as a PNG of this name, as the framework tells of files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix="picture-", dir=self.folder)) / name
        picture.save(path, "PNG")
        self.keep(path)
        return gr.FileData(path=str(path), orig_name=name, mime_type="image/png").model_dump()

    def keep(self, path: Path) -> None:
        """Has a file removed once there are too many newer ones."""
        with self._lock:
            self._paths.pop(str(path), None)
            self._paths[str(path)] = None
            old = [self._paths.popitem(last=False)[0] for _ in range(len(self._paths) - self.most)]
        for each in map(Path, old):
            each.unlink(missing_ok=True)
            if each.parent.name.startswith("picture-"):
                with contextlib.suppress(OSError):
                    each.parent.rmdir()
