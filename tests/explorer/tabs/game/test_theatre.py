"""The first part of the Game tab, without a page."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import explorer
from explorer.tabs import game
from explorer.tabs.game import moments, theatre
from models.checkpoints.snapshots import (
    MEASURED,
    SNAPSHOTS,
    Snapshot,
    load_snapshot,
    read_measured,
    read_snapshots,
)
from tests import toys
from tests.denoising import merged, pictures
from tests.games import write_games

WISH = (theatre.AUTO, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits) -> Path:
    root = write_games(tmp_path_factory.mktemp("games"), digits)
    toys.write(root, "toy", image=(1, 8, 8), data="digits")
    return root


@pytest.fixture(scope="module")
def context(folder) -> explorer.Context:
    return explorer.Context.create(folder, device="cpu")


def test_it_offers_what_has_a_discriminator(context):
    assert set(context.store.having(set(game.NEEDS))) == {"healthy", "failing", "bare"}
    assert moments.others(context, "healthy") == ["failing"], "the others kept nothing"
    assert moments.most_different(context, "failing") == "healthy"
    assert moments.most_different(context, "toy") in ("healthy", "failing")


def test_the_same_codes_are_shown_at_every_snapshot(context, folder):
    film, _, _, status, _ = merged(theatre.show(context, "healthy", *WISH))
    mine, theirs = film["rows"]
    assert (mine["name"], theirs["name"]) == ("Healthy", "Failing") and not film["running"]
    shown, kept = pictures(mine["sprite"]), read_snapshots(folder / "healthy")
    assert len(shown) == len(pictures(theirs["sprite"])) == 3
    for k, snapshot in enumerate(kept):
        made = load_snapshot(folder / "healthy", k).snapshot_pictures()
        made = (made * 255).round().byte().numpy()
        step = 8 + theatre.GAP
        for place in (0, 5):
            y, x = place // 4 * step, place % 4 * step
            assert np.array_equal(shown[k][:, y : y + 8, x : x + 8], made[place])
        sigma = torch.sigmoid(torch.tensor(snapshot.remarks["verdicts"][:16]))
        assert mine["marks"]["values"][k] == pytest.approx(sigma.tolist(), abs=1e-3)
    assert mine["captions"] == [
        "step 2 of 6", "step 4 of 6", "step 6, its last",
    ]  # fmt: skip
    # The other run stood nearest at its steps 2 and 4, and was over by then.
    assert [c.split()[1] for c in theirs["captions"]] == ["2", "4,", "4,"]
    assert status["kind"] == "plain" and "3 snapshots of Healthy" in status["text"]


def test_curves_and_bars_are_what_was_measured_at_those_frames(context, folder):
    _, bars, curves, _, _ = merged(theatre.show(context, "healthy", *WISH))
    mine, theirs = (read_measured(folder / name) for name in ("healthy", "failing"))
    plots = {plot["title"]: plot for plot in curves["plots"]}
    assert all(plot["x"] == [2, 4, 6] for plot in plots.values())
    own, other = plots["Recall"]["lines"]
    assert own["y"] == pytest.approx(list(mine.values["recall"]), rel=1e-4)
    assert other["y"] == pytest.approx([theirs.values["recall"][j] for j in (1, 3, 3)], rel=1e-4)
    losses = [s.logs["generator_loss"] for s in read_snapshots(folder / "healthy")]
    assert plots["Generator’s loss"]["lines"][0]["y"] == pytest.approx(losses, rel=1e-4)
    assert bars["runs"][0]["read"] == list(mine.read)
    assert bars["runs"][1]["sure"] == [theirs.sure[j] for j in (1, 3, 3)]
    assert bars["runs"][0]["least"] == 1 and bars["runs"][0]["n"] == 40


def test_a_verdict_without_a_probability_lies_between_the_means():
    verdicts = [-1.0, 0.0, 1.0, 3.0] * 16
    logs = {"made_verdict": -1.0, "real_verdict": 1.0}
    snapshot = Snapshot(1, 1, 0.1, logs, Path("x"), {"verdicts": verdicts})
    found = moments.realness(snapshot, SimpleNamespace(verdict_is_logit=False))
    assert found[:4].tolist() == [0, 0.5, 1, 1]
    assert moments.realness(snapshot, SimpleNamespace(verdict_is_logit=True))[1] == 0.5
    none = Snapshot(1, 1, 0.1, logs, Path("x"))
    assert moments.realness(none, SimpleNamespace(verdict_is_logit=True)) is None


def test_runs_stand_side_by_side_at_the_same_step():
    def run(*steps):
        return [Snapshot(step, steps[-1], 0.0, {}, Path("x")) for step in steps]

    assert moments.beside(run(1, 10, 100, 1000), run(9, 30, 100)) == [0, 0, 2, 2]
    assert moments.beside(run(5), run(1, 4, 16)) == [1]


def test_alone_or_beside_one_that_was_chosen(context):
    film, bars, _, _, code = merged(theatre.show(context, "healthy", theatre.NONE, 16))
    assert len(film["rows"]) == len(bars["runs"]) == 1 and "failing" not in code
    film, *_ = merged(theatre.show(context, "failing", "healthy", 16))
    assert [row["name"] for row in film["rows"]] == ["Failing", "Healthy"]
    *_, update = merged(theatre.arrive(context, "healthy", "gone", 16))
    assert update.value == theatre.AUTO and ("Failing", "failing") in update.choices


def test_what_is_missing_is_said(context, folder, tmp_path):
    film, *_, status, _ = merged(theatre.show(context, "bare", *WISH))
    assert film is None and status["kind"] == "problem"
    assert "no snapshots were kept" in status["text"] and "Healthy" in status["text"]
    *_, status, _ = merged(theatre.show(context, "healthy", theatre.AUTO, 17))
    assert "16, 25, 36 or 64 pictures" in status["text"]

    root = tmp_path / "models"
    for name in ("healthy", "failing"):
        shutil.copytree(folder / name, root / name)
    (root / "healthy" / SNAPSHOTS / MEASURED).unlink()
    (root / "failing" / SNAPSHOTS / MEASURED).write_text("{}", "utf-8")
    alone = explorer.Context.create(root, device="cpu")
    film, bars, curves, status, _ = merged(theatre.show(alone, "healthy", *WISH))
    assert len(film["rows"]) == 2 and status["kind"] == "plain"
    assert "evaluate" in bars["runs"][0]["note"] and "--only snapshots" in bars["runs"][0]["note"]
    assert "damaged" in bars["runs"][1]["note"]
    assert "Recall" not in [plot["title"] for plot in curves["plots"]]
    file = next((root / "healthy" / SNAPSHOTS).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-50])
    broken = explorer.Context.create(root, device="cpu")
    *_, status, _ = merged(theatre.show(broken, "healthy", *WISH))
    assert status["kind"] == "problem" and "damaged" in status["text"]


def test_the_code_shown_runs_and_gives_the_same(context, capsys):
    film, *_, code = merged(theatre.show(context, "healthy", *WISH))
    scope: dict = {}
    exec(code, scope)
    name = next(name for name in scope["films"] if name.endswith("healthy"))
    last = (scope["films"][name][-1][0] * 255).round().byte().numpy()
    assert np.array_equal(pictures(film["rows"][0]["sprite"])[-1][:, :8, :8], last)
    assert "generator_loss" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["webp", "gif", "png"])
def test_the_film_can_be_taken_away(context, kind):
    file, _ = theatre.save(context, kind, "healthy", *WISH)
    assert file["name"] == f"healthy-game.{kind}" and len(file["b64"]) > 500
    _, status = theatre.save(context, kind, "bare", *WISH)
    assert status["kind"] == "problem"
