"""Claims of a tour, such as ``kl > 2 * js`` or ``js = log(2) ± 0.001``, read without evaluating.

A condition becomes plain lists that JSON carries; the browser computes them (``tour.js``) with the
numbers that are on screen::

    {"op": ">", "left": "kl", "right": ["*", 2, "js"], "within": 0, "text": "kl > 2 * js"}

An expression is a number, a name, ``[operation, a, b]`` or ``["log", a]``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

Expression = float | str | list

_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e-?\d+)?|[A-Za-z_]\w*|<=|>=|[-+*/()<>=±])")
_COMPARISONS = ("<", "<=", ">", ">=", "=")


class _Reader:
    """The tokens of one text, read from left to right. Raises ValueError with a sentence."""

    def __init__(self, text: str, names: Collection[str]):
        self.text, self.names = text, names
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found:
                raise ValueError(f"'{text}' cannot be read at '{text[at:].strip()}'.")
            self.tokens.append(found.group(1))
            at = found.end()

    def next(self, *wanted: str) -> str | None:
        """Takes the next token if it is one of these."""
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return None

    def expect(self, wanted: str) -> None:
        if not self.next(wanted):
            raise ValueError(f"'{self.text}' lacks a '{wanted}'.")

    def end(self) -> None:
        if self.tokens:
            raise ValueError(f"'{self.text}' cannot be read at '{self.tokens[0]}'.")

    def sum(self) -> Expression:
        value = self.product()
        while operation := self.next("+", "-"):
            value = [operation, value, self.product()]
        return value

    def product(self) -> Expression:
        value = self.atom()
        while operation := self.next("*", "/"):
            value = [operation, value, self.atom()]
        return value

    def atom(self) -> Expression:
        if not self.tokens:
            raise ValueError(f"'{self.text}' ends too early.")
        if self.next("-"):
            return ["-", 0, self.atom()]
        if self.next("("):
            value = self.sum()
            self.expect(")")
            return value
        token = self.tokens.pop(0)
        if token == "log" and self.tokens[:1] == ["("]:
            return ["log", self.atom()]
        if token[0].isdigit():
            return float(token)
        if not re.fullmatch(r"\w+", token):
            raise ValueError(f"'{self.text}' cannot be read at '{token}'.")
        if token not in self.names:
            raise ValueError(f"'{self.text}' names '{token}', which is no number of the station.")
        return token


def expression(text: str, names: Collection[str]) -> Expression:
    """An expression of the names. Raises ValueError with a sentence."""
    reader = _Reader(text, names)
    value = reader.sum()
    reader.end()
    return value


def condition(text: str, names: Collection[str]) -> dict:
    """A comparison of two expressions; "=" may have a tolerance after "±". Raises ValueError."""
    reader = _Reader(text, names)
    left = reader.sum()
    operation = reader.next(*_COMPARISONS)
    if operation is None:
        raise ValueError(f"'{text}' compares nothing: one of < <= > >= = is needed.")
    right = reader.sum()
    within: Expression = 0
    if operation == "=" and reader.next("±"):
        within = reader.sum()
    reader.end()
    return {"op": operation, "left": left, "right": right, "within": within, "text": text}
