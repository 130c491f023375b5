"""The cases that the contract is asked of, and how it is asked.

They are built from FAMILIES and the recipes: a new one of either is a case by being there.
What a model promises does not depend on how large it is, so most is asked of each case with small
pictures and few channels; what does depend on it (that it can be built, learns in every parameter,
and gives the same picture on one thread or four) of the case as it is shipped.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch

from models import FAMILIES, family
from models.checkpoints import weights
from models.contract.abilities import FINER
from models.contract.capabilities import CAPABILITIES
from models.contract.config import build_config
from models.contract.random import generator
from models.data import datasets
from models.training.recipe import load_recipe, recipe_names

# Families of other tests register themselves under their own module: they are not ours to judge.
OURS = [name for name, path in FAMILIES.items() if path.startswith("models.")]
SPACES = ("binary", "uint8")
KINDS = ("exact", "lower bound", "estimate")


@dataclasses.dataclass(frozen=True)
class Case:
    """A family in a configuration: as its defaults, a shipped recipe, or a conditional variant."""

    name: str
    family: str
    values: dict


def cases() -> list[Case]:
    found = [Case(name, name, {}) for name in OURS]
    for name in recipe_names():
        recipe = load_recipe(name)
        values = dict(recipe.model)
        info = datasets.DATASETS.get(recipe.data.name)
        if info is not None:
            values.setdefault("image", list(info.shape))
            if values.get("num_classes") == -1:
                values["num_classes"] = len(info.classes)
        found.append(Case(name, recipe.family, values))
    for name in OURS:
        # Where a family may be conditional and is not so by default, a conditional one as well.
        fields = {f.name: f for f in dataclasses.fields(family(name).Config)}
        if "num_classes" in fields and fields["num_classes"].default == 0:
            found.append(Case(f"{name}, conditional", name, {"num_classes": 3}))
    return found


def shrunk(case: Case) -> Case:
    """The same settings with small pictures and few channels, as far as the family has them."""
    fields = {f.name: f.default for f in dataclasses.fields(family(case.family).Config)}
    values = dict(case.values)
    values["image"] = [values.get("image", fields["image"])[0], 8, 8]
    for name, most in (("width", 16), ("hidden", 32), ("chains", 16)):
        if name in fields:
            values[name] = min(most, values.get(name, fields[name]))
    return dataclasses.replace(case, values=values)


SHIPPED = cases()
CASES = [shrunk(case) for case in SHIPPED]


def build(case: Case):
    torch.manual_seed(0)
    model = weights.build(case.family, case.values)
    # Parameters that start at zero hide what they multiply: move every one a little.
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def built(request):
    """The fixture ``model`` of the modules that use ``having``."""
    return build(request.param)


def class_of(case: Case) -> type:
    """The class of a case's models, which its settings may decide."""
    cls = family(case.family)
    return cls.variant(build_config(cls.Config, case.values))


def having(*names: str, cases: list[Case] = CASES):
    """Runs a test on the model of each case whose family has all these capabilities."""
    known = {**CAPABILITIES, **FINER}
    methods = [m for name in names for m in vars(known[name]) if not m.startswith("_")]
    chosen = [case for case in cases if all(hasattr(class_of(case), m) for m in methods)]
    return pytest.mark.parametrize(
        "model", chosen, ids=[case.name for case in chosen], indirect=True, scope="module"
    )


def images(model, n: int = 3) -> torch.Tensor:
    return torch.rand((n, *model.image_shape), generator=generator(2))


def classes_of(model) -> int:
    return max(0, getattr(model.config, "num_classes", 0))


def labels(model, n: int = 3) -> torch.Tensor | None:
    return torch.arange(n) % classes_of(model) if classes_of(model) else None


def effort(model) -> dict[str, float]:
    """Less work for a likelihood that can be told to: what is asked here is not its precision."""
    less = {"tolerance": 0.05, "draws": 8}
    return {k: v for k, v in less.items() if model.takes(k, "log_likelihood")}


def refused(call, *arguments, **named):
    with pytest.raises(ValueError) as error:
        call(*arguments, **named)
    sentence = str(error.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) > 20


def gives_the_sizes(call, x):
    """Wrong number of dimensions, of channels, of sides: all refused."""
    refused(call, x[0])
    refused(call, x[:, :, 1:])
    refused(call, torch.cat([x, x], 1))
