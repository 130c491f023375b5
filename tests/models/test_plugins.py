"""What somebody adds from outside is found by the command line: a family, a score."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image

import models.__main__ as cli
from models.scores import registry
from tests import plugin


@pytest.fixture
def trained(tmp_path, monkeypatch, alone):
    plugin.install(tmp_path, monkeypatch)
    out = tmp_path / "runs" / "mine"
    arguments = ["train", str(plugin.write(tmp_path)), "--out", str(out), "--device", "cpu"]
    assert cli.main([*arguments, "--quiet"]) == 0
    return out


def test_a_family_of_somebody_elses_is_trained_listed_and_sampled(trained, tmp_path, capsys):
    capsys.readouterr()
    assert cli.main(["list", "--checkpoints", str(trained.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["checkpoints"]
    assert row["family"] == plugin.NAME and "Samples" in row["capabilities"]
    picture = tmp_path / "grid.png"
    asked = ["sample", str(trained), "--n", "4", "--out", str(picture), "--device", "cpu"]
    assert cli.main(asked) == 0
    with Image.open(picture) as image:
        assert image.width >= 16


def darkness(evidence):
    """A score of somebody else's: how dark a picture is."""
    return registry.Scored(-evidence.x.flatten(1).mean(1))


def test_a_score_of_somebody_elses_is_one_line_of_the_table(tmp_path, monkeypatch, capsys):
    from models.scores.scores import applicable
    from tests import toys

    like = registry.SCORES["likelihood"]
    dark = replace(like, title="Darkness", fn=f"{__name__}:darkness", can=lambda model: True)
    monkeypatch.setitem(registry.SCORES, "darkness", dark)
    folder = toys.write_writer(tmp_path, "writer")
    from models.checkpoints import weights

    assert "darkness" in applicable(weights.load(folder))
    Image.new("L", (8, 8), 51).save(tmp_path / "grey.png")
    capsys.readouterr()
    asked = ["score", str(folder), str(tmp_path / "grey.png"), "--by", "darkness", "--json"]
    assert cli.main([*asked, "--device", "cpu"]) == 0
    assert "darkness" in capsys.readouterr().out
