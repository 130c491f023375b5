"""Which cases of the contract wait for `make test`: those of recipes; `make check` has a family as
its defaults are, and with classes."""

from __future__ import annotations

import pytest

from models.training.recipe import recipe_names
from tests.contract import Case


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    of_recipes = set(recipe_names())
    for item in items:
        given = getattr(item, "callspec", None)
        values = given.params.values() if given else ()
        if any(isinstance(value, Case) and value.name in of_recipes for value in values):
            item.add_marker(pytest.mark.slow)
