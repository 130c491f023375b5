"""Recipes: one TOML file says everything needed to train a shipped model again.

name = "vae-mnist"          title, about: shown in the page and on the card;
                            notes, what was learned on the way: on the card
background = true           what likelihood ratios compare with; it is found by this and its data
second = true               a second judge, that measures are repeated by and nobody is offered
family = "vae"
seed = 0
[data]                      name, and what the loader is to do
[model]                     the family's Config
[train]                     TrainConfig below
[evaluate]                  effort: n, samples, ...
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.contract.config import build_config, setting
from models.contract.knobs import checked_seed
from models.data.collection import spoken

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class DataConfig:
    name: str = setting("mnist", "The data set's name, a folder or zip of pictures, or a Hub id.")
    n: int = setting(0, "Images to train on; 0 means all.", low=0)
    mutate: float = setting(
        0.0,
        "Part of the pixels put at a random level, anew each step: a background model (Ren et al. "
        "2019).",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class TrainConfig:
    epochs: float = setting(10.0, "Passes over the training set.", low=0.0, high=10000.0)
    steps: int = setting(0, "Optimizer steps; where it is not 0 it overrides epochs.", low=0)
    batch_size: int = setting(128, "Images a step.", low=1, high=65536)
    learning_rate: float = setting(2e-3, "Peak learning rate.", low=0.0, high=1.0)
    muon_rate: float = setting(
        0.0,
        "Peak learning rate of Muon on the matrices between hidden layers; 0 leaves them to AdamW.",
        low=0.0,
        high=1.0,
    )
    final_rate: float = setting(
        0.002, "Learning rate at the end, as a part of the peak.", low=0.0, high=1.0
    )
    warmup: float = setting(0.1, "Part of the run in which the rate rises.", low=0.0, high=1.0)
    beta1: float = setting(0.9, "Adam's decay of the first moment.", low=0.0, high=0.9999)
    beta2: float = setting(0.99, "Adam's decay of the second moment.", low=0.0, high=0.99999)
    weight_decay: float = setting(0.01, "Decoupled weight decay (AdamW).", low=0.0, high=10.0)
    clip: float = setting(50.0, "Gradients are clipped to this norm; 0 is off.", low=0.0)
    ema: float = setting(
        0.999,
        "Decay of the running mean of the weights, which is what is kept.",
        low=0.0,
        high=0.99999,
    )
    precision: str = setting(
        "auto",
        "bf16 runs matrix products in bfloat16; auto does so where the machine has it.",
        choices=("auto", "float32", "bf16"),
    )
    channels_last: bool = setting(True, "Channels innermost in memory: faster convolutions.")
    held_out: int = setting(
        0, "Training images set aside to watch the run by; 0 trains on every one.", low=0
    )
    log_every: int = setting(50, "Steps between two lines of the log.", low=1)
    snapshots: int = setting(
        0, "Moments of the run that are kept to be looked at; 0 is none.", low=0, high=100
    )
    snapshot_spacing: str = setting(
        "logarithmic",
        "Steps between snapshots: as many each time, or more by the same factor.",
        choices=("linear", "logarithmic"),
    )
    checkpoint_minutes: float = setting(3.0, "Minutes between two checkpoints.", low=0.0)


@dataclass(frozen=True)
class EvaluateConfig:
    n: int = setting(0, "Test images to measure on; 0 means all.", low=0)
    samples: int = setting(500, "Importance samples an image for a likelihood estimate.", low=1)
    guidance: float = setting(
        2.0, "Guidance at which the judge reads a conditional model's samples.", low=0.0, high=20.0
    )
    quality_n: int = setting(2048, "Generated images for the Fréchet distance.", low=2)
    scores_n: int = setting(2000, "Images a set for the anomaly scores.", low=20)


@dataclass(frozen=True)
class Recipe:
    name: str
    family: str
    title: str = ""
    about: str = ""
    notes: str = ""
    seed: int = 0
    background: bool = False  # likelihoods of other models of the same data are held against it
    second: bool = False  # a classifier that has no part in choosing anything: it checks the judge
    data: DataConfig = field(default_factory=DataConfig)
    model: dict[str, Any] = field(default_factory=dict)
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def recipe_names() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe of plain values. Raises ValueError with one sentence where one of them is wrong."""
    known = {f.name for f in dataclasses.fields(Recipe)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"Unknown setting '{unknown[0]}'. Known: {', '.join(sorted(known))}.")
    for key in ("name", "family"):
        if not isinstance(values.get(key), str) or not values[key]:
            raise ValueError(f"A recipe needs '{key}', a text.")
    for key, kind, words in (
        ("title", str, "a text"),
        ("about", str, "a text"),
        ("notes", str, "a text"),
        ("seed", int, "a whole number"),
        ("background", bool, "true or false"),
        ("second", bool, "true or false"),
        ("model", dict, "a table of settings"),
    ):
        if key in values and type(values[key]) is not kind:
            raise ValueError(f"'{key}' must be {words}, not {values[key]!r}.")
    checked_seed(values.get("seed", 0), "'seed'")
    values = dict(values)
    sections = {"data": DataConfig, "train": TrainConfig, "evaluate": EvaluateConfig}
    for section, cls in sections.items():
        if not isinstance(values.get(section, {}), dict):
            raise ValueError(f"'{section}' must be a table of settings.")
        try:
            values[section] = build_config(cls, values.get(section, {}))
        except ValueError as error:
            raise ValueError(f"In [{section}]: {error}") from None
    return Recipe(**values)


def load_recipe(name: str | Path, overrides: list[str] | None = None) -> Recipe:
    """The recipe of that name (or TOML file), with ``a.b=c`` overrides. Raises ValueError."""
    path = Path(name)
    if path.suffix != ".toml":
        path = RECIPES / f"{name}.toml"
    if not path.is_file():
        raise ValueError(
            f"There is no recipe '{name}'. Recipes: {', '.join(recipe_names())}; "
            "or give a .toml file."
        )
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"'{path.name}' is not a text file in UTF-8; save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"'{path.name}' is not valid TOML: {error}.") from None
    known = values.get("data", {}).get("name"), values.get("title")
    for override in overrides or []:
        _apply(values, override)
    data = values.get("data", {}).get("name") if isinstance(values.get("data"), dict) else None
    if isinstance(data, str) and data != known[0] and values.get("title") == known[1]:
        # What the recipe is called names the data that it was written for.
        values["title"] = f"{path.stem}, of {spoken(data)}"
        values["about"] = f"The recipe {path.stem}, trained on {spoken(data)}."
    return from_dict(values)


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ValueError(f"'--set {override}' is not of the form section.key=value.")
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"'--set {override}': '{section}' is not a section.")
    try:
        values[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[last] = text  # a bare word is a text: --set train.precision=bf16
