"""Consistency models: their mathematics against closed forms, and what a student keeps."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors import safe_open

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.contract.random import generator
from models.families.diffusion import consistency
from models.families.diffusion.consistency import Consistency, ConsistencyConfig, multistep
from models.families.diffusion.diffusion import Diffusion
from models.families.diffusion.schedules import skip_and_out
from models.training import train
from models.training.recipe import load_recipe, recipe_names
from tests.conftest import tiny_recipe

MEAN, SPREAD = 0.3, 0.4  # of Gaussian data, as the network sees pictures
NET = {"image": (1, 8, 8), "width": 8, "halvings": 0, "middle": 1, "num_classes": 10}


class OfGaussians(Diffusion):
    """The denoiser of N(MEAN, SPREAD^2) pixels: no network, the formula."""

    def predict(self, x, level, label):
        sigma = level[:, None, None, None]
        best = MEAN + SPREAD**2 / (SPREAD**2 + sigma**2) * (x - MEAN)
        skip, out = skip_and_out("edm", sigma, self.config.sigma_data)
        return (best - skip * x) / out


def along(x, level, end):
    """Where the ODE of Gaussian data takes x at a level, at the level ``end``: deviations from the
    mean grow as that of the noised data does."""
    return MEAN + ((SPREAD**2 + end**2) / (SPREAD**2 + level**2)) ** 0.5 * (x - MEAN)


def student(**values) -> Consistency:
    torch.manual_seed(0)
    model = Consistency(ConsistencyConfig(**{**NET, "teacher": "gaussians", **values}))
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def teacher() -> OfGaussians:
    return OfGaussians(Diffusion.Config(**NET)).requires_grad_(False)


def test_at_the_lowest_level_a_picture_is_its_own_end_exactly():
    model, x = student(), torch.randn(5, 1, 8, 8)
    assert torch.equal(model.denoised(x, model.config.low, 3), x)
    assert not torch.equal(model.denoised(x, 2 * model.config.low, 3), x)


def test_without_that_level_the_scales_are_those_of_the_teacher():
    level = torch.tensor([0.05, 1.0, 30.0])
    ours = consistency.skip_and_out(level, 0.0, 0.6)
    for mine, theirs in zip(ours, skip_and_out("edm", level, 0.6), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_student_begins_as_its_teacher():
    model, of = student(low=1e-4), Diffusion(Diffusion.Config(**NET))
    for parameter in of.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.learn_from(of)
    x = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(
        model.denoised(x, 2.0, 3), of.denoised(x, 2.0, 3), atol=1e-3, rtol=1e-3
    )


def test_all_points_of_a_path_lead_to_the_end_that_is_known_for_gaussian_data():
    model = student(path=80)
    model.learn_from(teacher())
    levels = model.training_levels(generator(0)).tolist()
    noise = levels[0] * torch.randn(6, 1, 8, 8, generator=generator(1))
    label = torch.tensor([0, 10, 3, 10, 5, 9])
    points, end = model.path(noise, levels, label)
    assert points.shape == (80, 6, 1, 8, 8) and torch.equal(points[0], noise)
    for x, level in zip(points, levels, strict=True):
        torch.testing.assert_close(x, along(noise, levels[0], level), atol=0.01, rtol=0.01)
        torch.testing.assert_close(along(x, level, 0.0), end, atol=0.01, rtol=0)


def test_the_loss_is_least_where_the_function_is_the_true_one(monkeypatch):
    model = student(path=40)
    model.learn_from(teacher())
    x, y = torch.rand(4, 1, 8, 8), torch.arange(4)

    def loss() -> float:
        (objective,) = model.objectives(x, y, generator(0))
        return objective.loss.item()

    before = loss()
    exact = lambda x, level, label: along(x, level[:, None, None, None], 0.0)  # noqa: E731
    monkeypatch.setattr(model, "end", exact)
    assert before > 1 and loss() < 0.02


def test_levels_of_the_training_reach_from_end_to_end():
    model = student(path=8)
    drawn = torch.stack([model.training_levels(generator(k)) for k in range(50)])
    assert drawn.shape == (50, 8) and (drawn[:, 0] == 80).all()
    assert (drawn.diff(dim=1) < 0).all() and drawn.min() > model.config.low
    assert drawn[:, 4].std() > 0.1, "another length of the steps each time"


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_noise_put_back_keeps_the_distribution_where_the_function_is_exact(steps):
    model, low = student(), 0.01
    levels = model.levels(steps)
    assert len(levels) == steps + 1 and levels[-1] == 0 and (levels.diff() < 0).all()
    x = levels[0] * torch.randn(400, 1, 8, 8, generator=generator(5))
    exact = lambda x, level: along(x, level, low)  # noqa: E731
    walked = list(multistep(exact, x.float(), levels, low, generator(6)))
    assert [step.evaluations for step in walked] == [*range(1, steps + 1), steps]
    found, n = walked[-1].x, x.numel()
    assert abs(found.mean() - MEAN) < 5 * SPREAD / n**0.5
    assert abs(found.std() - SPREAD) < 5 * SPREAD / (2 * n) ** 0.5
    for step in walked[1:-1]:  # on its way, a picture under as much noise as is said
        wanted = (SPREAD**2 + step.level**2) ** 0.5
        assert abs(step.x.std() - wanted) < 5 * wanted / (2 * n) ** 0.5


def test_a_level_above_which_there_is_no_room_takes_fewer_evaluations():
    model = student()
    assert model.levels(4, high=0.02).tolist() == [0.02, 0.0]
    with pytest.raises(ValueError, match="1 to 8 steps"):
        model.levels(9)


def test_student_and_teacher_begin_with_the_same_noise_and_classes():
    of = Diffusion(Diffusion.Config(**NET))
    mine = next(iter(student().sample_steps(5, generator(3), steps=2)))
    theirs = next(iter(of.sample_steps(5, generator(3), steps=4)))
    assert torch.equal(mine.x, theirs.x)
    assert torch.equal(mine.info["label"], theirs.info["label"])


def test_more_evaluations_begin_with_the_same_picture():
    model = student()
    one, two = (list(model.sample_steps(3, generator(3), steps=k)) for k in (1, 2))
    assert torch.equal(one[0].x0, two[0].x0) and torch.equal(one[-1].x, one[0].x0)
    assert not torch.equal(two[-1].x, one[-1].x)


@pytest.mark.parametrize(
    "other", [{"width": 16}, {"num_classes": 0}, {"sigma_data": 0.7}, {"prediction": "v"}]
)
def test_a_teacher_that_does_not_fit_is_refused(other):
    with pytest.raises(ValueError, match="The teacher 'gaussians' has"):
        student().learn_from(Diffusion(Diffusion.Config(**{**NET, **other})))


def test_a_teacher_is_named_and_no_path():
    for wrong in ("../judge", "/tmp/model", "a b"):
        with pytest.raises(ValueError, match="name of a shipped model"):
            student(teacher=wrong)


def test_without_a_teacher_the_end_is_learned_from_level_to_level():
    """Of one picture alone every path ends in it."""
    model = student(teacher="", num_classes=0, path=6, high=20.0)
    x = torch.rand(1, 1, 8, 8, generator=generator(1)).repeat(16, 1, 1, 1)
    noise = 20 * torch.randn(16, 1, 8, 8, generator=generator(2))

    def far() -> float:
        with torch.no_grad():
            return float((model.denoised(noise, 20.0) - model.inside(x)).square().mean().sqrt())

    before, optimizer = far(), torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(150):
        (objective,) = model.objectives(x, None, generator(step))
        optimizer.zero_grad()
        objective.loss.backward()
        optimizer.step()
    assert far() < before / 2


# -- a run of it -----------------------------------------------------------------------------------


@pytest.fixture
def taught(tmp_path, monkeypatch, digits):
    """The recipe of a student, whose teacher is among the shipped models."""
    net = {"width": 8, "middle": 1, "halvings": 0, "num_classes": -1}
    of = tiny_recipe(name="of", family="diffusion", train={"steps": 6})
    of.model.clear()
    of.model.update(net)
    monkeypatch.setattr(train, "SHIPPED", tmp_path)
    train.train(of, digits, tmp_path / "of")
    mine = tiny_recipe(name="mine", family="consistency", train={"steps": 6, "batch_size": 8})
    mine.model.clear()
    mine.model.update(net, teacher="of", path=4, points=2)
    return mine


def test_a_run_begins_with_the_teachers_weights_and_keeps_its_own_alone(taught, digits, tmp_path):
    run = train.Run(taught, digits)
    theirs = weights.load(tmp_path / "of").state_dict()
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, theirs[name]), name
    folder = train.train(taught, digits, tmp_path / "mine")
    header, mine = read_header(folder), weights.load(folder)
    assert header.config["teacher"] == "of" and "TakesFewSteps" in header.capabilities
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        assert set(tensors.keys()) == set(mine.state_dict()) == set(theirs)
    assert any(not torch.equal(v, theirs[k]) for k, v in mine.state_dict().items())
    (tmp_path / "of" / "model.safetensors").unlink()  # it is not needed any more
    again = weights.load(folder).sample(2, generator(0))
    assert torch.equal(again, mine.sample(2, generator(0)))


def test_a_run_goes_on_bit_for_bit(taught, digits, tmp_path):
    whole = train.Run(taught, digits)
    for _ in whole.steps():
        pass
    half = train.Run(taught, digits, tmp_path / "half")
    for now in half.steps():
        if now.step == 3:
            break
    half.save_state()
    rest = train.Run(taught, digits, tmp_path / "half")
    rest.resume()
    for _ in rest.steps():
        pass
    assert rest.step == whole.step == 6
    for name, value in whole.ema.state_dict().items():
        assert torch.equal(value, rest.ema.state_dict()[name]), name


def test_a_run_without_its_teacher_says_so(taught, digits):
    lacking = dataclasses.replace(taught, model={**taught.model, "teacher": "nobody"})
    with pytest.raises(ValueError, match="no checkpoint"):
        train.Run(lacking, digits)


def test_the_recipes_of_students_name_teachers_that_fit():
    names = [name for name in recipe_names() if load_recipe(name).family == "consistency"]
    assert "consistency-mnist" in names
    for name in names:
        mine, theirs = load_recipe(name), load_recipe(load_recipe(name).model["teacher"])
        assert mine.data.name == theirs.data.name
        both = [weights.build(r.family, {**r.model, "num_classes": 10}) for r in (mine, theirs)]
        both[0].learn_from(both[1])
