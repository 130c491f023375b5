"""The Score tab of a model that knows its energies and no likelihood."""

from __future__ import annotations

import pytest

import explorer
from explorer.components.verdict.verdict import ALARM
from explorer.page.examples import examples
from explorer.page.part import Asked, settled
from explorer.tabs import score
from explorer.tabs.score import beside, many, one, scored
from tests import toys

ONE = Asked(
    source="sample", choice=0, pad=None, score=None, seed=0, threshold="0.05~noise", there=False
)
MANY = Asked(files=None, polarity="auto", score=None, alarm=5, seed=0)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_energy(folder, "deep")
    toys.write_writer(folder, "writer")
    return explorer.Context.create(folder, device="cpu")


def test_it_is_offered_with_its_energy(context):
    assert set(context.store.having(set(score.NEEDS))) == {"deep", "writer"}
    assert scored.offered(context, "deep") == ("energy",)
    seen = settled(one.show(context, "deep", ONE))
    assert seen.there and seen.verdict["title"] == "Energy"
    scope: dict = {}
    exec(seen.code, scope)
    assert seen.verdict["value"] == pytest.approx(scope["strangeness"], rel=1e-4)


def test_likelihoods_beside_it_are_those_of_others(context):
    picture = examples(context, "deep")[0]
    *_, last = beside.table(context, "deep", picture, 0, ALARM)
    assert [row["cells"][0][0] for row in last["table"]["rows"]] == ["Writer"]
    rows = beside.rows_for_file(context, "deep", picture, 0, ALARM)
    first = rows[0]
    assert (first["model"], first["score"], first["kind"]) == ("deep", "energy", "")
    assert {row["model"] for row in rows} == {"deep", "writer"}


def test_many_pictures_are_scored_by_it(context):
    table = settled(many.show(context, "deep", MANY)).table
    assert table["columns"][-1]["name"] == "Energy, nats"
