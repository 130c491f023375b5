"""Every family, in every configuration that is shipped, keeps the contract of ``models.contract``.

What each capability promises is asked in ``test_capabilities``; the cases are in ``contract``.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from itertools import pairwise

import pytest
import torch

from models import family
from models.checkpoints import weights
from models.checkpoints.header import Header
from models.contract.capabilities import capabilities
from models.contract.config import build_config
from models.contract.model import Objective
from models.contract.random import generator
from models.training.recipe import load_recipe, recipe_names
from tests.contract import (
    CASES,
    OURS,
    SHIPPED,
    Case,
    build,
    built,
    classes_of,
    effort,
    having,
    images,
    labels,
    refused,
)

model = pytest.fixture(built, scope="module")


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request) -> Case:
    return request.param


@pytest.fixture(params=SHIPPED, ids=lambda case: case.name)
def shipped(request) -> Case:
    return request.param


def test_every_family_and_recipe_is_a_case():
    assert {case.family for case in CASES} == set(OURS)
    assert set(recipe_names()) <= {case.name for case in CASES}
    for name in recipe_names():
        assert load_recipe(name).name == name, "a recipe is called as its file is"
        assert load_recipe(name).title and load_recipe(name).about.endswith(".")


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_every_setting_has_help_and_a_default_within_its_limits(name):
    cls = family(name).Config
    assert dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    default = {}
    for field in dataclasses.fields(cls):
        help = field.metadata.get("help", "")
        assert help.endswith(".") and len(help) > 10, f"{name}.{field.name} has no help"
        default[field.name] = field.default
        for limit in ("low", "high"):
            if field.metadata.get(limit) is not None:
                assert isinstance(field.default, (int, float))
    assert build_config(cls, default) == cls()  # every limit and type is checked on the way


@pytest.mark.parametrize("name", OURS)
def test_settings_beyond_their_limits_are_refused(name):
    cls = family(name).Config
    for field in dataclasses.fields(cls):
        limits, default = field.metadata, field.default
        wrong = [[], {}, None]
        if limits["low"] is not None:
            wrong.append(type(default)(limits["low"] - 1))
        if limits["high"] is not None:
            wrong.append(type(default)(limits["high"] + 1))
        if isinstance(default, float):
            wrong.append(math.nan)
        if limits["choices"]:
            wrong.append("no such choice")
        for value in wrong:
            if field.name == "image" and value == []:
                continue  # how many numbers an image's shape has is asked by build, below
            refused(build_config, cls, {field.name: value})
    refused(build_config, cls, {"no_such_setting": 1})
    for shape in ([], [8, 8], [1, 0, 8], [1, 8, 8, 8], [1, -8, 8]):
        refused(weights.build, name, {"image": shape})


def test_the_family_explains_itself_with_its_equations(case):
    module = inspect.getmodule(family(case.family))
    assert module.__doc__ and "$" in module.__doc__


@pytest.mark.slow
def test_a_model_as_shipped_reads_and_gives_images_of_its_size(shipped):
    model = build(shipped)
    assert model.image_shape == tuple(shipped.values.get("image", type(model.config)().image))
    x = images(model, 1)
    can = capabilities(model)
    with torch.no_grad():
        if "Samples" in can:
            assert model.sample(1, generator(0)).shape == x.shape
        if "Denoises" in can:
            assert model.denoise(x, torch.full((1,), 0.5)).shape == x.shape
        if "Encodes" in can:
            assert len(model.encode(x)) == 1
        if "Classifies" in can:
            assert model.classify(x).shape == (1, model.config.num_classes)


# -- training --------------------------------------------------------------------------------------


def test_objectives_are_finite_and_reach_every_parameter(shipped):
    model = build(shipped).train()
    x, y = images(model), torch.arange(3) % max(1, classes_of(model))
    named = {id(p): name for name, p in model.named_parameters()}
    reached = set()
    objectives = 0
    for objective in model.objectives(x, y, generator(0)):
        assert isinstance(objective, Objective) and objective.loss.shape == ()
        assert torch.isfinite(objective.loss)
        for name, value in objective.logs.items():
            assert torch.as_tensor(value).detach().isfinite(), name
        model.zero_grad(set_to_none=True)
        objective.loss.backward()
        for parameter in objective.params:
            name = named[id(parameter)]
            assert parameter.grad is not None, f"'{name}' has no gradient"
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, f"nothing moves '{name}'"
            reached.add(name)
        objectives += 1
    assert objectives >= 1
    assert reached == set(named.values()), "parameters that no player owns"


def test_objectives_depend_on_the_generator_alone(case):
    model = build(case)
    x, y = images(model), labels(model)
    if y is None:
        y = torch.zeros(3, dtype=torch.int64)
    losses = []
    for seed in (0, 0):
        torch.manual_seed(len(losses))  # the global generator must play no part
        losses.append([o.loss.item() for o in model.objectives(x, y, generator(seed))])
    assert losses[0] == losses[1]


# -- sampling --------------------------------------------------------------------------------------


@having("Samples")
def test_sampling_streams_frames_and_ends_with_images(model):
    frames = list(model.sample_steps(5, generator(0)))
    assert frames
    for frame in frames:
        assert frame.x.shape == (5, *model.image_shape) and frame.x.dtype == torch.float32
        assert frame.x0 is None or frame.x0.shape == frame.x.shape
        assert 0 <= frame.step <= frame.total
    assert all(a.step < b.step for a, b in pairwise(frames))
    last = frames[-1].x
    assert last.min() >= 0 and last.max() <= 1 and torch.isfinite(last).all()
    assert torch.equal(model.sample(5, generator(0)), last.detach())
    assert not model.sample(2, generator(0)).requires_grad


@pytest.mark.slow
@having("Samples", cases=SHIPPED)
def test_the_same_seed_gives_the_same_picture_on_one_thread_or_four(model):
    threads = torch.get_num_threads()
    pictures = []
    try:
        for count in (1, 1, 4):
            torch.set_num_threads(count)
            pictures.append(model.sample(4, generator(3)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(pictures[0], pictures[1])
    # Four threads may add in another order; no grey level may change by it.
    assert (pictures[0] - pictures[2]).abs().max() < 0.5 / 255
    assert not torch.equal(pictures[0], model.sample(4, generator(4)))


@having("Samples")
def test_conditional_models_honour_the_label(model):
    if "Conditional" not in capabilities(model):
        assert not classes_of(model)
        return
    assert classes_of(model) >= 1
    pictures = [model.sample(3, generator(0), label) for label in (0, 1, torch.tensor([0, 1, 1]))]
    assert not torch.equal(pictures[0], pictures[1])
    # One label an image: each is as it is where all have that label.
    torch.testing.assert_close(pictures[2][0], pictures[0][0], atol=1e-4, rtol=0)
    torch.testing.assert_close(pictures[2][1:], pictures[1][1:], atol=1e-4, rtol=0)
    model.sample(3, generator(0))  # and none at all is fine
    for wrong in (-1, classes_of(model)):
        refused(model.sample, 3, generator(0), wrong)


# -- keeping ---------------------------------------------------------------------------------------


def results(model) -> dict[str, torch.Tensor]:
    """Whatever this model can do, as tensors."""
    x, can = images(model), capabilities(model)
    found = {}
    with torch.no_grad():
        if "Samples" in can:
            found["sample"] = model.sample(2, generator(0))
        if "Encodes" in can:
            found["encode"] = model.encode(x)
        if "HasLikelihood" in can:
            found["nats"] = model.log_likelihood(x, generator(0), **effort(model)).nats
        if "HasEnergy" in can:
            found["energy"] = model.energy(x)
        if "Discriminates" in can:
            found["verdict"] = model.verdict(x)
        if "Classifies" in can:
            found["logits"] = model.classify(x)
        if "Translates" in can:
            found |= {each: model.translate(x, each) for each in model.directions}
        if "WritesText" in can:
            found["text"] = model.text_predict(torch.arange(20).view(2, 10))
    return found


@pytest.mark.slow
def test_saving_and_loading_gives_the_same_output(case, tmp_path):
    model = build(case)
    header = Header(
        name="kept",
        family=case.family,
        title="Kept",
        about="A test.",
        config={k: list(v) if isinstance(v, tuple) else v for k, v in vars(model.config).items()},
        recipe={"train": {"batch_size": 1}},
        seed=0,
        data={"name": "none", "split": "train", "n": 0, "sha256": "", "classes": []},
        training={"steps": 0, "epochs": 0, "minutes": 0, "hardware": "", "precision": ""},
        parameters=sum(p.numel() for p in model.parameters()),
        capabilities=capabilities(model),
    )
    loaded = weights.load(weights.save(model, header, tmp_path / "kept"))
    assert not loaded.training
    assert loaded.config == model.config and capabilities(loaded) == capabilities(model)
    # What is stored is half precision: the model that was rounded so is what must come back.
    model.load_state_dict(
        {k: v.half().float() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    )
    for key, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[key]), key
    before, after = results(model), results(loaded)
    assert before
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-4, atol=1e-3, msg=name)
    again = weights.load(weights.save(loaded, header, tmp_path / "again"))
    for name, value in results(again).items():
        assert torch.equal(value, after[name]), f"{name} changes with each saving"


def test_a_judge_trained_on_mirrored_images_does_not_see_the_difference():
    settings = {"image": [1, 8, 8], "width": 16, "blocks": 1, "mirror": True}
    judge = weights.build("classifier", settings)
    x = torch.rand(4, 1, 8, 8, generator=generator(0))
    with torch.no_grad():
        judge.train()
        assert not torch.allclose(judge.features(x), judge.features(x.flip(3)), atol=1e-5)
        judge.eval()
        assert torch.allclose(judge.features(x), judge.features(x.flip(3)), atol=1e-5)
        assert torch.allclose(judge.classify(x), judge.classify(x.flip(3)), atol=1e-5)
