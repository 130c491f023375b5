"""Claims of a tour: what they say, and a sentence for what cannot be read."""

from __future__ import annotations

import pytest

from explorer.tours.conditions import condition, expression


def test_products_bind_closer_than_sums_and_sides_are_read_from_the_left():
    assert expression("a - b - 2 * a", {"a", "b"}) == ["-", ["-", "a", "b"], ["*", 2, "a"]]
    assert expression("-(a + 1) / 2", {"a"}) == ["/", ["-", 0, ["+", "a", 1]], 2]
    assert expression("log(4.5) * a", {"a"}) == ["*", ["log", 4.5], "a"]


def test_a_condition_compares_and_may_have_a_tolerance():
    assert condition("kl >= 2 * js", {"kl", "js"}) == {
        "op": ">=", "left": "kl", "right": ["*", 2, "js"], "within": 0, "text": "kl >= 2 * js",
    }  # fmt: skip
    assert condition("a = 1 ± 0.01", {"a"})["within"] == 0.01


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kl", "compares nothing"),
        ("kl >", "ends too early"),
        ("kl > (1 + 2", "lacks a '\\)'"),
        ("kl > other", "names 'other', which is no number of the station"),
        ("kl > 1 2", "cannot be read at '2'"),
        ("kl > 1 ± 2", "cannot be read at '±'"),
        ("kl > fetch('x')", "cannot be read at"),
        ("kl > __import__", "names '__import__'"),
        ("= 1", "cannot be read at '='"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        condition(text, {"kl"})
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)
