"""Uploads that come to nothing leave nothing.

While files come, the framework writes them into files of made-up names. Where the connection is
cut, the disk is full, a name cannot be or nobody asked for a file, it leaves those where they are.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gradio import route_utils, routes

_parsers: ContextVar[list[_Parser]] = ContextVar("parsers of the uploads of a request")


class _Parser(route_utils.GradioMultiPartParser):
    """The framework's, known to the request that it works for."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _parsers.get([]).append(self)

    def remove_rest(self, wanted: list[str]) -> None:
        """Removes what it wrote and nobody took. wanted: files that have still to be moved."""
        for file in self._files_to_close_on_error:
            # What is in its buffer cannot be written where the disk is full.
            with contextlib.suppress(OSError):
                file.close()
            if file.name not in wanted:
                Path(file.name).unlink(missing_ok=True)
        for _, each in self.items:
            if isinstance(each, route_utils.GradioUploadFile):
                with contextlib.suppress(OSError):  # where something lies in it
                    (Path(self.upload_dir) / each.sha.hexdigest()).rmdir()


def leave_no_parts() -> None:
    """From now on what came of an upload is removed where it is not taken."""
    if route_utils.GradioMultiPartParser is _Parser:
        return
    upload = routes.upload_fn

    async def uploaded(*args: Any, **named: Any) -> tuple[list[str], list[str], list[str]]:
        parsers: list[_Parser] = []
        before, wanted = _parsers.set(parsers), []
        try:
            files, wanted, places = await upload(*args, **named)
            return files, wanted, places
        finally:
            _parsers.reset(before)
            for parser in parsers:
                parser.remove_rest(wanted)

    route_utils.GradioMultiPartParser = _Parser
    routes.upload_fn = uploaded
