"""Runs that somebody watches: what is reported, and every order."""

import base64

import numpy as np
import pytest

from models.plane import film
from models.plane.run import Run
from models.plane.session import Session, asked_data
from models.training import worker


class Wire:
    """Orders from a list, each given when so many moments were reported; reports into a list."""

    def __init__(self, *orders):
        self.orders, self.reports = list(orders), []

    def report(self, what, **values):
        self.reports.append({"is": what, **values})

    @property
    def moments(self):
        packed = [r["packed"] for r in self.reports if r["is"] == "moment"]
        return [film.unpack(base64.b64decode(each)).moments[0] for each in packed]

    def order(self, wait=False):
        if self.orders and (wait or len(self.moments) >= self.orders[0][0]):
            return self.orders.pop(0)[1]
        assert not wait, "nobody will ever order anything"
        return None


def session(wire, method="gaussian-mixture", seconds=30.0, **config):
    run = Run(method, asked_data({"set": "ring", "n": 100, "seed": 0}), config)
    return Session(wire, run, seconds)


def test_a_run_shows_itself_from_its_beginning_to_its_end():
    wire = Wire()
    assert session(wire, components=4).work() == "done"
    first = wire.reports[0]
    assert first["is"] == "started" and first["method"] == "gaussian-mixture"
    truth = film.unpack(base64.b64decode(first["truth"]))
    assert truth.fixed["data"].shape == (100, 2)
    assert first["live"] == {"narrowest": 0.03}
    assert wire.moments[0].step == 0 and set(wire.moments[0].arrays) == {"samples"}
    assert "kl_forward" in wire.moments[-1].measures
    steps = [moment.step for moment in wire.moments]
    assert steps == sorted(steps)


def test_the_true_field_is_told_once_after_the_first_look():
    run = Run("score", asked_data({"set": "ring", "n": 100}), {"width": 8, "depth": 1})
    wire = Wire((4, {"do": "stop"}))
    assert Session(wire, run).work() == "stopped"
    order = [report["is"] for report in wire.reports]
    assert order.count("truth") == 1 and order.index("truth") == order.index("moment") + 2
    (report,) = (report for report in wire.reports if report["is"] == "truth")
    told = film.unpack(base64.b64decode(report["truth"])).fixed
    assert told["data"].shape == (100, 2)
    step = np.ptp(told["true_field"]) / 255
    true = film.true_field(run.model, run.data)
    assert np.abs(told["true_field"] - true).max() <= 0.51 * step


def test_parts_of_a_step_one_by_one_then_on_then_stop():
    wire = Wire(
        (1, {"do": "pause"}), (1, {"do": "step"}), (1, {"do": "step"}), (1, {"do": "step"}),
        (1, {"do": "tune", "values": {"narrowest": 0.1}}), (1, {"do": "stop"}),
    )  # fmt: skip
    assert session(wire, components=4).work() == "stopped"
    parts = [report.get("part") for report in wire.reports if report.get("part")]
    assert parts == ["E", "M", "E"]
    assert [r["words"] for r in wire.reports if r["is"] == "note"] == [
        "From step 1 on: narrowest 0.1."
    ]
    assert wire.moments[-1].step == 1


def test_what_cannot_be_tuned_is_said_and_the_run_goes_on():
    wire = Wire((1, {"do": "tune", "values": {"components": 3}}), (1, {"do": "go"}))
    assert session(wire, components=4).work() == "done"
    notes = [report["words"] for report in wire.reports if report["is"] == "note"]
    assert notes == ["'components' cannot be changed during a run."]


def test_time_is_up():
    wire = Wire()
    assert session(wire, "coupling", 0.05, width=8, depth=1).work() == "time"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"points": []}, "no points"),
        ({"points": [[1, 1]]}, "One point"),
        ({"points": [[1, 1]] * 99}, "one place"),
        ({"points": np.zeros((1_000_000, 2)).tolist()}, "1,000,000 points are more"),
        ({"set": "none"}, "no set 'none'"),
        ({"set": "ring", "n": 3}, "50 to 5,000"),
        ({"set": "mixture", "arguments": {"means": [[0, 0]]}}, "1 to 16 Gaussians"),
        ({"set": "ring", "config": {"width": -1}}, "at least"),
        ({"set": "ring", "method": "none"}, "no method 'none'"),
    ],
)
def test_a_wrong_order_is_one_sentence_and_the_worker_takes_another(tmp_path, order, words):
    wire = Wire()
    asked = {"do": "plane", "method": "coupling", "folder": str(tmp_path), **order}
    assert worker.Worker(wire).obey(asked)
    (report,) = wire.reports
    assert report["is"] == "failed" and words in report["words"] and report["words"][-1] == "."


def test_a_worker_runs_one_after_another(tmp_path):
    wire = Wire()
    hand = worker.Worker(wire)
    order = {
        "do": "plane", "method": "histogram", "set": "ring", "n": 100, "folder": str(tmp_path),
        "config": {"bins": 8}, "seed": 0, "minutes": 1,
    }  # fmt: skip
    assert hand.obey(order) and hand.obey({"do": "stop"}) and hand.obey(order)
    ends = [report for report in wire.reports if report["is"] == "ended"]
    assert [(end["why"], end["step"]) for end in ends] == [("done", 1)] * 2
