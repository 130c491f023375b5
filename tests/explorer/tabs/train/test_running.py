"""A run on the page: it starts, is watched, steered and stopped."""

from __future__ import annotations

import numpy as np
import pytest

import explorer
from explorer.server.jobs import Job, Series
from explorer.tabs import train
from explorer.tabs.train import running, setup, watch
from tests.explorer.server.test_jobs import until
from tests.explorer.tabs.train.conftest import CHOSEN, begin, page, ticked


def test_start_moves_at_once_and_a_second_start_is_refused(context, me):
    final = running.start(context, "toy", page(given='{"train.steps": 5}'))
    assert final.status["kind"] == "busy" and final.timer.active and not final.ahead.visible
    assert me.job.order["recipe"]["train"]["steps"] == 5
    final = running.start(context, "toy", page())
    assert final.status["kind"] == "problem" and "goes on" in final.status["text"]
    assert final.timer.active  # a page that did not know of the run can stop it from here on
    until(lambda: not me.job.live)
    with pytest.raises(ValueError, match="must be a number"):
        running.start(context, "toy", page(given='{"train.steps": null}'))


def test_a_tick_sends_what_is_new_and_nothing_twice(context, me):
    job = begin(context, me)
    until(lambda: job.progress)
    job.tell("pause")
    until(lambda: job.state == "paused")
    first = ticked(context)
    assert first.curves["plots"][0]["lines"][0]["y"][0] == 1
    assert "Paused" in first.status["text"] and first.pause.value == "Go on"
    assert first.start.interactive is False and first.form["locked"] is True
    assert not first.ahead.visible
    assert ticked(context, first.told).keys() == {"status", "told"}
    running.one_step(context, "toy", page())
    until(lambda: job.version > first.told["version"] + 1)
    assert "curves" in ticked(context, first.told)
    assert "Stopping" in running.stop(context, "toy", page()).status["text"]
    until(lambda: not job.live)
    last = ticked(context, first.told)
    assert "Stopped at step" in last.status["text"] and last.timer.active is False
    assert last.start.interactive is True and last.form["locked"] is False


def test_another_page_of_the_same_visitor_sees_the_run_and_a_strangers_does_not(context, me):
    assert train.open_page(context, "toy", page(key=me.key)).ahead.visible
    begin(context, me)
    final = train.open_page(context, "toy", page("second page", key=me.key))
    assert final.timer.active and context.visitors.of("second page") is me
    assert not final.ahead.visible
    final = train.open_page(context, "toy", page("a stranger's page", key=None))
    assert not final.timer.active and final.ahead.visible
    assert context.visitors.of("a stranger's page").job is None
    assert ticked(context, session="a stranger's page").keys() == {"told", "timer"}


def test_a_run_goes_on_whatever_model_is_chosen_meanwhile(context, me):
    """Its part is about no model: nothing is loaded for it, nor falls silent."""
    explorer.build(context)
    request = page().request
    part = context.built["train"]
    [said] = part.call("tick", request, "another model", part.asked(request=request))
    assert said.timer.active is False and not context.store.loaded


def shown(step: int, n: int = 4) -> dict:
    import base64

    raw = np.full((n, 8, 8, 1), step, np.uint8).tobytes()
    packed = {"b64": base64.b64encode(raw).decode(), "n": n, "h": 8, "w": 8, "c": 1}
    scores = {"model_loss": 10.0 - step}
    return {"is": "shown", "step": step, "seconds": 0, "distance": 0.1, "codes": None,
            "pictures": {"samples": packed, "nearest": packed},
            "train": scores, "held_out": {"model_loss": 11.0 - step}}  # fmt: skip


def test_of_a_film_only_the_frames_that_the_browser_lacks_are_sent(tmp_path):
    job = Job("mine", {}, tmp_path)
    for step in range(6):
        job.apply(shown(step))
    whole, rest = watch.film(job), watch.film(job, 4)
    assert whole["rows"][0]["sprite"]["n"] == 6 and whole["from"] == 0
    assert rest["rows"][0]["sprite"]["n"] == 2 and rest["from"] == 4
    assert rest["rows"][0]["captions"] == ["step 4", "step 5"]
    assert [row["name"] for row in whole["rows"]] == ["Samples", "Training pictures"]
    for step in range(6, 60):
        job.apply(shown(step))
    steps = [frame["step"] for frame in job.frames]
    assert len(steps) <= 40 and steps[0] == 0 and steps[-1] == 59 and steps == sorted(set(steps))
    assert watch.film(job)["run"] != whole["run"]


def test_the_gap_between_learned_and_learned_by_heart_is_told(tmp_path):
    job = Job("mine", {}, tmp_path)
    job.started = {"total": 10}
    for step in range(4):
        job.apply(shown(step))
    [plot] = watch.curves(job)["plots"]
    assert plot["note"] == "gap +1" and plot["range"] == [0, 10]
    assert plot["lines"][0]["y"] == [11, 10, 9, 8] and plot["lines"][1]["y"] == [10, 9, 8, 7]


def test_the_two_phases_of_an_energy_are_one_plot_with_their_gap(tmp_path):
    job = Job("mine", {}, tmp_path)
    job.started = {"total": 10}
    for step in range(1, 5):
        for name, value in (("positive_phase", 100 - step), ("negative_phase", 90.0)):
            job.curves.setdefault(name, Series()).add(step, value)
    plots = {plot["title"]: plot for plot in watch.curves(job)["plots"]}
    phases = plots["Energies of two phases"]
    assert [line["name"] for line in phases["lines"]] == ["data", "chains"]
    assert [line["y"] for line in phases["lines"]] == [[99, 98, 97, 96], [90] * 4]
    assert phases["note"].endswith("gap +6") and phases["unit"] == "nats"
    assert not {"Positive phase", "Negative phase"} & plots.keys()


def test_what_is_steered_during_a_run_reaches_it_once(me, tmp_path):
    begun = setup.recipe_of(me, *CHOSEN)
    job, told = Job("mine", {"recipe": begun.to_dict()}, tmp_path), []
    job.started = {"live": {"beta": 1.0, "free_bits": 0.0}}
    job.tell = lambda do, **values: told.append((do, values))
    changed = setup.recipe_of(me, *CHOSEN, '{"train.learning_rate": 0.03, "model.beta": 2}')
    running.steer(job, changed)
    assert told == [("rate", {"value": pytest.approx(10)}), ("tune", {"values": {"beta": 2.0}})]
    running.steer(job, changed)
    assert len(told) == 2
    running.steer(job, begun)
    assert told[2:] == [("rate", {"value": 1.0}), ("tune", {"values": {"beta": 1.0}})]
