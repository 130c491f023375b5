"""The Train tab as a part of the page and of its server."""

from __future__ import annotations

import sys

import pytest

import explorer
from explorer.server.jobs import Limits
from explorer.tabs.train.mine import whose
from tests import toys
from tests.explorer.tabs.train.conftest import page


def test_a_server_without_training_has_no_such_tab(tmp_path):
    toys.write(tmp_path, "toy")
    off = explorer.Context.create(tmp_path, limits=Limits(jobs=0))
    explorer.build(off)
    assert "train" not in off.titles and "sample" in off.titles
    on = explorer.Context.create(tmp_path)
    explorer.build(on)
    assert "train" in on.titles


def test_a_page_that_was_away_too_long_begins_anew(context):
    visitor = whose(context, page("old"))
    assert whose(context, page("old")) is visitor


@pytest.mark.parametrize("option", ["--max-jobs=0", "--max-jobs=x", "--max-train-minutes=-1"])
def test_limits_on_the_command_line_are_checked(option, capsys):
    import app

    with pytest.raises(SystemExit) as end:
        app.arguments([option])
    assert end.value.code == 2 and "no whole number" in capsys.readouterr().err
    assert sys.modules["app"] is app
