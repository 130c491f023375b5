"""The Compare tab's Costs and gains: axes that hold one space each, and what is measured here."""

from __future__ import annotations

import base64
import csv
import io
import json

import pytest

import explorer
from explorer.tabs.compare import costs, measures
from models.checkpoints import weights
from models.checkpoints.header import read_header
from tests import toys
from tests.explorer.tabs.compare.test_compare import call

JUDGE = {"space": "judge of digits", "n": 2048, "stderr": 0.5}
METRICS = {
    "exact": {
        "nll_nats": {"value": 80.0, "stderr": 0.2, "n": 100, "space": "binary", "kind": "exact"},
        "fd_over_floor": {"value": 30.0, **JUDGE},
        "kid": {"value": 0.5, **JUDGE},
    },
    "bound": {
        "nll_nats": {"value": 90.0, "n": 100, "space": "binary", "kind": "lower bound"},
        "fd_over_floor": {"value": 0.5, **JUDGE},
    },
    "grey": {
        "nll_nats": {"value": 600.0, "n": 100, "space": "uint8", "kind": "estimate"},
        "fd_over_floor": {"value": 2.0, **JUDGE},
    },
    "asked": {
        "nll_nats": {"value": 70.0, "n": 100, "space": "binary", "note": "given its class"},
        "nll_nats.any_class": {"value": 75.0, "n": 10, "space": "binary"},
        "fd_over_floor": {"value": 3.0, **JUDGE, "n": 10000},
        "kid": {"value": 0.1, **JUDGE, "n": 10000},
    },
}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, metrics in METRICS.items():
        target = toys.write(folder, name, data="digits", image=(1, 8, 8))
        header = read_header(target)
        values = {**json.loads(header.to_json()), "metrics": metrics}
        values["training"] |= {"minutes": 5.0, "hardware": "1 threads of an x86_64 CPU"}
        if name == "grey":
            values["training"]["hardware"] = "NVIDIA H200"
        weights.save(weights.load(target), type(header)(**values), target)
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    yield context
    context.visitors.close()


def shown(context, **asked):
    return call(context, "costs", "show", name="exact", **asked)


def axis(table, key, word=""):
    return next(a for a in table if a.key.startswith(key) and word in a.space)


def test_no_axis_holds_numbers_of_two_spaces(context):
    table = measures.table_of(context, list(METRICS))
    assert set(table[axis(table, "nll_nats", "black")]) == {"exact", "bound", "asked"}
    assert set(table[axis(table, "nll_nats", "256")]) == {"grey"}
    # p(x given y) is no p(x); a distance depends on how many samples were measured.
    given = table[axis(table, "nll_given")]
    assert given["asked"].value == 70 and len(given) == 1
    assert table[axis(table, "nll_nats", "black")]["asked"].value == 75
    assert set(table[axis(table, "fd_over_floor", "2,048")]) == {"exact", "bound", "grey"}
    assert set(table[axis(table, "kid")]) == {"exact", "asked"}  # it has no bias by their number
    assert set(table[axis(table, "minutes", "CPU")]) == {"exact", "bound", "asked"}
    for found, each in table.items():
        spaces = {
            (METRICS[name].get(found.key.partition(".")[0]) or {}).get("space") for name in each
        }
        assert len(spaces - {None}) <= 1, found


def test_the_plot_begins_with_a_likelihood_and_a_quality_that_most_share(context):
    final = shown(context)
    plot = final["plot"]
    points = {point["key"]: point for point in plot["points"]}
    assert set(points) == {"exact", "bound"}
    assert {other["key"] for other in plot["others"]} == {"grey", "asked"}
    one = points["exact"]
    assert (one["x"], one["y"], one["x_error"], one["kind"]) == (80, 30, 0.2, "exact")
    assert one["on"] and not points["bound"]["on"]
    assert plot["y"]["log"] and not plot["x"]["log"] and plot["x"]["bound"]
    assert "lower is better" in plot["x"]["name"] and "black and white" in plot["x"]["name"]
    assert "at most, by a bound" in points["bound"]["says"]
    assert final["status"]["text"].startswith("2 of 4 models of Digits have both numbers.")
    assert final["x"].value == "" and final["x"].choices[0][0].startswith("Usual: −log p(x)")


def test_axes_are_chosen_and_one_that_there_is_not_is_the_usual_one(context):
    table = measures.table_of(context, list(METRICS))
    quality = axis(table, "fd_over_floor", "2,048").key
    final = shown(context, x="parameters", y=quality)
    assert {point["key"] for point in final["plot"]["points"]} == {"exact", "bound", "grey"}
    assert final["x"].value == "parameters" and final["y"].value == quality
    assert shown(context, x="nothing.at-all")["x"].value == ""
    assert costs.axis_text(quality) == quality
    with pytest.raises(ValueError, match="no axis"):
        costs.axis_text("a b")


def test_columns_of_a_group_are_of_one_space_and_of_one_hardware(context):
    table = shown(context)["table"]
    groups = {row["cells"][0][0]: row["group"] for row in table["rows"]}
    assert groups["Exact"] == groups["Bound"] != groups["Grey"] != groups["Asked"]
    assert "256 grey levels" in groups["Grey"] and "10,000 samples" in groups["Asked"]
    heads = [column["name"] for column in table["columns"]]
    cells = {row["cells"][0][0]: dict(zip(heads, row["cells"], strict=True))
             for row in table["rows"]}  # fmt: skip
    assert cells["Exact"]["−log p(x), nats"] == ["80.0 ± 0.2", 80]
    assert cells["Bound"]["Kind"][0] == "a bound"
    assert cells["Asked"]["Kind"][0] == "mean over the classes"
    assert cells["Exact"]["Minutes of training, 1 CPU thread"] == ["5", 5]
    assert cells["Grey"]["Minutes of training, 1 CPU thread"] == ["–", None]


def test_the_chosen_model_shows_its_samples_and_all_its_numbers(context):
    [card] = shown(context)["samples"]["groups"][0]["cards"]
    assert card["key"] == "exact" and card["sprite"]["n"] == costs.SHOWN
    assert card["lines"][0] == "−log p(x) 80.0 ± 0.2 nats, exact, black and white"


def test_speed_is_measured_once_for_everybody_and_is_an_axis_then(context):
    place = context.built["compare_costs"]
    steps = list(place.call(place.main, None, "exact", place.asked()))
    assert [step["plot"] for step in steps if "plot" in step][-1]["x"]["name"].startswith("Time")
    assert "pictures at once" in steps[-1]["status"]["text"]
    kept = context.ask.cache.get(("compare-pace", "exact"))
    assert kept > 0
    list(place.call(place.main, None, "bound", place.asked()))
    assert context.ask.cache.get(("compare-pace", "exact")) == kept
    final = shown(context, x="pace", y="parameters")
    assert {point["x"] for point in final["plot"]["points"] if point["key"] == "exact"} == {
        1000 * kept
    }
    scope: dict = {}
    exec(final["code"], scope)
    assert len(scope["facts"]) == 4 and all(pace > 0 for pace, _ in scope["facts"].values())


def test_the_code_shown_reads_the_numbers(context):
    final = shown(context)
    scope: dict = {}
    exec(final["code"], scope)
    told = {name.rpartition("/")[2]: values for name, values in scope["facts"].items()}
    for point in final["plot"]["points"]:
        nats, quality = told[point["key"]]
        assert (nats["value"], quality["value"]) == (point["x"], point["y"])


def test_the_file_has_a_number_a_row(context):
    saved = costs.save(context, "exact", context.built["compare_costs"].asked(), "csv")
    text = base64.b64decode(saved["b64"]).decode("utf-8-sig")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["quantity"] == "−log p(x)"]
    by_model = {row["model"]: row for row in rows}
    assert by_model["exact"]["value"] == "80.0" and by_model["exact"]["kind"] == "exact"
    assert by_model["grey"]["space"] == "256 grey levels" and len(rows) == 4
