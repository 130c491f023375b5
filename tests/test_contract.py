"""Every family, in every configuration that is shipped, keeps the contract of ``models.base``.

The cases are built from FAMILIES and the recipes: a new one of either is tested by being there.
What a model promises does not depend on how large it is, so most is asked of each case with small
pictures and few channels; what does depend on it (that it can be built, learns in every parameter,
and gives the same picture on one thread or four) of the case as it is shipped.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from itertools import pairwise

import pytest
import torch

from models import FAMILIES, checkpoint, data, family
from models.base import (
    CAPABILITIES,
    GenerativeModel,
    Objective,
    build_config,
    capabilities,
    generator,
)
from models.recipe import load_recipe, recipe_names

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
        info = data.DATASETS.get(recipe.data.name)
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
    for name, most in (("width", 16), ("hidden", 32)):
        if name in fields:
            values[name] = min(most, values.get(name, fields[name]))
    return dataclasses.replace(case, values=values)


SHIPPED = cases()
CASES = [shrunk(case) for case in SHIPPED]


def build(case: Case):
    torch.manual_seed(0)
    model = checkpoint.build(case.family, case.values)
    # Parameters that start at zero hide what they multiply: move every one a little.
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request) -> Case:
    return request.param


@pytest.fixture(params=SHIPPED, ids=lambda case: case.name)
def shipped(request) -> Case:
    return request.param


@pytest.fixture(scope="module")
def model(request):
    return build(request.param)


def class_of(case: Case) -> type:
    """The class of a case's models, which its settings may decide."""
    cls = family(case.family)
    return cls.variant(build_config(cls.Config, case.values))


def having(*names: str, cases: list[Case] = CASES):
    """Runs a test on the model of each case whose family has all these capabilities."""
    methods = [m for name in names for m in vars(CAPABILITIES[name]) if not m.startswith("_")]
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
    known = inspect.signature(model.log_likelihood).parameters
    return {k: v for k, v in {"tolerance": 0.05, "draws": 8}.items() if k in known}


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
        refused(checkpoint.build, name, {"image": shape})


def test_the_family_explains_itself_with_its_equations(case):
    module = inspect.getmodule(family(case.family))
    assert module.__doc__ and "$" in module.__doc__


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


# -- capabilities: having the method is having the capability --------------------------------------


@having()
def test_every_model_can_do_something(model):
    assert set(capabilities(model)) - {"Conditional"}
    assert set(capabilities(model)) <= {*CAPABILITIES, "Conditional"}
    if "Samples" in capabilities(model):
        inherited = type(model).sample_steps is GenerativeModel.sample_steps
        assert not inherited, "sample_steps is only inherited: that is no capability"


@having("Encodes")
def test_encodes(model):
    x = images(model)
    with torch.no_grad():
        z = model.encode(x)
        assert z.shape[0] == 3 and z.dim() in (2, 4) and torch.isfinite(z).all()
        assert torch.equal(z, model.encode(x))
        torch.testing.assert_close(model.encode(x[1:2]), z[1:2], atol=1e-4, rtol=1e-4)
    gives_the_sizes(model.encode, x)


@having("Decodes")
def test_decodes(model):
    with torch.no_grad():
        if "Encodes" in capabilities(model):
            z = model.encode(images(model))
        else:
            z = next(iter(model.sample_steps(3, generator(0)))).info["z"]
        x = model.decode(z)
        assert x.shape == (3, *model.image_shape) and x.dtype == torch.float32
        assert x.min() >= 0 and x.max() <= 1
        torch.testing.assert_close(model.decode(z[1:2]), x[1:2], atol=1e-4, rtol=0)
    refused(model.decode, z[:, 1:])
    refused(model.decode, z[0])


@having("Samples", "Decodes")
def test_a_sample_is_its_code_decoded(model):
    frame = list(model.sample_steps(3, generator(0)))[-1]
    label = frame.info.get("label")
    again = model.decode(frame.info["z"], *([] if label is None else [label]))
    torch.testing.assert_close(again, frame.x, atol=1e-6, rtol=0)


@having("HasLikelihood")
def test_has_likelihood(model):
    x = images(model)
    a, b = (model.log_likelihood(x, generator(5), **effort(model)) for _ in range(2))
    assert a.kind in KINDS and a.space in SPACES
    assert a.nats.shape == (3,) and torch.isfinite(a.nats).all()
    assert torch.equal(a.nats, b.nats)
    assert not a.nats.requires_grad
    assert (a.nats <= 1e-3).all(), "the probability of a discrete picture is at most one"
    if a.kind == "estimate":
        assert a.stderr.shape == (3,) and (a.stderr >= 0).all()
    if a.per_pixel is not None:
        assert a.per_pixel.shape == x.shape
        torch.testing.assert_close(a.per_pixel.sum((1, 2, 3)), a.nats, rtol=1e-4, atol=1e-2)
    for name, value in a.details.items():
        assert len(value) == 3, name
    gives_the_sizes(lambda x: model.log_likelihood(x, generator(0)), x)


@having("HasEnergy")
def test_has_energy(model):
    energy = model.energy(images(model))
    assert energy.shape == (3,) and torch.isfinite(energy).all()
    gives_the_sizes(model.energy, images(model))


@having("Denoises")
def test_denoises(model):
    x0 = model.denoise(images(model), torch.full((3,), 0.5))
    assert x0.shape == (3, *model.image_shape) and torch.isfinite(x0).all()


@having("Completes")
def test_completes(model):
    x = (images(model) > 0.5).float()
    known = torch.zeros_like(x, dtype=torch.bool)
    known[:, :, : x.shape[2] // 2] = True
    last = list(model.complete_steps(x, known, generator(0)))[-1].x
    assert last.shape == x.shape and last.min() >= 0 and last.max() <= 1
    torch.testing.assert_close(last[known], x[known], atol=1 / 255, rtol=0)


@having("WritesPixels")
def test_writes_pixels(model):
    D = math.prod(model.image_shape)
    u = torch.rand((2, D), generator=generator(4))
    label = labels(model, 2)
    for k, name in enumerate(model.orders):
        assert name and sorted(model.order(k).tolist()) == list(range(D))
        frames = list(model.write_steps(u, label, order=k, every=D // 4))
        assert len(frames) == 4 and [f.step for f in frames] == [D // 4 * i for i in (1, 2, 3, 4)]
        x = frames[-1].x
        written = model.order(k)[: D // 2]  # half way, the first half is there and the rest is 0
        half = torch.zeros(2, D).index_copy(1, written, x.flatten(1)[:, written])
        torch.testing.assert_close(frames[1].x.flatten(1), half)
        p = model.predict(x, label, k)
        assert p.shape == (2, *model.image_shape, model.levels)
        torch.testing.assert_close(p.exp().sum(-1), torch.ones_like(x), atol=1e-4, rtol=0)
        taken = p.gather(-1, (x * (model.levels - 1)).round().long()[..., None])[..., 0]
        torch.testing.assert_close(frames[-1].info["nats"], taken, atol=1e-3, rtol=1e-3)
        place = int(model.order(k)[D // 2])
        field = model.receptive_field(x[:1], place, None if label is None else label[:1], k)
        later = model.order(k)[D // 2 :]
        assert field.shape == model.image_shape and (field.flatten()[later] == 0).all()
    refused(model.order, len(model.orders))
    refused(lambda: list(model.write_steps(u, label, temperature=0)))
    gives_the_sizes(model.predict, x)


@having("Discriminates")
def test_discriminates(model):
    x = images(model).requires_grad_()
    d = model.verdict(x, labels(model))
    assert d.shape == (3,) and torch.isfinite(d).all()
    slope = torch.autograd.grad(d.sum(), x)[0]
    assert torch.isfinite(slope).all() and slope.abs().max() > 0, "it is to be differentiated"
    assert model.verdict(x).shape == (3,)
    gives_the_sizes(model.verdict, images(model))


@having("HasCodes")
def test_has_codes(model):
    z = next(iter(model.sample_steps(3, generator(0)))).info["z"]
    assert z.shape == (3, model.latent)
    free = torch.ones(model.latent, dtype=torch.bool)
    for code in model.codes:
        assert code.name and 0 <= code.start < code.stop <= model.latent
        part = z[:, code.start : code.stop]
        assert code.low <= part.min() and part.max() <= code.high
        if code.kind == "categorical":
            assert torch.equal(part.sum(1), torch.ones(3))
        else:
            assert code.kind == "continuous" and part.shape[1] == 1
        assert free[code.start : code.stop].all(), "two codes in one place"
        free[code.start : code.stop] = False
    assert len({code.name for code in model.codes}) == len(model.codes)


@having("Classifies")
def test_classifies(model):
    x = images(model)
    with torch.no_grad():
        features, logits = model.features(x), model.classify(x)
    assert features.dim() == 2 and len(features) == 3 and torch.isfinite(features).all()
    assert logits.shape == (3, model.config.num_classes) and torch.isfinite(logits).all()
    gives_the_sizes(model.features, x)
    gives_the_sizes(model.classify, x)


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
    return found


def test_saving_and_loading_gives_the_same_output(case, tmp_path):
    model = build(case)
    header = checkpoint.Header(
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
    loaded = checkpoint.load(checkpoint.save(model, header, tmp_path / "kept"))
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
    again = checkpoint.load(checkpoint.save(loaded, header, tmp_path / "again"))
    for name, value in results(again).items():
        assert torch.equal(value, after[name]), f"{name} changes with each saving"


def test_a_judge_trained_on_mirrored_images_does_not_see_the_difference():
    settings = {"image": [1, 8, 8], "width": 16, "blocks": 1, "mirror": True}
    judge = checkpoint.build("classifier", settings)
    x = torch.rand(4, 1, 8, 8, generator=generator(0))
    with torch.no_grad():
        judge.train()
        assert not torch.allclose(judge.features(x), judge.features(x.flip(3)), atol=1e-5)
        judge.eval()
        assert torch.allclose(judge.features(x), judge.features(x.flip(3)), atol=1e-5)
        assert torch.allclose(judge.classify(x), judge.classify(x.flip(3)), atol=1e-5)
