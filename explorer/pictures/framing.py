"""How pictures are framed for a model: ``models.data.framing``, which the command line shares."""

from __future__ import annotations

from models.data.framing import POLARITIES, Prepared, plain, prepare

__all__ = ["POLARITIES", "Prepared", "plain", "prepare"]
