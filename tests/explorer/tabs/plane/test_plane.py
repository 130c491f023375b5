"""What the tab Plane tells the browser, and a visitor's runs, without a browser."""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.page.context import Context
from explorer.server.jobs import Jobs, Limits
from explorer.server.visitors import Visitors
from explorer.tabs.plane import about, library, routes
from models.plane import METHODS
from models.plane.contract import build, method
from models.plane.data import DENSITIES

FAKE = (sys.executable, "-S", str(Path(__file__).parents[3] / "fake_worker.py"))
ME, OTHER = "a" * 32, "b" * 32
RING = {"set": "ring", "count": 100, "mixture": None}
KEY = "gaussian-mixture"


@pytest.fixture
def context(tmp_path):
    context = Context.create(tmp_path, device="cpu")
    context.visitors = Visitors(Jobs(Limits(jobs=1), command=FAKE))
    yield context
    context.visitors.close()


@pytest.fixture
def client(context):
    with TestClient(Starlette(routes=routes.of(context))) as client:
        yield client


def ask(client, path, status=200, **body):
    answer = client.post(f"/plane/{path}", json={"visitor": ME, **body})
    assert answer.status_code == status, answer.text
    return answer.json()


def begin(client, place="0", status=200, **changes):
    order = {"slot": place, "key": "k", "method": KEY, "config": {}, "seed": 0, "minutes": 0.5,
             "data": RING, **changes}  # fmt: skip
    return ask(client, "start", status, **order)


def follow(client, run, until, have=0, place="0", seconds=20):
    """All moments and the last news, until something holds of the news."""
    moments, end = [], time.monotonic() + seconds
    while True:
        news = ask(client, "news", have={place: [run, have, 0]})["runs"][place]
        moments += news["moments"]
        have = news["have"]
        if until(news):
            return moments, news
        assert time.monotonic() < end, news


# -- what is fetched ------------------------------------------------------------------------------


def test_scripts_are_sent_once_for_ever_and_packed(client):
    answer = client.get("/plane/kit.js")
    assert "PLANE.open" in answer.text and answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    plain = client.get("/plane/kit.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == answer.text and "Content-Encoding" not in plain.headers
    assert "--plane-heat-model" in client.get("/plane/kit.css").text


def test_settings_are_those_of_the_methods():
    told = {one["key"]: one for one in about.of_methods()}
    assert list(told) == list(METHODS)
    for key, one in told.items():
        assert one["title"] == method(key).TITLE and one["paper"]
        values = {field["key"]: field["value"] for field in one["fields"]}
        assert all(field["help"] for field in one["fields"])
        assert build(key, values).config == build(key).config


def test_sets_have_pictures_and_the_mixture_is_the_one_that_is_trained_on():
    sets = about.of_sets()
    assert [one["key"] for one in sets] == list(DENSITIES)
    assert all(len(one["thumb"]) == 4 * about.THUMB**2 // 3 for one in sets)
    rows = about.mixture()
    again = DENSITIES["mixture"]([r[:2] for r in rows], [r[2] for r in rows], [r[3] for r in rows])
    assert again.means.allclose(DENSITIES["mixture"]().means, atol=1e-3)


def test_lessons_name_what_there_is():
    script = library.script()
    keys = [lesson["key"] for lesson in library.lessons()]
    assert len(keys) == len(set(keys)) == 6
    for lesson in library.lessons():
        assert lesson["set"] in {*DENSITIES, "own"} and 1 <= len(lesson["methods"]) <= 4
        for each in (*lesson["layers"], *map(lesson.get, ("surface", "beside"))):
            assert each is None or each in script, each
        assert lesson["title"] and lesson["question"] and lesson["see"]
        assert 0 <= lesson.get("answer", 0) < max(1, len(lesson.get("choices", [])))
        assert set(lesson.get("settings", {})) <= set(lesson["methods"])


def test_the_truth_of_a_set_is_the_same_bytes_for_all(client, context):
    answers = [client.get("/plane/truth/ring") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert context.ask.cache.get(("plane", "truth ring")) is not None
    assert gzip.decompress(context.ask.cache.get(("plane", "truth ring"))) == answers[0].content
    unknown = client.get("/plane/truth/nothing")
    assert unknown.status_code == 404 and unknown.json()["problem"].startswith("There is no set")


@pytest.mark.parametrize("kind", about.CODE)
def test_the_code_beside_the_planes_runs(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("points.csv", np.random.default_rng(0).normal(size=(80, 2)), delimiter=",")
    code = about.CODE[kind].replace("< 10", "< 0.1")
    for word, value in {"SET": "ring", "COUNT": "100", "METHOD": "gaussian-mixture", "SEED": "3",
                        "CONFIG": '{"components": 2}', "MEANS": "[[0, 1]]", "WIDTHS": "[0.5]",
                        "WEIGHTS": "[1]"}.items():  # fmt: skip
        code = code.replace(word, value)
    space: dict[str, object] = {}
    exec(compile(code, "code", "exec"), space)
    assert space["samples"].shape == (400, 2)


# -- runs -----------------------------------------------------------------------------------------


def test_a_run_is_followed_to_its_end_and_its_process_serves_the_next(client, context):
    run = begin(client)["run"]
    moments, news = follow(client, run, lambda news: news["state"] == "ended")
    assert moments == ["1", "2", "3", "4", "5"] and not news["problem"]
    assert news["words"] == "Done: 5 steps."
    pool = context.visitors.pools["plane"]
    first = pool._idle[0].pid
    again = begin(client)["run"]
    assert again != run
    follow(client, again, lambda news: news["state"] == "ended")
    assert pool._idle[0].pid == first


def test_a_run_is_paused_stepped_tuned_and_stopped(client):
    run = begin(client, config={"steps": 10_000, "seconds": 0.01})["run"]
    _, news = follow(client, run, lambda news: news["have"] >= 2)
    ask(client, "order", slot="0", run=run, do="pause")
    _, news = follow(client, run, lambda news: news["state"] == "paused")
    before = news["have"]
    ask(client, "order", slot="0", run=run, do="step")
    moments, news = follow(client, run, lambda news: news["have"] > before, before)
    assert len(moments) == 1 and news["state"] == "paused"
    ask(client, "order", slot="0", run=run, do="tune", values={"learning_rate": 0.1})
    ask(client, "order", slot="0", run=run, do="go")
    _, news = follow(client, run, lambda news: "0.1" in news["note"], news["have"])
    ask(client, "order", slot="0", run=run, do="stop")
    _, news = follow(client, run, lambda news: news["state"] == "ended", news["have"])
    assert news["words"].startswith("Stopped at step") and not news["problem"]


def test_the_truth_is_told_once_and_once_more_with_the_field(client):
    run = begin(client)["run"]
    _, news = follow(client, run, lambda news: news["state"] == "ended")
    assert (news["truth"], news["told"]) == ("truth and field", 2)
    for told, truth in ((0, "truth and field"), (1, "truth and field"), (2, "")):
        news = ask(client, "news", have={"0": [run, 5, told]})["runs"]["0"]
        assert (news["truth"], news["told"]) == (truth, 2)


def test_a_run_that_fails_says_why(client):
    run = begin(client, config={"ends": "failed"})["run"]
    _, news = follow(client, run, lambda news: news["state"] == "ended")
    assert news["problem"] and news["words"].startswith("The loss is no number any more.")


def test_a_page_loaded_anew_finds_its_runs_and_nobody_else_does(client):
    run = begin(client, config={"steps": 10_000, "seconds": 0.01})["run"]
    assert ask(client, "mine")["runs"]["0"]["run"] == run
    assert ask(client, "mine", visitor=OTHER)["runs"] == {}
    told = ask(client, "order", 400, visitor=OTHER, slot="0", run=run, do="stop")
    assert told["problem"] == "That run is not here any more."


def test_another_run_in_its_place_ends_the_first(client, context):
    first = begin(client, config={"steps": 10_000, "seconds": 0.01})["run"]
    follow(client, first, lambda news: news["have"] >= 1)
    second = begin(client)["run"]
    follow(client, second, lambda news: news["state"] == "ended")
    assert ask(client, "news", have={"0": [first, 0, 0]})["runs"]["0"]["state"] == "ended"


BAD_POINTS = {
    "none": ([], "no points yet"),
    "one": ([[0, 0]], "One point is no distribution"),
    "few": ([[k / 9, 0] for k in range(20)], "too few"),
    "all in one place": ([[1, 1]] * 80, "in one place"),
    "too many": ([[k % 7 / 7, k % 5 / 5] for k in range(5001)], "5,000 are the most"),
    "outside": ([[k / 9, 0] for k in range(60)], "outside the plane"),
    "words": ([["a", "b"]] * 60, "two numbers"),
    "ragged": ([[1, 2], [1]] * 40, "two numbers"),
    "infinite": ([[1e400, 0]] + [[k / 60, 0] for k in range(60)], "no number"),
}


@pytest.mark.parametrize("what", BAD_POINTS)
def test_bad_points_get_one_sentence(client, what):
    points, words = BAD_POINTS[what]
    body = {"visitor": ME, "slot": "0", "key": "k", "method": KEY, "config": {}, "seed": 0,
            "minutes": 1, "data": {"points": points}}  # fmt: skip
    answer = client.post("/plane/start", content=json.dumps(body))
    problem = answer.json()["problem"]
    assert answer.status_code == 400 and words in problem
    assert problem.endswith(".") and "\n" not in problem


@pytest.mark.parametrize("changes", [
    {"slot": "9"}, {"slot": None}, {"data": None}, {"data": {"set": "nothing", "count": 100}},
    {"data": {"set": "ring", "count": 10}}, {"data": {"set": "ring", "count": "many"}},
    {"config": {"a": [1]}}, {"config": 7}, {"seed": "x"}, {"minutes": None}, {"visitor": "me"},
    {"data": {"set": "mixture", "count": 100, "mixture": [[0, 0, 9, 1]]}},
    {"data": {"set": "mixture", "count": 100, "mixture": [[0, 0]]}},
])  # fmt: skip
def test_nonsense_gets_a_sentence(client, changes):
    problem = begin(client, changes.pop("slot", "0"), 400, **changes)["problem"]
    assert problem.endswith(".") and "foreseen" not in problem


def test_what_is_no_json_or_far_too_much_is_refused(client):
    for content in (b"", b"[1]", b"{" * 10, b'"' + b"x" * 500_000 + b'"'):
        answer = client.post("/plane/start", content=content)
        assert answer.status_code == 400 and answer.json()["problem"].endswith(".")


def test_where_training_is_switched_off_nothing_begins(tmp_path):
    context = Context.create(tmp_path, device="cpu", limits=Limits(jobs=0))
    with TestClient(Starlette(routes=routes.of(context))) as client:
        assert "switched off" in begin(client, status=400)["problem"]
