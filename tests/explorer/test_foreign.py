"""Models of diffusers on the page: what their headers tell, and tabs that show them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import explorer
from explorer.page.code import explanation, family_title
from explorer.page.part import settled
from explorer.page.picker import card
from explorer.server.abilities import classes_of, guides
from explorer.tabs.compare.fellows import fellows
from explorer.tabs.denoise import noising, schedule, trajectory, watch
from tests.explorer.tabs.denoise.test_denoise import PLAIN
from tests.models.foreign.folders import write

ROOT = Path(__file__).parents[2]
OWN_BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """Two folders whose weights cannot be loaded: what the page knows from headers alone."""
    folder = tmp_path_factory.mktemp("models")
    write(folder / "cats")
    write(folder / "digits", unet={"in_channels": 1, "out_channels": 1, "num_class_embeds": 10})
    return explorer.Context.create(folder, device="cpu")


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """A page with a tiny random pipeline of diffusers: three channels, levels of its own."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    from tests.models.foreign.test_model import network

    folder = tmp_path_factory.mktemp("pipelines")
    net = network(3, 8, classes=3)
    diffusers.DDPMPipeline(net, diffusers.DDIMScheduler(**OWN_BETAS)).save_pretrained(
        folder / "own"
    )
    return explorer.Context.create(folder, device="cpu")


def test_the_picker_says_what_it_is_and_where_it_comes_from(context):
    told = card(context.store.header("cats"))
    assert told["family"] == "Diffusion model of diffusers" == family_title("diffusers")
    assert told["image"] == [3, 16, 16] and "trained elsewhere" in told["about"]
    assert "opened from a diffusers folder" in told["about"] and "$$" in explanation("diffusers")


def test_classes_are_offered_and_guidance_is_not(context):
    header = context.store.header("digits")
    assert classes_of(header) == [str(k) for k in range(10)] and not guides(header)


def test_models_of_unknown_data_are_nobodys_fellows(context):
    assert fellows(context, "cats", None, "Samples") == ["cats"]


def test_reading_folders_loads_neither_torch_nor_diffusers(tmp_path):
    write(tmp_path / "cats")
    code = (
        "import sys\nfrom models.checkpoints.header import read_header\n"
        f"print(read_header({str(tmp_path / 'cats')!r}).name)\n"
        "print([name for name in ('torch', 'diffusers') if name in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["cats", "[]"]


def test_without_diffusers_the_page_says_how_to_get_it(context, monkeypatch):
    for name in [*(n for n in sys.modules if n.split(".")[0] == "diffusers"), "diffusers"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match="pip install diffusers"):
        settled(watch.show(context, "cats", PLAIN))


# -- with diffusers --------------------------------------------------------------------------------


def test_it_is_watched_as_its_scheduler_does(drawing):
    arrived = settled(watch.arrive(drawing, "own", PLAIN.but(sampler="scheduler")))
    assert ("As its scheduler does", "scheduler") in arrived.sampler.choices
    assert arrived.sampler.value == "scheduler" and not arrived.guidance.visible
    assert arrived.schedule.choices[0][0] == "As trained: DDPM, scaled linear, 1,000 steps"
    final = settled(watch.show(drawing, "own", PLAIN.but(sampler="scheduler", steps=5)))
    items = {item["name"]: item["values"] for item in final.numbers["items"]}
    assert items["Evaluations"] == ["1", "2", "3", "4", "5", "5"]
    times = [float(t) for t in items["Time t"]]  # of 1000: 800, 600, 400, 200, 0, the picture
    assert times == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0, 0.0], abs=0.006)
    part = trajectory.finished(drawing, "own", trajectory.Settings(0, 1, "scheduler", 5))
    assert part.x.shape == (6, 1, 3, 8, 8) and part.done


def test_it_is_noised_by_levels_of_its_own(drawing):
    picture = noising.picture_of(drawing, "own", None, 0)
    assert noising.noised(drawing, "own", picture, [0.1, 0.9], 0, None).shape == (2, 3, 8, 8)
    levels = noising.levels_at(drawing, "own", [0.0, 0.5, 1.0], None)
    low, high = drawing.store.get("own").level_range
    assert levels[0] == low and low < levels[1] < levels[2] == pytest.approx(high, rel=1e-3)
    rows = settled(schedule.show(drawing, "own", PLAIN.but(chosen=""))).rows["rows"]
    assert len(rows) == len(trajectory.SCHEDULES)


def test_another_model_on_screen_leaves_the_schedulers_steps(drawing, tmp_path):
    from tests import toys

    toys.write_walker(tmp_path, "walker")
    other = explorer.Context.create(tmp_path, device="cpu")
    arrived = settled(watch.arrive(other, "walker", PLAIN.but(sampler="scheduler", steps=4)))
    assert arrived.sampler.value == "dpm"
    assert "scheduler" not in [key for _, key in arrived.sampler.choices]
