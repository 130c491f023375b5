"""Runs of visitors: bounded, stoppable, each in a process of its own that may die in any way."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.server import jobs, visitors
from explorer.server.jobs import JobError, Jobs, Limits
from explorer.server.visitors import Visitors

FAKE = (sys.executable, "-S", str(Path(__file__).parents[2] / "fake_worker.py"))
SLOW_TO_START = "import os, sys, time; time.sleep(1); os.execv(sys.argv[1], sys.argv[1:])"
LONG = {"steps": 10_000, "seconds": 0.02}


def until(holds, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)


@pytest.fixture
def runs():
    made = []

    def make(**limits) -> Jobs:
        made.append(Jobs(Limits(**limits), command=FAKE))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def people(runs):
    made = []

    def make(forget=lambda names: None, grace=60.0, sweep=5.0, **limits) -> Visitors:
        made.append(Visitors(runs(**limits), forget, grace, sweep))
        return made[-1]

    yield make
    for each in made:
        each.close()


def ended(job) -> bool:
    return job.state == "ended"


# -- one run --------------------------------------------------------------------------------------


def test_a_run_goes_to_its_end_and_tells_what_it_did(runs, tmp_path):
    job = runs().start("mine", {"steps": 5}, tmp_path)
    until(lambda: ended(job))
    assert not job.problem and "5 steps" in job.words
    assert job.curves["loss"].points == [(k, k) for k in range(1, 6)]
    assert job.kept == 5 and (tmp_path / "mine/model.safetensors").read_text() == "5"


def test_pause_one_step_go_on_and_stop_each_take_effect_within_a_second(runs, tmp_path):
    everything = runs()
    job = everything.start("mine", LONG, tmp_path)
    until(lambda: job.progress)
    job.tell("pause")
    until(lambda: job.state == "paused", 1)
    step = job.progress["step"]
    time.sleep(0.1)
    assert job.progress["step"] == step
    job.tell("step")
    until(lambda: job.progress["step"] == step + 1, 1)
    time.sleep(0.1)
    assert job.progress["step"] == step + 1
    job.tell("go")
    until(lambda: job.state == "running" and job.progress["step"] > step + 1, 1)
    everything.stop(job)
    assert job.state == "stopping"
    until(lambda: ended(job), 1)
    assert not job.problem and job.words == f"Stopped at step {job.kept:,}."


def test_a_run_that_does_not_hear_is_ended_and_keeps_its_snapshot(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "STOP_SECONDS", 0.2)
    everything = runs()
    job = everything.start("mine", {**LONG, "ends": "deaf"}, tmp_path)
    until(lambda: job.kept)
    process = job.process
    everything.stop(job)
    until(lambda: ended(job), 3)
    assert not process.alive
    assert job.words == "Stopped. What it had learned by step 2 is kept."


def test_a_pause_that_is_too_long_ends(runs, tmp_path):
    job = runs(paused_minutes=0.2 / 60).start("mine", LONG, tmp_path)
    until(lambda: job.progress)
    job.tell("pause")
    until(lambda: ended(job))
    assert "pause" in job.words


@pytest.mark.parametrize(
    ("ends", "words"), [("failed", "stopped being finite"), ("killed", "memory ran out")]
)
def test_a_run_that_dies_says_so_keeps_its_snapshot_and_harms_nobody(runs, tmp_path, ends, words):
    everything = runs(jobs=2)
    other = everything.start("other", {"steps": 30, "seconds": 0.02}, tmp_path / "b")
    job = everything.start("mine", {"steps": 9, "ends": ends}, tmp_path / "a")
    until(lambda: ended(job))
    assert job.problem and words in job.words and job.words.endswith("step 2 is kept.")
    assert (tmp_path / "a/mine/model.safetensors").read_text() == "2"
    until(lambda: ended(other))
    assert not other.problem and other.kept == 30


def test_a_worker_that_cannot_start_is_a_sentence(tmp_path):
    broken = Jobs(Limits(), command=(sys.executable, "-c", "raise SystemExit(3)"))
    job = broken.start("mine", {}, tmp_path)
    until(lambda: ended(job))
    assert job.problem and "memory ran out" in job.words
    broken.close()


# -- the queue ------------------------------------------------------------------------------------


def test_the_queue_is_bounded_and_goes_in_order(runs, tmp_path):
    everything = runs(jobs=1, waiting=2)
    first, second, third = (everything.start(n, LONG, tmp_path / n) for n in "abc")
    with pytest.raises(JobError, match="2 runs are waiting"):
        everything.start("d", LONG, tmp_path / "d")
    until(lambda: first.progress)
    assert [second.state, third.state] == ["waiting", "waiting"]
    assert [everything.place(j) for j in (second, third)] == [0, 1]
    everything.stop(second)
    assert ended(second) and "before it began" in second.words
    everything.stop(first)
    until(lambda: third.progress)
    assert second.progress == {}


def test_no_run_where_training_is_off(runs, tmp_path):
    off = runs(jobs=0)
    with pytest.raises(JobError, match="switched off"):
        off.start("a", {"steps": 1}, tmp_path)
    with pytest.raises(JobError, match="switched off"):
        off.ask("estimate", tmp_path, "estimated")


def test_an_estimate_is_made_in_the_warm_process_which_the_run_then_takes(runs, tmp_path):
    everything = runs()
    assert everything.ask("estimate", tmp_path, "estimated")["folder"] == str(tmp_path)
    warm = everything._spare
    job = everything.start("mine", {"steps": 3, "seconds": 0.05}, tmp_path)
    until(lambda: job.process is not None)
    assert job.process is warm
    until(lambda: ended(job))
    assert not job.problem


def test_an_estimate_that_takes_too_long_or_is_not_wanted_any_more_is_ended(
    runs, tmp_path, monkeypatch
):
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0.2)
    everything, slow = runs(), {"ends": "slow"}
    with pytest.raises(JobError, match="too long"):
        everything.ask("estimate", tmp_path, "estimated", seconds=0.3, recipe=slow)
    with pytest.raises(JobError, match="Stopped"):
        everything.ask("estimate", tmp_path, "estimated", wanted=lambda: False, recipe=slow)
    # One that hurries keeps its process, so that the run which hurried it begins at once.
    everything.prepare()
    warm = everything._spare
    assert warm.ready.wait(20)
    everything.ask("estimate", tmp_path, "estimated", wanted=lambda: False)
    assert everything._spare is warm and warm.alive
    assert everything.ask("estimate", tmp_path, "estimated")["parameters"] == 1


def test_what_takes_minutes_has_a_process_of_its_own_and_holds_nobody_up(runs, tmp_path):
    everything, done = runs(), []

    def measure() -> None:
        with pytest.raises(JobError, match="too long"):
            everything.ask("measure", tmp_path, "measured", 1.5, apart=True,
                           recipe={"ends": "slow"})  # fmt: skip
        done.append(True)

    thread = threading.Thread(target=measure)
    thread.start()
    assert everything.ask("estimate", tmp_path, "estimated")["parameters"] == 1
    assert not done
    thread.join()
    assert done and everything._spare.alive


def test_a_run_takes_a_process_that_is_still_getting_ready(runs, tmp_path):
    everything, wanted = runs(), []
    everything.command = (sys.executable, "-c", SLOW_TO_START, *FAKE)
    everything.prepare()
    warm = everything._spare
    with pytest.raises(JobError, match="Stopped"):
        everything.ask("estimate", tmp_path, "estimated", wanted=lambda: wanted.append(1))
    assert wanted and warm.alive and not warm.ready.is_set()
    job = everything.start("mine", {"steps": 3}, tmp_path)
    until(lambda: ended(job))
    assert not job.problem and job.kept == 3 and not warm.alive


def test_a_curve_stays_small_and_keeps_its_ends():
    series = jobs.Series()
    for k in range(5000):
        series.add(k, 2.0 * k)
    assert len(series.points) <= jobs.MOST_POINTS
    assert series.points[-1] == (4999, 9998.0) and series.points[0][0] < 50
    gaps = {b[0] - a[0] for a, b in zip(series.points, series.points[1:-1], strict=False)}
    assert gaps == {16} and len(series.points) > jobs.MOST_POINTS / 2
    # A mean of values on a line, told at its last step: half a gap behind.
    assert all(abs(value - 2 * (step - 7.5)) < 1e-9 for step, value in series.points[:-1])


# -- visitors -------------------------------------------------------------------------------------


def test_a_page_loaded_anew_finds_its_run_and_nobody_else_does(people):
    everybody = people()
    me = everybody.arrive(None, "page-1")
    job = everybody.begin(me, "mine", LONG)
    everybody.leave("page-1")
    again = everybody.arrive(me.key, "page-2")
    assert again is me and again.job is job and everybody.of("page-2") is me
    other = everybody.arrive("guess", "page-3")
    assert other is not me and other.job is None and other.folder != me.folder
    with pytest.raises(JobError, match="load it anew"):
        everybody.of("page-4")
    with pytest.raises(JobError, match="goes on"):
        everybody.begin(me, "second", LONG)


def test_a_visitor_who_leaves_takes_everything_along(people):
    forgotten = []
    everybody = people(forgotten.extend, grace=0.3, sweep=0.05)
    me, other = everybody.arrive(None, "a"), everybody.arrive(None, "b")
    job = everybody.begin(me, "mine", LONG)
    until(lambda: job.kept)
    everybody.keep(me, "model", job.folder)
    process = job.process
    everybody.leave("a")
    everybody.bye(me.key)
    time.sleep(0.1)
    assert job.live  # the grace time: a page that is loaded anew
    until(lambda: len(everybody) == 1)
    until(lambda: not me.folder.exists())
    assert ended(job) and not process.alive and forgotten == ["model"]
    assert everybody.of("b") is other and other.folder.exists()


@pytest.mark.parametrize("first", ["connection", "goodbye"])
def test_a_page_that_sleeps_is_waited_for_longer_than_one_that_is_closed(
    people, monkeypatch, first
):
    now = [0.0]
    monkeypatch.setattr(visitors.time, "monotonic", lambda: now[0])
    everybody = people(grace=60, sweep=3600)
    me, other = everybody.arrive(None, "sleeps"), everybody.arrive(None, "closed")
    if first == "goodbye":
        everybody.bye(other.key)
    everybody.leave("sleeps")
    everybody.leave("closed")
    if first == "connection":
        everybody.bye(other.key)
    now[0] += 61
    everybody.sweep()
    assert len(everybody) == 1 and me.folder.exists() and not other.folder.exists()
    assert everybody.of("sleeps") is me  # it wakes up, and is heard
    now[0] += 60 * visitors.ASLEEP
    everybody.sweep()
    assert everybody.of("sleeps") is me
    # One of two pages goes, the other was silent before.
    everybody.arrive(me.key, "second")
    everybody.bye(me.key)
    everybody.leave("second")
    now[0] += 60 * visitors.ASLEEP
    everybody.sweep()
    assert len(everybody) == 1
    now[0] += 1
    everybody.sweep()
    assert len(everybody) == 0 and everybody._whose == {}


def test_who_sleeps_gives_way_to_those_who_wait_and_keeps_what_was_learned(people):
    everybody = people(grace=0.2, sweep=3600)
    me, other = everybody.arrive(None, "a"), everybody.arrive(None, "b")
    mine = everybody.begin(me, "mine", LONG)
    until(lambda: mine.kept)
    everybody.leave("a")
    time.sleep(0.3)
    everybody.sweep()
    assert mine.live and mine.state != "stopping"  # nobody waits
    theirs = everybody.begin(other, "theirs", {"steps": 3})
    everybody.sweep()
    until(lambda: ended(theirs))
    assert mine.words == visitors.AWAY and not mine.problem
    assert everybody.of("a") is me and (mine.folder / "model.safetensors").is_file()


def test_only_the_newest_models_are_kept(people):
    forgotten = []
    everybody = people(forgotten.extend)
    me = everybody.arrive(None, "a")
    for k in range(9):
        folder = me.folder / str(k)
        folder.mkdir()
        everybody.keep(me, str(k), folder)
    assert list(me.models) == list("345678") and forgotten == list("012")
    assert sorted(p.name for p in me.folder.iterdir()) == list("345678")


def test_twenty_visitors_at_once_each_get_their_own_run(people):
    everybody = people(jobs=4, waiting=20)
    made = {}

    def visit(k: int) -> None:
        visitor = everybody.arrive(None, f"page-{k}")
        made[k] = visitor, everybody.begin(visitor, "mine", {"steps": k + 3})

    threads = [threading.Thread(target=visit, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: all(ended(job) for _, job in made.values()), 40)
    for k, (visitor, job) in made.items():
        assert job.words == f"Done: {k + 3} steps." and visitor.job is job
        assert (visitor.folder / "mine/model.safetensors").read_text() == str(k + 3)
    assert len({visitor.key for visitor, _ in made.values()}) == 20


def test_closing_ends_every_process_and_removes_every_folder(people):
    everybody = people(jobs=2)
    made = [everybody.arrive(None, str(k)) for k in range(3)]
    running = [everybody.begin(v, "mine", LONG) for v in made]
    until(lambda: sum(job.process is not None for job in running) == 2)
    pids = [job.process.pid for job in running if job.process]
    everybody.close()
    until(lambda: all(map(ended, running)))
    assert not any(v.folder.exists() for v in made)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
