"""The second half of ``test_sweep``."""

from __future__ import annotations

from tests.explorer import sweep
from tests.explorer.test_sweep import house, nobody_elses, pytestmark, test_nothing_fails

__all__ = ["house", "nobody_elses", "pytestmark", "test_nothing_fails"]


def pytest_generate_tests(metafunc):
    sweep.cases(metafunc, 1)
