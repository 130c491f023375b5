"""A checkpoint's folder is what the Hub expects: read by huggingface_hub's own code."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

import models
from models.checkpoints import weights
from models.checkpoints.config_file import CONFIG, config_of
from models.checkpoints.header import SHIPPED, WEIGHTS, CheckpointError, find, read_header
from models.evaluation.card import write_card
from models.evaluation.front_matter import hub_id
from models.evaluation.metrics import metric

SHIPPED_FOLDERS = find(SHIPPED)
# The tasks of the Hub that are ours: https://huggingface.co/tasks.
TASKS = {
    "unconditional-image-generation", "image-classification", "image-to-image", "text-generation",
}  # fmt: skip
IDS = {
    "mnist": ["ylecun/mnist"],
    "fashion-mnist": ["zalando-datasets/fashion_mnist"],
    "cifar-10": ["uoft-cs/cifar10"],
}


@pytest.fixture
def folder(tiny_vae, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_vae, tmp_path / "tiny"))


@pytest.mark.shipped
@pytest.mark.parametrize("folder", SHIPPED_FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_model_is_described_as_the_hub_asks(folder):
    header = read_header(folder)
    said = json.loads((folder / CONFIG).read_text("utf-8"))
    assert said == json.loads(json.dumps(config_of(header))), (
        "write it: models.checkpoints.config_file.write_config(read_header(folder), folder)"
    )
    card = ModelCard.load(folder / "card.md")
    data = card.data
    assert data.library_name == said["library_name"] == "generative-explorer"
    assert data.pipeline_tag in TASKS and data.license == "mit"
    assert data.datasets == IDS.get(header.data["name"])
    assert {"generative-explorer", header.family} <= set(data.tags)
    for tag in data.tags:
        assert not tag.startswith("arxiv") or re.fullmatch(r"arxiv:\d{4}\.\d{4,5}", tag)
    measured = {result.metric_type: result for result in data.eval_results or []}
    assert (measured.keys() <= header.metrics.keys() and "fd" not in header.metrics) or measured
    for name, result in measured.items():
        entry = header.metrics[name]
        assert result.metric_value == entry["value"]
        assert (result.metric_args or {}).get("stderr") == entry["stderr"]
        assert (entry["stderr"] is not None) is ("(standard error)" in result.metric_name)
        assert result.dataset_split == "test" and result.task_type == data.pipeline_tag


def test_config_json_is_written_by_training_and_by_measuring(folder):
    header = read_header(folder)
    said = json.loads((folder / CONFIG).read_text("utf-8"))
    assert said["family"] == "vae" and said["config"]["latent"] == header.config["latent"]
    assert said["parameters"] == sum(p.numel() for p in weights.load(folder).parameters())
    (folder / CONFIG).unlink()
    assert read_header(folder) == header  # it is for others
    again = dataclasses.replace(header, title="Another")
    weights.rewrite_header(folder, again)
    assert json.loads((folder / CONFIG).read_text("utf-8"))["title"] == "Another"


def test_the_index_has_values_and_how_sure_they_are(folder):
    header = read_header(folder)
    metrics = {"nll_nats": metric(12.5, 0.25, n=30, kind="exact"), "active_dimensions": metric(2.0)}
    write_card(dataclasses.replace(header, metrics=metrics), folder)
    data = ModelCard.load(folder / "card.md").data
    first, second = data.eval_results
    assert (first.metric_value, first.metric_args) == (
        12.5, {"stderr": 0.25, "n": 30, "kind": "exact"},
    )  # fmt: skip
    assert first.metric_name.endswith("± 0.25 (standard error)") and "exact" in first.metric_name
    assert second.metric_args is None and "standard error" not in second.metric_name
    assert "arxiv:1312.6114" in data.tags and data.datasets is None  # built in: not on the Hub


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("mnist", "ylecun/mnist"),
        ("somebody/birds", "somebody/birds"),
        ("somebody/birds:small", "somebody/birds"),
        ("digits", ""),
        ("/home/me/pictures", ""),
        ("~/pictures", ""),
        ("../pictures", ""),
        ("own/pictures.zip", ""),
    ],
)
def test_only_what_is_on_the_hub_has_an_id(name, id):
    assert hub_id(name) == id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "gan"}, "names the family 'gan', its weights 'vae'"),
        ({"config": {"latent": 3}}, "disagree about"),
        ({"config": None}, "no settings"),
        ({"library_name": "diffusers"}, "another library"),
    ],
)
def test_a_config_that_contradicts_the_weights(folder, change, words):
    said = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps({**said, **change}), "utf-8")
    for call in (read_header, weights.load):
        with pytest.raises(CheckpointError, match=words) as error:
            call(folder)
        assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_one_setting_of_many_is_named(folder):
    said = json.loads((folder / CONFIG).read_text("utf-8"))
    said["config"]["latent"] += 1
    (folder / CONFIG).write_text(json.dumps(said), "utf-8")
    with pytest.raises(CheckpointError, match="disagree about 'latent'"):
        read_header(folder)


@pytest.mark.parametrize("content", [b"", b"{cut", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_config_that_is_no_json(folder, content):
    (folder / CONFIG).write_bytes(content)
    with pytest.raises(CheckpointError, match="holds no JSON object"):
        read_header(folder)


def test_papers_have_the_form_of_arxiv_numbers():
    for name in models.FAMILIES:
        for number in models.family(name).PAPERS:
            assert re.fullmatch(r"\d{4}\.\d{4,5}", number), name


def test_a_weights_file_of_another_name_has_no_config(folder):
    (folder / WEIGHTS).rename(folder / "other.safetensors")
    (folder / CONFIG).write_text("{}", "utf-8")
    assert read_header(folder / "other.safetensors").name == "tiny"
