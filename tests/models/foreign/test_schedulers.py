"""The mathematics of diffusers' schedulers, against numbers that diffusers wrote itself."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from models.contract.random import generator
from models.families.diffusion import samplers
from models.families.diffusion.schedules import SCHEDULES
from models.foreign.folder import SCHEDULERS, scheduler_settings
from models.foreign.schedulers import PURE, scheduler
from tests.models.foreign.reference import CASES, DDIM, EDM, FILE, FLOW, Case, formula, start

BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def reference() -> dict[str, torch.Tensor]:
    return load_file(FILE)


def process_of(case: Case):
    return scheduler(scheduler_settings({"_class_name": case.scheduler, **case.settings}))


def walk(case: Case, network=formula):
    z, streams = start()
    return list(process_of(case).walk(network, z, case.steps, streams, **case.knobs))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_walk_is_that_of_diffusers(case, reference):
    x, x0 = reference[f"{case.name}/x"], reference[f"{case.name}/x0"]
    moments = walk(case)
    assert [moment.index for moment in moments] == list(range(case.steps + 1))
    for moment, there in zip(moments, x, strict=True):
        # In the range of pictures: at the highest levels of EDM x itself goes to hundreds.
        torch.testing.assert_close(moment.scale * moment.x, moment.scale * there, rtol=0, atol=1e-4)
    if case.scheduler != FLOW:
        for moment, guess in zip(moments, x0, strict=False):
            torch.testing.assert_close(moment.x0, guess, rtol=1e-4, atol=1e-4)


def test_every_scheduler_and_spacing_is_among_the_cases():
    assert {case.scheduler for case in CASES} == set(SCHEDULERS)
    spacings = {(case.scheduler, case.settings.get("timestep_spacing")) for case in CASES}
    assert {(DDIM, "linspace"), (DDIM, "trailing"), (DDIM, None)} <= spacings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guess_at_a_level_is_the_one_on_the_walk(case):
    """What our samplers ask, x_0 under x_0 + sigma n, is what the walk has at that level."""
    process = process_of(case)
    for moment in walk(case)[:-1]:
        if moment.level >= process.high and process.predicts in ("velocity", "v"):
            continue  # pure noise: an infinite level, ours ends before it
        level = torch.full((len(moment.x),), moment.level)
        to_ours = 1.0 if case.scheduler == EDM else float(process.schedule.alpha(level)[0])
        x = moment.x / to_ours
        guess = process.denoised(formula, x, level)
        torch.testing.assert_close(guess, moment.x0, rtol=2e-3, atol=2e-4)


def test_our_ddim_at_the_same_levels_is_theirs():
    """Our sampler knows nothing of diffusers: only the levels are those of its indices. Without
    clipping, for ours carries that into the noise and theirs does not."""
    case = Case("", DDIM, {"clip_sample": False}, 10)
    process, (z, streams) = process_of(case), start()
    times = process.times(10)
    ours = list(
        samplers.ddim(
            lambda x, level: process.denoised(formula, x, torch.full((len(x),), level)),
            z / float(process.bar[times[0]].sqrt()),
            [*process.levels[times].tolist(), 0.0],
            streams,
        )
    )
    for step, moment in zip(ours, walk(case), strict=True):
        alpha = (1 + step.level**2) ** -0.5
        torch.testing.assert_close(alpha * step.x, moment.x, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["ddpm", "ddim cosine"])
def test_a_process_that_is_one_of_ours_is_known_as_it(name):
    process = process_of(BY_NAME[name])
    assert process.schedule is SCHEDULES["ddpm" if name == "ddpm" else "cosine"]


def test_a_process_of_its_own_has_its_own_levels():
    process = process_of(BY_NAME["ddim scaled"])
    assert process.schedule.name == "own" and "scaled linear" in process.schedule.title
    t = (torch.arange(1000, dtype=torch.float64) + 1) / 1000
    torch.testing.assert_close(process.schedule.level(t), process.levels, rtol=1e-4, atol=0)


def test_times_between_two_entries_of_the_table_lie_between_them():
    process = process_of(BY_NAME["ddpm"])
    at = torch.tensor([0, 1, 500, 998, 999])
    torch.testing.assert_close(process.time(process.levels[at].float()), at.float())
    between = process.time((process.levels[[400]] * process.levels[[401]]).sqrt().float())
    assert 400 < float(between) < 401
    far = process.time(torch.tensor([1e-9, 1e9]))
    assert far.tolist() == [0, 999]


def test_pure_noise_at_the_end_leaves_finite_levels():
    process = process_of(BY_NAME["ddim v"])
    assert float(process.bar[-1]) == 0 and process.high == PURE
    assert process.schedule.levels(7, process.low, process.high).isfinite().all()
    first = walk(BY_NAME["ddim v"])[0]
    assert first.level == process.high and first.x0.isfinite().all()


@pytest.mark.parametrize(
    ("name", "steps", "sentence"),
    [
        ("ddpm", 0, "1 to 1,000 steps"),
        ("ddpm", 1001, "1 to 1,000 steps"),
        ("ddpm offset", 1000, "fewer steps"),
        ("edm", 0, "at least one step"),
        ("flow", 0, "at least one step"),
    ],
)
def test_a_number_of_steps_that_it_has_not_is_a_sentence(name, steps, sentence):
    z, streams = start()
    with pytest.raises(ValueError, match=sentence):
        next(process_of(BY_NAME[name]).walk(formula, z, steps, streams))


def test_eta_out_of_its_range_is_a_sentence():
    with pytest.raises(ValueError, match="eta goes from 0"):
        next(process_of(BY_NAME["ddim"]).walk(formula, start()[0], 5, generator(0), eta=1.5))
