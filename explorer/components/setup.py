"""Settings that reach a script as a constant, and the inks that figures share."""

from __future__ import annotations

import json
from typing import Any

from explorer.components import source

# Inks of the sets that are not the model's own: unlike the accent, which the picture's mark has.
INKS = ("#3f90da", "#832db6", "#2e9e75", "#b9ac70", "#a96b59", "#92dadd", "#717581", "#d65f8d")


def with_setup(script: str, setup: dict[str, Any]) -> str:
    """A component's script with its settings as ``SETUP``: props were seen not to arrive where the
    component stands in a column that is shown later."""
    return f"const SETUP = {json.dumps(setup)};\n{source(script)}"
