"""A recipe's tricks switched on one at a time: short runs, to tell what each is worth.

``tricks/RECIPE.toml`` holds

    steps = 500                 of every run
    images = 50000              they train on these, the first; the others of the training set judge
    seeds = [0, 1]              every run once with each
    [[trick]]                   in the order in which they are switched on:
    title = "Hinge loss"        what the table calls it
    [trick.model] [trick.train] settings over the recipe's and over those of the tricks before
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

from models.training.recipe import Recipe, from_dict, load_recipe

FOLDER = Path(__file__).parent / "tricks"


@dataclass(frozen=True)
class Trick:
    """One run of the table. number: how many tricks stand above it; recipe: with all of those."""

    number: int
    title: str
    recipe: Recipe

    @property
    def folder(self) -> str:
        """The name of the folder that the run is kept in: which trick, and which seed."""
        return f"{self.number:02}-{self.recipe.seed}"


def tricks(name: str) -> list[Trick]:
    """The runs of a recipe's table, those of one trick beside each other.

    Raises ValueError where the recipe has no table.
    """
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ValueError(f"There is no table of tricks for '{name}'; there is one for {known}.")
    table, recipe = tomllib.loads(path.read_text("utf-8")), load_recipe(name)
    model, found = dict(recipe.model), []
    train = dataclasses.asdict(recipe.train) | {"steps": table["steps"], "snapshots": 0}
    for number, trick in enumerate(table["trick"]):
        model, train = model | trick.get("model", {}), train | trick.get("train", {})
        for seed in table["seeds"]:
            values = recipe.to_dict() | {"seed": seed, "model": dict(model), "train": dict(train)}
            values["title"] = trick["title"]  # by which a run is told from the others
            values["data"] = values["data"] | {"n": table["images"]}
            found.append(Trick(number, trick["title"], from_dict(values)))
    return found
