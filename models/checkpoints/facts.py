"""Facts of a checkpoint's header that cannot be right: told from the others, which still work.

A header is JSON that somebody may have edited, or another program written. A damaged number in it
spoils neither the weights nor the other numbers: it is left out, and a sentence says so.
"""

from __future__ import annotations

import math
from typing import Any

from models.checkpoints.tricks import TRICK, is_trick

AUROC = "auroc."  # as in models.checkpoints.reference, which needs numpy
TRUNCATION = ".truncation_"  # as in models.codes.truncation

TEXTS = ("title", "about", "version")
DATA = {"split": "", "sha256": "", "n": 0}
TRAINING = {"steps": 0, "epochs": 0, "minutes": 0, "hardware": "unknown", "precision": "unknown"}


def sound_facts(values: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(values, problems): the facts of a header with those left out or replaced that cannot be
    right, and a sentence on each of these. The tables themselves must be tables."""
    values, problems = dict(values), []

    def wrong(what: str, instead: str) -> None:
        problems.append(f"The header of '{values.get('name')}': {what}; {instead}.")

    for key in TEXTS:
        if key == "version" and key not in values:  # this one's own, then
            continue
        if not isinstance(values.get(key), str):
            wrong(f"its {key} is missing or no text", "it is left out")
            values[key] = str(values.get("name")) if key == "title" else ""
    for key in ("seed", "parameters"):
        if not _whole(values.get(key)):
            wrong(f"'{key}' is no whole number", "0 is shown in its place")
            values[key] = 0
    for table, known in (("data", DATA), ("training", TRAINING)):
        values[table] = dict(values[table])
        for key, neutral in known.items():
            value = values[table].get(key)
            fits = isinstance(value, str) if isinstance(neutral, str) else _number(value)
            if not fits:
                wrong(f"'{key}' under '{table}' is missing or damaged", "it is not known")
                values[table][key] = neutral
    if not isinstance(values["recipe"].get("train"), dict):
        wrong("its recipe has no training settings", "they are not known")
        values["recipe"] = {**values["recipe"], "train": {}}
    if not isinstance(values["recipe"].get("evaluate", {}), dict):
        values["recipe"] = {**values["recipe"], "evaluate": {}}
    _sound_classes(values, wrong)
    values["metrics"], damaged = sound_metrics(values.get("metrics", {}))
    for name in damaged:
        wrong(f"the metric '{name}' is damaged", "it is left out, the others are not")
    return values, tuple(problems)


def _sound_classes(values: dict[str, Any], wrong: Any) -> None:
    """Class names and their count, which stand in two tables, made one."""
    classes, count = values["data"].get("classes"), values["config"].get("num_classes")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        if classes is not None or _whole(count):
            wrong("the names of its classes are missing or damaged", "classes are numbered")
        classes = values["data"]["classes"] = []
    if "Conditional" not in values["capabilities"] or (_whole(count) and count > 0):
        return
    # A damaged count of a model without classes is for the family's settings to refuse.
    if classes:
        wrong("how many classes it takes is missing", f"taken to be the {len(classes)} of its data")
        values["config"] = {**values["config"], "num_classes": len(classes)}
    else:
        wrong("how many classes it takes is missing", "no class can be asked for")
        values["capabilities"] = tuple(c for c in values["capabilities"] if c != "Conditional")


def sound_metrics(metrics: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """(metrics, damaged): those that hold a number, and the names of those that do not."""
    sound, damaged = {}, []
    for name, entry in metrics.items():
        if not _is_metric(name, entry):
            damaged.append(name)
            continue
        sound[name] = {"stderr": None, **entry}
    return sound, damaged


def _is_metric(name: str, entry: Any) -> bool:
    if not isinstance(entry, dict) or not _number(entry.get("value")):
        return False
    if not (entry.get("stderr") is None or _number(entry["stderr"])):
        return False
    if not (entry.get("n") is None or _whole(entry["n"])):
        return False
    if not all(isinstance(entry.get(key) or "", str) for key in ("kind", "space", "note")):
        return False
    if TRICK in name and not (
        is_trick(name) and isinstance(entry.get("note"), str) and _number(entry.get("minutes"))
    ):
        return False
    in_table = name.startswith(AUROC) or TRUNCATION in name or TRICK in name
    if name.startswith(AUROC) and name.count(".") < 2:
        return False
    if TRUNCATION in name and not _is_float(name.partition(TRUNCATION)[2]):
        return False
    return not in_table or _whole(entry.get("n"))


def _is_float(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


def _number(value: Any) -> bool:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return known and math.isfinite(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
