"""The record of a tour: what a TOML file may say, and a sentence for each fault in it.

    title = "..."            a sentence or two of what it is about: blurb
    [[station]]              title, at (an address of the page) and, all optional: words, show,
                             question with choices and answer, act with press, until or then,
                             reveal, claims, needs, hide and lock (controls, by their keys in
                             addresses), [station.numbers]
    [[question]]             of the last page: question, choices, answer, why, station

Numbers come from one place each, and words name them as ``{kl}``, or ``{kl:1}`` for one decimal:

    "number:LABEL"           what the page shows under these words, or another place (below)
    "first number:LABEL"     the same as it was when the station had been set up
    "address:KEY"            what the page's address says; "state:KEY" of a laboratory's state
    "metric:MODEL.NAME"      a number that was measured of a shipped model, or its parameters
    "= elbo + kl"            computed of others

A place is ``number:``, ``plot:``, ``slider:``, ``button:`` or ``tab:`` with the words on screen, or
a CSS selector. Of a selector's text the first number counts; ``2 of SELECTOR`` is the second.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from explorer.tours.conditions import condition, expression

STATIONS = {"lecture": (10, 20), "lesson": (1, 30)}
QUESTIONS = 5  # on the last page of a lecture
LONGEST = 1200  # characters of one text
LONGEST_OF_LIST, MOST_OF_LIST = 200, 40
LARGEST = 100_000  # bytes of a file

_TOUR = {"title": str, "blurb": str, "lecture": str, "station": list, "question": list}
_STATION = {
    "title": str, "at": str, "words": str, "show": list, "question": str, "choices": list,
    "answer": int, "act": str, "press": list, "until": str, "then": str, "reveal": str,
    "claims": list, "needs": list, "numbers": dict, "hide": list, "lock": list,
}  # fmt: skip
_QUESTION = {"question": str, "choices": list, "answer": int, "why": str, "station": int}
_KINDS = {str: "text", list: "a list", int: "a whole number", dict: "a table"}

SLOT = re.compile(r"\{(\w+)(?::(\d))?\}")


def read(text: str, lecture: bool = False) -> dict[str, Any]:
    """A tour from the text of a TOML file, as ``check`` returns it. Raises ValueError."""
    if len(text.encode("utf-8")) > LARGEST:
        raise ValueError(f"A tour may have {LARGEST // 1000} kB.")
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"This is not TOML: {error}.") from None
    return check(record, lecture)


def check(record: Mapping[str, Any], lecture: bool = False) -> dict[str, Any]:
    """A tour as the browser plays it: every optional field there, conditions read.

    lecture: whether it has to be as long as a lecture. Raises ValueError with a sentence.
    """
    tour = _fields("The tour", record, _TOUR, ("title",))
    low, high = STATIONS["lecture" if lecture else "lesson"]
    stations, questions = tour["station"] or [], tour["question"] or []
    if not low <= len(stations) <= high:
        raise ValueError(f"A tour has {low} to {high} stations, not {len(stations)}.")
    if lecture and len(questions) != QUESTIONS:
        raise ValueError(f"The last page has {QUESTIONS} questions, not {len(questions)}.")
    return {
        "title": tour["title"],
        "blurb": tour["blurb"] or "",
        "lecture": tour["lecture"] or "",
        "stations": [_station(k, each) for k, each in enumerate(stations, 1)],
        "questions": [_question(k, each, len(stations)) for k, each in enumerate(questions, 1)],
    }


def address(query: str) -> dict[str, str]:
    """The keys and values of an address that begins with "?"."""
    return dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


def _fields(
    whose: str, record: Any, kinds: Mapping[str, type], needed: tuple[str, ...]
) -> dict[str, Any]:
    """The record's fields, None where one is missing. Raises ValueError on an unknown, missing or
    wrong one."""
    if not isinstance(record, Mapping):
        raise ValueError(f"{whose} is not a table.")
    for key, value in record.items():
        if key not in kinds:
            raise ValueError(f"{whose} has a '{key}', which means nothing here.")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise ValueError(f"{whose}: '{key}' must be {_KINDS[kinds[key]]}.")
        if isinstance(value, str) and not 0 < len(value.strip()) <= LONGEST:
            raise ValueError(f"{whose}: '{key}' must have 1 to {LONGEST} characters.")
    for key in needed:
        if key not in record:
            raise ValueError(f"{whose} has no '{key}'.")
    return {key: record.get(key) for key in kinds}


def _texts(whose: str, key: str, values: list | None) -> list[str]:
    for value in values or ():
        if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_OF_LIST:
            raise ValueError(
                f"{whose}: '{key}' must be a list of texts, {LONGEST_OF_LIST} characters each."
            )
    if len(values or ()) > MOST_OF_LIST:
        raise ValueError(f"{whose}: '{key}' has more than {MOST_OF_LIST} entries.")
    return list(values or ())


def _choice(whose: str, item: dict[str, Any]) -> dict[str, Any] | None:
    """The question of an item, None where it has none."""
    choices = _texts(whose, "choices", item["choices"])
    if item["question"] is None:
        if choices or item["answer"] is not None:
            raise ValueError(f"{whose} has choices and no 'question'.")
        return None
    if not 2 <= len(choices) <= 5:
        raise ValueError(f"{whose}: a question has 2 to 5 choices.")
    if item["answer"] is None or not 0 <= item["answer"] < len(choices):
        raise ValueError(f"{whose}: 'answer' must be one of 0 to {len(choices) - 1}.")
    return {"question": item["question"], "choices": choices, "answer": item["answer"]}


def _question(k: int, record: Any, stations: int) -> dict[str, Any]:
    """A question of the last page."""
    whose = f"Question {k}"
    item = _fields(whose, record, _QUESTION, ("question", "choices", "answer", "why"))
    if item["station"] is not None and not 1 <= item["station"] <= stations:
        raise ValueError(f"{whose} points to station {item['station']}, which there is not.")
    return {**(_choice(whose, item) or {}), "why": item["why"], "station": item["station"]}


def _station(k: int, record: Any) -> dict[str, Any]:
    whose = f"Station {k}"
    item = _fields(whose, record, _STATION, ("title", "at"))
    for key in ("at", "then"):
        if item[key] is not None and not item[key].startswith("?"):
            raise ValueError(f"{whose}: '{key}' must be what an address has from its '?' on.")
    numbers = _numbers(whose, item["numbers"] or {})
    press = _texts(whose, "press", item["press"])
    if item["act"] is None and (press or item["until"] or item["then"]):
        raise ValueError(f"{whose} waits for something and has no 'act' that asks for it.")
    if item["act"] is not None and not press and item["until"] is None:
        raise ValueError(f"{whose}: an 'act' needs 'press' or 'until', to know when it is done.")
    if item["until"] is not None and not press and item["then"] is None:
        raise ValueError(f"{whose}: 'until' needs a 'then', for whoever cannot do it.")
    for key in ("words", "act", "question", "reveal"):
        for name, _ in SLOT.findall(item[key] or ""):
            if name not in numbers:
                raise ValueError(f"{whose}: '{key}' names {{{name}}}, which is no number of it.")
    try:
        until = condition(item["until"], numbers) if item["until"] else None
        claims = [condition(c, numbers) for c in _texts(whose, "claims", item["claims"])]
    except ValueError as error:
        raise ValueError(f"{whose}: {error}") from None
    asked = address(item["at"])
    needs = [asked["model"]] if "model" in asked else []
    needs += _texts(whose, "needs", item["needs"])
    needs += [number["model"] for number in numbers.values() if number["from"] == "metric"]
    return {
        "title": item["title"],
        "at": item["at"].removeprefix("?"),
        "words": item["words"] or "",
        "show": _texts(whose, "show", item["show"]),
        "predict": _choice(whose, item),
        "act": item["act"] or "",
        "press": press,
        "until": until,
        "then": (item["then"] or "").removeprefix("?"),
        "reveal": item["reveal"] or "",
        "claims": claims,
        "needs": sorted(set(needs)),
        "hide": _texts(whose, "hide", item["hide"]),
        "lock": _texts(whose, "lock", item["lock"]),
        "numbers": numbers,
    }


def _numbers(whose: str, sources: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Where each number comes from: ``{"from": kind, ...}`` by name."""
    found: dict[str, dict[str, Any]] = {}
    for name, source in sources.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name == "log":
            raise ValueError(f"{whose}: '{name}' is no name for a number.")
        if not isinstance(source, str) or not source.strip():
            raise ValueError(f"{whose}: the number '{name}' must say where it comes from.")
        found[name] = _source(whose, name, source.strip(), found)
    return found


def _source(whose: str, name: str, source: str, known: Mapping[str, Any]) -> dict[str, Any]:
    if source.startswith("="):
        try:
            return {"from": "others", "expression": expression(source[1:], known)}
        except ValueError as error:
            raise ValueError(f"{whose}: {error}") from None
    kind, _, rest = source.partition(":")
    if kind in ("address", "state"):
        return {"from": kind, "key": rest}
    if kind == "metric":
        model, _, metric = rest.partition(".")
        if not metric:
            raise ValueError(f"{whose}: '{name}' must be metric:MODEL.NAME.")
        return {"from": "metric", "model": model, "metric": metric}
    first = source.startswith("first ")
    place = source.removeprefix("first ")
    at = re.match(r"(\d) of ", place)
    return {
        "from": "page",
        "place": place[at.end() :] if at else place,
        "nth": int(at.group(1)) if at else 1,
        "first": first,
    }
