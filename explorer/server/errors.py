"""Whose error it is: what our own code raised is written for people, a library's is not."""

from __future__ import annotations

import dis
from pathlib import Path

OURS = Path(__file__).parents[2]


def is_ours(error: BaseException) -> bool:
    """Whether a line of ours raised the error, rather than something that it called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return True
    code = trace.tb_frame.f_code
    file = Path(code.co_filename).resolve()
    raised = dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return raised and file.is_relative_to(OURS) and "site-packages" not in file.parts
