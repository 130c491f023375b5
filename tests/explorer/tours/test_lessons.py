"""Lessons: what a text from a stranger may say, and a sentence for all else."""

from __future__ import annotations

import pytest

import explorer
from explorer.tours import lessons
from tests import toys

KNOWN = {"sample.seed", "model"}
WHOLE = """
title = "Temperature"
[[station]]
title = "Cold"
words = "All samples look alike."
at = "?sample.temperature=0.2"
question = "Which noise gives the most typical picture?"
choices = ["None", "Much"]
answer = 0
hide = ["model"]
lock = ["sample.seed"]
"""


def test_a_lesson_is_a_record_of_the_player():
    record = lessons.read_lesson(WHOLE, KNOWN)
    (station,) = record["stations"]
    assert station["at"] == "sample.temperature=0.2"
    assert station["predict"]["answer"] == 0
    assert (station["hide"], station["lock"]) == (["model"], ["sample.seed"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "empty"),
        ("", "empty"),
        ("x" * 20_001, "20000 characters"),
        ("title = ", "not TOML"),
        ("title = 3", "'title' must be text"),
        ("a = " + "[" * 15_000, "too deep"),
        ('title = "a"', "1 to 30 stations"),
        (WHOLE.replace('"model"', '"train.data"'), "which no control is"),
        (WHOLE.replace("answer = 0", "answer = 9"), "'answer' must be one of"),
        (WHOLE.replace('at = "?', 'at = "//elsewhere'), "'at' must be"),
        (WHOLE + 'act = "Press it."\npress = ["button:Stop"]\n', "presses no buttons"),
        (WHOLE + 'script = "alert(1)"\n', "means nothing here"),
    ],
)
def test_what_is_no_lesson_gets_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence) as problem:
        lessons.read_lesson(text, KNOWN)
    assert str(problem.value).endswith(".") and "\n" not in str(problem.value)


def test_the_controls_of_the_address_can_be_found_on_the_page(tmp_path):
    toys.write(tmp_path, "toy")
    context = explorer.Context.create(tmp_path, device="cpu")
    page = explorer.build(context)
    controls = lessons.named_controls(context)
    assert {"key": "sample.seed", "id": "sample-seed", "label": "Seed"} in controls
    ids = [each["props"].get("elem_id") for each in page.config["components"]]
    assert all(ids.count(control["id"]) == 1 for control in controls)
