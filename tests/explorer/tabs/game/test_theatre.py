"""The first part of the Game tab, without a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import Asked, settled
from explorer.tabs import game
from explorer.tabs.game import moments, theatre
from models.checkpoints.snapshots import (
    MEASURED,
    SNAPSHOTS,
    Snapshot,
    read_measured,
    read_snapshots,
)
from tests import toys
from tests.conftest import at_moment
from tests.denoising import pictures
from tests.games import write_games

ASKED = Asked(other=theatre.AUTO, count=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits) -> Path:
    root = write_games(tmp_path_factory.mktemp("games"), digits)
    toys.write(root, "toy", image=(1, 8, 8), data="digits")
    return root


@pytest.fixture(scope="module")
def context(folder) -> explorer.Context:
    return explorer.Context.create(folder, device="cpu")


def shown(context, name, **changes):
    return settled(theatre.show(context, name, ASKED.but(**changes)))


def test_it_offers_what_has_a_discriminator(context):
    assert set(context.store.having(set(game.NEEDS))) == {"healthy", "failing", "bare"}
    assert moments.others(context, "healthy") == ["failing"], "the others kept nothing"
    assert moments.most_different(context, "failing") == "healthy"
    assert moments.most_different(context, "toy") in ("healthy", "failing")


def test_the_same_codes_are_shown_at_every_snapshot(context, folder):
    final = shown(context, "healthy")
    film, status = final.film, final.status
    mine, theirs = film["rows"]
    assert (mine["name"], theirs["name"]) == ("Healthy", "Failing") and not film["running"]
    drawn, kept = pictures(mine["sprite"]), read_snapshots(folder / "healthy")
    assert len(drawn) == len(pictures(theirs["sprite"])) == 3
    for k, snapshot in enumerate(kept):
        made = at_moment(folder / "healthy", k).snapshot_pictures()
        made = (made * 255).round().byte().numpy()
        step = 8 + theatre.GAP
        for place in (0, 5):
            y, x = place // 4 * step, place % 4 * step
            assert np.array_equal(drawn[k][:, y : y + 8, x : x + 8], made[place])
        sigma = torch.sigmoid(torch.tensor(snapshot.remarks["verdicts"][:16]))
        assert mine["marks"]["values"][k] == pytest.approx(sigma.tolist(), abs=1e-3)
    assert mine["captions"] == [
        "step 2 of 6", "step 4 of 6", "step 6, its last",
    ]  # fmt: skip
    # The other run stood nearest at its steps 2 and 4, and was over by then.
    assert [c.split()[1] for c in theirs["captions"]] == ["2", "4,", "4,"]
    assert status["kind"] == "plain" and "3 snapshots of Healthy" in status["text"]


def test_curves_and_bars_are_what_was_measured_at_those_frames(context, folder):
    final = shown(context, "healthy")
    bars, curves = final.bars, final.curves
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
    found = moments.realness(snapshot, False)
    assert found[:4].tolist() == [0, 0.5, 1, 1]
    assert moments.realness(snapshot, True)[1] == 0.5
    none = Snapshot(1, 1, 0.1, logs, Path("x"))
    assert moments.realness(none, True) is None


def test_runs_stand_side_by_side_at_the_same_step():
    def run(*steps):
        return [Snapshot(step, steps[-1], 0.0, {}, Path("x")) for step in steps]

    assert moments.beside(run(1, 10, 100, 1000), run(9, 30, 100)) == [0, 0, 2, 2]
    assert moments.beside(run(5), run(1, 4, 16)) == [1]


def test_a_class_is_found_only_where_the_judge_is_sure(context, folder):
    for run, name in zip(
        shown(context, "healthy").bars["runs"], ("healthy", "failing"), strict=True
    ):
        measured = read_measured(folder / name)
        assert set(map(tuple, run["sure"])) <= set(measured.sure) and "above 0.9" in run["found"]
        for read, sure in zip(run["read"], run["sure"], strict=True):
            assert all(b <= a for a, b in zip(read, sure, strict=True))


def test_alone_or_beside_one_that_was_chosen(context):
    final = shown(context, "healthy", other=theatre.NONE)
    assert len(final.film["rows"]) == len(final.bars["runs"]) == 1
    assert "failing" not in final.code
    film = shown(context, "failing", other="healthy").film
    assert [row["name"] for row in film["rows"]] == ["Failing", "Healthy"]
    update = settled(theatre.arrive(context, "healthy", ASKED.but(other="gone"))).other
    assert update.value == theatre.AUTO and ("Failing", "failing") in update.choices
    assert update.visible


def test_of_a_training_that_was_not_kept_there_are_its_pictures_and_verdicts(context):
    final = settled(theatre.arrive(context, "bare", ASKED))
    [row] = final.film["rows"]
    model = context.store.get("bare")
    made = (model.snapshot_pictures() * 255).round().byte().numpy()
    [sheet] = pictures(row["sprite"])
    step = 8 + theatre.GAP
    for place in (0, 5):
        y, x = place // 4 * step, place % 4 * step
        assert np.array_equal(sheet[:, y : y + 8, x : x + 8], made[place])
    sigma = torch.sigmoid(torch.tensor(model.snapshot_remarks(model)["verdicts"][:16]))
    assert row["marks"]["values"][0] == pytest.approx(sigma.tolist(), abs=1e-3)
    text = final.status["text"]
    assert final.status["kind"] == "plain" and text.endswith("There is one of: Failing; Healthy.")
    assert "python" not in text and final.bars["runs"] == [] and not final.other.visible
    scope: dict = {}
    exec(final.code, scope)
    assert np.allclose(scope["images"].numpy() * 255, made, atol=0.51)
    assert len(scope["verdicts"]) == 64
    file = theatre.save(context, "bare", ASKED, "webp")
    assert file["name"] == "bare-game.webp" and len(file["b64"]) > 200


def test_what_is_missing_is_said(context, folder, tmp_path):
    with pytest.raises(ValueError, match="16, 25, 36 or 64 pictures"):
        shown(context, "healthy", count=17)

    root = tmp_path / "models"
    for name in ("healthy", "failing"):
        shutil.copytree(folder / name, root / name)
    (root / "healthy" / SNAPSHOTS / MEASURED).unlink()
    (root / "failing" / SNAPSHOTS / MEASURED).write_text("{}", "utf-8")
    alone = explorer.Context.create(root, device="cpu")
    final = shown(alone, "healthy")
    assert len(final.film["rows"]) == 2 and final.status["kind"] == "plain"
    notes = [run["note"] for run in final.bars["runs"]]
    assert "not measured" in notes[0] and "damaged" in notes[1]
    assert not any("python" in note for note in notes)
    assert "Recall" not in [plot["title"] for plot in final.curves["plots"]]
    file = next((root / "healthy" / SNAPSHOTS).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-50])
    broken = explorer.Context.create(root, device="cpu")
    with pytest.raises(ValueError, match="damaged"):
        shown(broken, "healthy")


def test_drawing_leaves_the_model_as_it_is(context):
    model = context.store.get("healthy")
    before = model.snapshot_pictures()
    list(moments.reels(explorer.Context(context.store), "healthy"))
    assert torch.equal(model.snapshot_pictures(), before)


def test_the_code_shown_runs_and_gives_the_same(context, capsys):
    final = shown(context, "healthy")
    scope: dict = {}
    exec(final.code, scope)
    name = next(name for name in scope["films"] if name.endswith("healthy"))
    last = (scope["films"][name][-1][0] * 255).round().byte().numpy()
    assert np.array_equal(pictures(final.film["rows"][0]["sprite"])[-1][:, :8, :8], last)
    assert "generator_loss" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["webp", "gif", "png"])
def test_the_film_can_be_taken_away(context, kind):
    file = theatre.save(context, "healthy", ASKED, kind)
    assert file["name"] == f"healthy-game.{kind}" and len(file["b64"]) > 500
