"""Reading a tour's file: what it becomes, and a sentence for each fault."""

from __future__ import annotations

import pytest

from explorer.tours.records import address, read

TOUR = """
title = "A lesson"

[[station]]
title = "Two normals"
at = "?tab=ideas&ideas.lab=divergences&ideas.state=scene:curves;pm:0"
words = "See {kl:1}."
show = ["number:KL(p‖q)", "#sample-seed"]
question = "Which is larger?"
choices = ["One", "The other"]
answer = 1
act = "Squeeze q."
until = "kl > before"
then = "?tab=ideas"
reveal = "From {before} to {kl}, and {nll} nats."
claims = ["kl > 2 * before"]
needs = ["vae-mnist"]
[station.numbers]
before = "first number:KL(p‖q)"
kl = "number:KL(p‖q)"
seed = "2 of .ge-status p"
nll = "metric:made-mnist.kl_nats.7x7, 1 of 3"
both = "= kl + before"

[[question]]
question = "What was larger?"
choices = ["One", "The other"]
answer = 0
why = "It was."
station = 1
"""


def test_a_tour_is_read_as_the_browser_plays_it():
    tour = read(TOUR)
    [station], [question] = tour["stations"], tour["questions"]
    assert (tour["title"], tour["blurb"], tour["lecture"]) == ("A lesson", "", "")
    assert station["at"].startswith("tab=ideas&") and station["then"] == "tab=ideas"
    assert station["predict"]["answer"] == 1 and station["act"] == "Squeeze q."
    assert station["until"]["op"] == ">" and station["claims"][0]["right"] == ["*", 2, "before"]
    assert station["needs"] == ["made-mnist", "vae-mnist"]
    assert station["hide"] == station["lock"] == []
    page = {"from": "page", "place": "number:KL(p‖q)", "nth": 1}
    assert station["numbers"] == {
        "before": {**page, "first": True},
        "kl": {**page, "first": False},
        "seed": {"from": "page", "place": ".ge-status p", "nth": 2, "first": False},
        "nll": {"from": "metric", "model": "made-mnist", "metric": "kl_nats.7x7, 1 of 3"},
        "both": {"from": "others", "expression": ["+", "kl", "before"]},
    }
    assert question["station"] == 1 and question["why"] == "It was."


def test_the_model_of_an_address_is_one_that_the_station_needs():
    tour = read('title = "A"\n[[station]]\ntitle = "B"\nat = "?tab=sample&model=vae-mnist"')
    assert tour["stations"][0]["needs"] == ["vae-mnist"]
    assert address("?a=1&ideas.state=x:1;y:2&b=") == {"a": "1", "ideas.state": "x:1;y:2", "b": ""}


@pytest.mark.parametrize(
    ("was", "now", "sentence"),
    [
        ('title = "A lesson"', "", "The tour has no 'title'"),
        ('title = "A lesson"', "title = 3", "The tour: 'title' must be text"),
        ('title = "A lesson"', 'title = " "', "'title' must have 1 to"),
        ('title = "A lesson"', 'titel = "A"', "The tour has a 'titel', which means nothing here"),
        ('title = "Two normals"', "", "Station 1 has no 'title'"),
        ('at = "?tab=ideas&', 'at = "tab=ideas&', "'at' must be what an address has"),
        ("answer = 1", "answer = 2", "Station 1: 'answer' must be one of 0 to 1"),
        ("answer = 1", "answer = true", "Station 1: 'answer' must be a whole number"),
        ('choices = ["One", "The other"]\nanswer = 1', 'choices = ["One"]', "2 to 5 choices"),
        ('choices = ["One", "The other"]\nanswer = 1', "choices = [1, 2]", "a list of texts"),
        ('question = "Which is larger?"', "", "Station 1 has choices and no 'question'"),
        ('act = "Squeeze q."', "", "waits for something and has no 'act'"),
        ('until = "kl > before"', "", "needs 'press' or 'until'"),
        ('then = "?tab=ideas"', "", "'until' needs a 'then'"),
        ('until = "kl > before"', 'until = "kl > far"', "names 'far'"),
        ("See {kl:1}.", "See {far}.", "'words' names {far}, which is no number of it"),
        ('claims = ["kl > 2 * before"]', 'claims = ["kl"]', "Station 1: 'kl' compares nothing"),
        ('both = "= kl + before"', 'both = "= kl + after"', "names 'after'"),
        ('both = "= kl + before"', "both = 3", "must say where it comes from"),
        ('both = "= kl + before"', 'log = "number:KL"', "'log' is no name for a number"),
        ('nll = "metric:made-mnist.kl_nats.7x7, 1 of 3"', 'nll = "metric:made"', "MODEL.NAME"),
        ("station = 1", "station = 2", "Question 1 points to station 2, which there is not"),
        ('why = "It was."', "", "Question 1 has no 'why'"),
        ('title = "A lesson"', 'title = "A', "This is not TOML"),
    ],
)
def test_each_fault_is_said_in_one_sentence(was, now, sentence):
    assert was in TOUR
    with pytest.raises(ValueError, match=sentence) as raised:
        read(TOUR.replace(was, now, 1))
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


def test_a_lecture_has_its_length():
    with pytest.raises(ValueError, match="A tour has 10 to 20 stations, not 1"):
        read(TOUR, lecture=True)
    with pytest.raises(ValueError, match="A tour has 1 to 30 stations, not 0"):
        read('title = "Nothing"')
    station = '[[station]]\ntitle = "A"\nat = "?tab=ideas"\n'
    assert len(read('title = "A"\n' + 30 * station)["stations"]) == 30
    with pytest.raises(ValueError, match="The last page has 5 questions, not 0"):
        read('title = "A"\n' + 12 * station, lecture=True)
    with pytest.raises(ValueError, match="A tour may have 100 kB"):
        read("#" * 100_001)
