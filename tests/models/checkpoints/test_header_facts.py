"""A header's facts that cannot be right are said and left out; what is unharmed still works."""

from __future__ import annotations

import json
import math

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import models.__main__ as cli
from models.checkpoints import weights
from models.checkpoints.header import WEIGHTS, Header, read_header
from models.evaluation.card import anomaly_table, card, models_table
from models.training import recipe
from tests import toys

GOOD = {"value": 0.75, "stderr": 0.01, "n": 100}
BAD = {
    "no table": 3.0,
    "no value": {"stderr": 0.1, "n": 10},
    "a text": {**GOOD, "value": "much"},
    "no number": {**GOOD, "value": math.nan},
    "error": {**GOOD, "stderr": "small"},
    "count": {**GOOD, "n": "many"},
    "list": [1, 2],
    "note": {**GOOD, "note": 5},
    "none": None,
}


@pytest.fixture(autouse=True)
def no_recipes(monkeypatch):
    """``list`` reads them all, each time, and they are not what is asked about here."""
    monkeypatch.setattr(recipe, "recipe_names", list)


@pytest.fixture
def folder(tmp_path):
    target = toys.write(tmp_path, "by-class", num_classes=10)
    header = read_header(target)
    assert header.problems == ()
    return target


def rewrite(folder, change) -> Header:
    """The header after ``change`` had its way with the JSON in the file."""
    file = folder / WEIGHTS
    (folder / "config.json").unlink(missing_ok=True)  # which would contradict it
    with safe_open(file, "numpy") as tensors:
        metadata = dict(tensors.metadata())
    values = json.loads(metadata["header"])
    change(values)
    metadata["header"] = json.dumps(values)
    save_file(load_file(file), file, metadata)
    return read_header(folder)


def everything_reads(header, capsys, folder):
    """Cards, tables and the list: all of them, whatever the header lacks."""
    assert card(header) and models_table([header]) and anomaly_table([header])
    for table in ((), ("--json",), ("--markdown",), ("--markdown", "scores")):
        capsys.readouterr()
        assert cli.main(["list", *table, "--checkpoints", str(folder.parent)]) == 0
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        if table == ("--json",):
            json.loads(out, parse_constant=lambda name: pytest.fail(name))
        for sentence in header.problems:
            assert json.dumps(sentence, ensure_ascii=False)[1:-1] in out + err or sentence in out


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", ["nll_nats", "auroc.typicality.noise", "recall.truncation_0.5"])
def test_a_damaged_metric_is_left_out_and_the_others_stay(folder, capsys, name, kind):
    def change(values):
        values["metrics"] = {"bpd": GOOD, name: BAD[kind]}

    header = rewrite(folder, change)
    assert list(header.metrics) == ["bpd"]
    (sentence,) = header.problems
    assert f"the metric '{name}' is damaged" in sentence and sentence.endswith(".")
    everything_reads(header, capsys, folder)


@pytest.mark.parametrize(
    "name", ["auroc.", "auroc.typicality", "recall.truncation_", "x.truncation_a"]
)
def test_a_metric_whose_name_says_too_little(folder, capsys, name):
    header = rewrite(folder, lambda values: values["metrics"].update({name: GOOD}))
    assert name not in header.metrics and len(header.problems) == 1
    everything_reads(header, capsys, folder)


FACTS = [
    ("parameters", None), ("parameters", "many"), ("seed", "soon"), ("title", 3), ("about", None),
    ("version", 7), ("training.steps", "some"), ("training.minutes", None), ("training.epochs", []),
    ("training.hardware", 5), ("training.precision", None), ("data.n", "all"), ("data.split", 1),
    ("data.sha256", None), ("data.classes", "abc"), ("data.classes", None), ("data.classes", [1]),
    ("recipe.train", None), ("config.num_classes", None), ("config.num_classes", "ten"),
]  # fmt: skip


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize(("key", "value"), FACTS)
def test_a_damaged_fact_is_said_and_the_model_still_samples(folder, capsys, key, value, gone):
    def change(values):
        *tables, last = key.split(".")
        for table in tables:
            values = values[table]
        if gone:
            del values[last]
        else:
            values[last] = value

    header = rewrite(folder, change)
    assert (gone and key == "version") or len(header.problems) == 1, header.problems
    everything_reads(header, capsys, folder)
    out = folder.parent / "grid.png"
    assert cli.main(["sample", str(folder), "--n", "4", "--label", "3", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert out.is_file() and all(sentence in printed.err for sentence in header.problems)


def test_a_class_count_that_nobody_knows_is_not_guessed(folder, capsys):
    def change(values):
        del values["config"]["num_classes"], values["data"]["classes"]

    header = rewrite(folder, change)
    assert "Conditional" not in header.capabilities
    assert any("no class can be asked for" in sentence for sentence in header.problems)
    everything_reads(header, capsys, folder)


def test_what_is_left_out_is_not_written_again(folder):
    header = rewrite(folder, lambda values: values["metrics"].update(bad=3))
    weights.rewrite_header(folder, header)
    again = read_header(folder)
    assert again.problems == () and "bad" not in again.metrics and "nll_nats" in again.metrics
