"""From what a person chose to a recipe, and what it will take on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from explorer.page.code import explanation, family_title
from explorer.server.reading import NotYet
from explorer.server.words import short_count
from models.contract.symbols import STRIP

if TYPE_CHECKING:
    from explorer.page.context import Context
    from explorer.server.visitors import Visitor
    from models.training.recipe import Recipe

ONLINE = "train-online"
OWN, HUB, OWN_TEXT = "own", "hub", "own-text"  # data that has no name yet
FIRST = {"pictures": "digits", "texts": "python-library"}  # what every machine has, by what is read
OFTEN_CHANGED = ("steps", "batch_size", "learning_rate")
# What does not concern a run on the page: it is watched and kept in other ways.
LEFT_OUT = ("image", "epochs", "log_every", "checkpoint_minutes")
SIZES = (("Small", "small"), ("Medium", "medium"), ("Large", "large"))


@dataclass(frozen=True)
class Described:
    """A data set as far as a recipe has to know it: (C, H, W), names of classes, images."""

    name: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    n: int

    def __len__(self) -> int:
        return self.n


def is_own(data: str) -> bool:
    """Whether a data set is made of pictures that a visitor brought."""
    return data.startswith("pictures-")


def is_own_text(data: str) -> bool:
    """Whether a data set is a text of a visitor's, brought or to be brought."""
    return data == OWN_TEXT or data.startswith("text-")


def family_of(start: str) -> str:
    """The family of a start; an unknown name is its own."""
    return further().get(start, start)


def further() -> dict[str, str]:
    """The starts that are no family, each with its family."""
    from models.training import starts

    return starts.further()


def kind_of(data: str) -> str:
    """What a data set is made of: "pictures" or "texts"."""
    return "texts" if data == FIRST["texts"] or is_own_text(data) else "pictures"


def for_data(data: str, start: str) -> str:
    """The start that is chosen with a data set: the same, unless it reads something else."""
    from models.training import starts

    kind = kind_of(data)
    if starts.reads(start) == kind:
        return start
    return next(name for name in starts.families() if starts.reads(name) == kind)


def for_start(visitor: Visitor | None, start: str, data: str) -> str:
    """The data set that is chosen with a start: the same, unless the start reads something else;
    then the newest of the visitor's own that it can read, or one that every machine has."""
    from models.training import starts

    kind = starts.reads(start)
    if kind_of(data) == kind:
        return data
    own = [name for name in (visitor.data if visitor else {}) if kind_of(name) == kind]
    return own[-1] if own else FIRST[kind]


# -- what there is to choose from ------------------------------------------------------------------


def datasets(context: Context, visitor: Visitor | None) -> list[dict[str, str]]:
    """The items of the list of data sets (``explorer.components.choices.choices``).

    What is neither here nor, as far as is known yet, on a Hub that can be reached, cannot be had.
    """
    from models.data import datasets as data

    items = []
    for name, info in data.DATASETS.items():
        here = data.available(name, context.data_dir)
        size = "x".join(map(str, info.shape[1:]))
        colour = ", colour" if info.shape[0] > 1 else ""
        off = "" if here else f"Not on this machine: start with --data-dir FOLDER/{name}."
        size_of_it = data.megabytes_to_fetch(name, context.data_dir)
        note = f"{info.n['train']:,} pictures, {size}{colour}"
        if off and info.hub and context.ask.cache.get(ONLINE):
            off = ""
            note = f"{note}; {size_of_it} MB to fetch" if size_of_it else f"{note}; fetched once"
        items.append({"key": name, "title": info.title, "note": note, "off": off})
    size = f"{_python_characters() / 1e6:.0f} MB of text"
    items.append({"key": FIRST["texts"], "title": "Python's library", "note": size, "off": ""})
    items.sort(key=lambda item: bool(item["off"]))
    for name, described in (visitor.data if visitor else {}).items():
        if kind_of(name) == "texts":
            note = f"{described.n * described.image_shape[2]:,} characters"
            items.append({"key": name, "title": "Your text", "note": note, "off": ""})
            continue
        size = "x".join(map(str, described.image_shape[1:]))
        title = "Your pictures" if is_own(name) else name
        note = f"{described.n:,} pictures, {size}" + (
            f", {len(described.classes)} classes" if described.classes else ""
        )
        items.append({"key": name, "title": title, "note": note, "off": ""})
    items.append({"key": OWN, "title": "Pictures of your own …", "note": "", "off": ""})
    items.append({"key": OWN_TEXT, "title": "A text of your own …", "note": "", "off": ""})
    if context.hub:
        items.append({"key": HUB, "title": "From the Hugging Face Hub …", "note": "", "off": ""})
    return items


@lru_cache
def _python_characters() -> int:
    from models.data.text import python_characters

    return python_characters()


def families() -> list[dict[str, str]]:
    """The items of the list of what can be trained, in the families' own words."""
    from models.training import starts

    items = []
    for name in starts.families():
        title, note = starts.words_of(name)
        note = note or explanation(name).partition("\n")[0].partition(": ")[2].strip()
        items.append({"key": name, "title": title or family_title(name), "note": note, "off": ""})
    return items


def described(visitor: Visitor | None, name: str) -> Described:
    """The data set of that name. Raises ValueError where this visitor has none of that name."""
    from models.data import datasets as data

    if name in data.DATASETS:
        info = data.DATASETS[name]
        return Described(name, info.shape, info.classes, info.n["train"])
    if visitor is not None and name in visitor.data:
        return visitor.data[name]
    if name == FIRST["texts"]:
        n = _python_characters() // STRIP
        return Described(name, (1, 1, STRIP), (), n)
    if name == OWN_TEXT:
        raise NotYet("Bring a text first: paste one, or choose a file.")
    raise NotYet("Choose a data set first: bring pictures, or name one on the Hub.")


def is_absent(context: Context, name: str) -> bool:
    """Whether a data set has to be fetched from the Hub, by a button, before it can be used."""
    from models.data import datasets as data

    return context.hub and data.megabytes_to_fetch(name, context.data_dir) > 0


def look_online(context: Context) -> None:
    """Finds out whether the Hub can be reached, for ``datasets``; takes seconds where it cannot."""
    from models.data.sources import reachable

    context.ask.kept(ONLINE, lambda: context.hub and reachable(3.0))


# -- the recipe ------------------------------------------------------------------------------------


def recipe_of(
    visitor: Visitor | None, data: str, family: str, size: str, given: str = "{}"
) -> Recipe:
    """The recipe that the controls mean. family: a start's name. given: JSON of changed settings,
    by "section.key".

    Raises ValueError with a sentence where a value is wrong.
    """
    from models import family as class_of
    from models.contract.config import build_config
    from models.training import starts
    from models.training.recipe import from_dict

    dataset = described(visitor, data)
    if kind_of(data) != starts.reads(family):
        raise ValueError(
            f"This model is trained on {starts.reads(family)}; choose such data, or another model."
        )
    values = starts.start(family, size, dataset).to_dict()
    try:
        changes = json.loads(given or "{}")
        changes = {tuple(key.split(".", 1)): value for key, value in changes.items()}
    except (ValueError, AttributeError, TypeError):
        raise ValueError("The settings came garbled; load the page anew.") from None
    for (section, *rest), value in changes.items():
        if section not in ("model", "train") or not rest or rest[0] in LEFT_OUT:
            raise ValueError("The settings came garbled; load the page anew.")
        if value is None:
            raise ValueError(f"'{rest[0]}' must be a number.")
        values[section][rest[0]] = _whole(value)
    build_config(class_of(values["family"]).Config, values["model"])
    return from_dict(values)


def _whole(value: Any) -> Any:
    """JSON knows one kind of number; a whole one is an int, which a float setting takes too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def linked(given: str) -> dict[str, str]:
    """Of the settings that were changed those that a link says, each as text, "" where it stands
    as it did."""
    changes = _changes(given)
    told = {name: changes.get(f"train.{name}") for name in OFTEN_CHANGED}
    return {name: "" if v is None else json.dumps(_whole(v)) for name, v in told.items()}


def from_link(told: Mapping[str, str]) -> str:
    """The changed settings that a link says, as ``recipe_of`` takes them."""
    changes = {}
    for name, text in told.items():
        with contextlib.suppress(ValueError):  # of a link that somebody wrote by hand
            changes[f"train.{name}"] = float(text)
    return json.dumps({name: value for name, value in changes.items() if math.isfinite(value)})


def _changes(given: str) -> dict[str, Any]:
    """The changed settings, none where they came garbled."""
    try:
        return dict(json.loads(given or "{}"))
    except (ValueError, TypeError, RecursionError):
        return {}


def form_key(asked: Any) -> str:
    """What the settings are of: another key makes the form anew."""
    return f"{asked.data}/{asked.family}/{asked.size}"


def a_number(text: str) -> str:
    """Parses what a link says of a setting, which stays text. Raises ValueError."""
    if not math.isfinite(float(text)) or len(text) > 24:
        raise ValueError("This is no setting.")
    return text


def form(recipe: Recipe, key: str, locked: bool = False, given: str = "{}") -> dict[str, Any]:
    """The value of the settings form (``explorer.components.settings_form.settings_form``).

    given: JSON of what is changed already, by "section.key"."""
    from models import FAMILIES, family
    from models.training.recipe import TrainConfig

    train = _fields(TrainConfig, dataclasses.asdict(recipe.train), "train")
    for field in train:
        if field["key"] == "train.learning_rate":
            field["live"] = True
    names = [f"train.{name}" for name in OFTEN_CHANGED]
    often = sorted(
        (f for f in train if f["key"] in names), key=lambda field: names.index(field["key"])
    )
    cls = family(recipe.family).Config
    model = _fields(cls, dataclasses.asdict(cls()) | recipe.model, "model")
    title = FAMILIES[recipe.family].rpartition(":")[2]
    return {
        "key": key,
        "locked": locked,
        "given": {name: _whole(value) for name, value in _changes(given).items()},
        "groups": [
            {"title": "", "open": None, "fields": often},
            {"title": f"Every setting of the {title}", "open": False, "fields": model},
            {
                "title": "Every setting of the training",
                "open": False,
                "fields": [field for field in train if field not in often],
            },
        ],
    }


def _fields(cls: type, values: dict[str, Any], section: str) -> list[dict[str, Any]]:
    hints = typing.get_type_hints(cls)
    kinds = {int: "int", float: "float", bool: "bool", str: "str"}
    return [
        {
            "key": f"{section}.{f.name}",
            "label": f.name.replace("_", " ").capitalize(),
            "help": f.metadata.get("help", ""),
            "kind": kinds[hints[f.name]],
            "low": f.metadata.get("low"),
            "high": f.metadata.get("high"),
            "choices": list(f.metadata.get("choices") or ()),
            "value": values[f.name],
            "live": bool(f.metadata.get("live")),
        }
        for f in dataclasses.fields(cls)
        if f.name not in LEFT_OUT and hints[f.name] in kinds
    ]


# -- what it takes ---------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """A length of time in words: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def estimate_words(
    report: dict[str, Any], minutes: float, of: str = "pictures"
) -> tuple[str, bool]:
    """An estimate in a sentence or two, and whether the run would be cut short.

    report: of the worker (``estimated``). minutes: those allowed. of: what a step takes, by name.
    Showing samples and scores on the way takes a part of the time, of which a run takes care that
    it stays about a sixth.
    """
    each = report["seconds_per_step"]
    whole = each * report["total"]
    memory = f", {report['megabytes']:,} MB" if report["megabytes"] else ""
    note = ""
    if report.get("black_and_white"):
        note = " This model knows black and white only: a grey is taken as the chance of white."
    words = (
        f"{short_count(report['parameters'])} parameters{memory}, {1000 * each:.0f} ms a step of "
        f"{report['batch']} {of}: about {duration(1.2 * whole)} "
        f"({report['timed']} steps were timed here just now).{note}"
    )
    if whole <= 60 * minutes:
        return words, False
    fits = int(60 * minutes / each)
    return f"{words} Runs here end after {minutes:g} min: take about {fits:,} steps.", True


def command(recipe: Recipe) -> str:
    """The recipe as TOML, and the command that repeats the run."""
    import tomli_w

    values = recipe.to_dict()
    note = "# recipe.toml\n"
    if recipe.data.name.endswith((".zip", ".txt")):
        note += f"# The file {recipe.data.name} has to lie where the command is run.\n"
    return (
        f"{note}{tomli_w.dumps({k: v for k, v in values.items() if v != ''})}\n"
        "# repeats the run:\n"
        "# python -m models train recipe.toml\n"
    )
