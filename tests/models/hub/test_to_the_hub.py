"""A model saved as the Hub expects it, and put there: read back by huggingface_hub's own client."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from huggingface_hub import HfApi, ModelCard, hf_hub_download

import models
from models.checkpoints import parts, weights
from models.checkpoints.fetch import HubError
from models.checkpoints.header import WEIGHTS, read_header
from models.contract.random import generator
from models.evaluation.metrics import metric
from models.hub.pretrained import push_folder, push_to_hub, save_pretrained
from models.training.recipe import from_dict

ID = "ada/my-vae"


@pytest.fixture
def measured(tiny_vae, tmp_path) -> Path:
    """The tiny VAE with numbers, and codes that were measured with them."""
    import dataclasses

    folder = Path(shutil.copytree(tiny_vae, tmp_path / "tiny"))
    header = read_header(folder)
    metrics = {"nll_nats": metric(12.5, 0.25, n=30)}
    weights.rewrite_header(folder, dataclasses.replace(header, metrics=metrics))
    (folder / "preview.webp").write_bytes(b"a picture")
    return folder


# -- to a folder -----------------------------------------------------------------------------------


def test_a_saved_model_is_the_same_model(measured, tmp_path):
    model = models.load(measured)
    folder = model.save_pretrained(tmp_path / "saved")
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors", "config.json", "card.md", "README.md", "recipe.toml", "preview.webp",
    }  # fmt: skip
    again = models.from_pretrained(folder)
    assert torch.equal(again.sample(3, generator(0)), model.sample(3, generator(0)))
    assert read_header(folder).metrics == read_header(measured).metrics
    assert from_dict(tomllib.loads((folder / "recipe.toml").read_text())).model["latent"] == 4
    assert json.loads((folder / "config.json").read_text())["family"] == "vae"


def test_a_model_that_was_changed_is_saved_without_the_numbers_of_the_old_one(measured, tmp_path):
    model = models.load(measured)
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    folder = model.save_pretrained(tmp_path / "saved")
    assert read_header(folder).metrics == {} and not (folder / "preview.webp").exists()
    assert read_header(measured).metrics != {}


def test_a_model_that_nothing_is_known_of_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="Nothing is known of this model"):
        save_pretrained(weights.build("vae", {"latent": 2}), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_place_that_cannot_be_written_to(measured, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file"):
        models.load(measured).save_pretrained(tmp_path / "file")


# -- to the Hub ------------------------------------------------------------------------------------


def test_a_pushed_model_comes_back(hub, measured):
    model = models.load(measured)
    address = model.push_to_hub(ID, token="hf_write", commit_message="My first")
    assert address == f"{hub.endpoint}/{ID}" and hub.repos[ID].messages == ["My first"]
    # By the Hub's own client, as anybody would read it.
    info = HfApi().model_info(ID)
    assert {"README.md", "config.json", "model.safetensors"} <= {
        file.rfilename for file in info.siblings
    }
    config = json.loads(Path(hf_hub_download(ID, "config.json")).read_text())
    assert config["library_name"] == "generative-explorer"
    card = ModelCard.load(ID)
    card.validate()
    assert card.data.library_name == "generative-explorer"
    assert card.data.pipeline_tag == "unconditional-image-generation"
    assert card.data.eval_results[0].metric_value == 12.5
    assert f'from_pretrained("{ID}")' in card.text
    again = models.from_pretrained(ID)
    assert torch.equal(again.sample(3, generator(0)), model.sample(3, generator(0)))


def test_large_files_go_the_way_of_large_files(hub, measured):
    push_folder(measured, ID, "hf_write")
    content = (measured / WEIGHTS).read_bytes()
    uploads = [path for method, path in hub.asked if method == "PUT"]
    assert len(uploads) == 1 and content in hub.large.values()
    assert hub.files(ID)[WEIGHTS] == content
    push_folder(measured, ID, "hf_write")  # they are there already
    assert [path for method, path in hub.asked if method == "PUT"] == uploads


def test_a_model_in_parts_goes_there_and_comes_back(hub, measured, tmp_path, monkeypatch):
    model = models.load(measured)
    monkeypatch.setattr(parts, "HEAD", 0)
    monkeypatch.setattr(parts, "LARGEST", (measured / WEIGHTS).stat().st_size // 3)
    weights.rewrite_header(measured, read_header(measured))
    names = parts.files_of(measured)
    push_folder(measured, ID, "hf_write")
    assert set(names) <= hub.files(ID).keys() and WEIGHTS not in hub.files(ID)
    again = models.from_pretrained(ID)
    assert torch.equal(again.sample(3, generator(0)), model.sample(3, generator(0)))
    assert read_header(ID).metrics == read_header(measured).metrics
    # Saved to a folder it is one file, and its numbers are still its own.
    folder = again.save_pretrained(tmp_path / "saved")
    assert (folder / WEIGHTS).is_file() and read_header(folder).metrics != {}


def test_nothing_else_is_sent(hub, measured):
    for name in ("state.safetensors", "log.jsonl", "notes.txt", ".secret"):
        (measured / name).write_bytes(b"mine")
    push_folder(measured, ID, "hf_write")
    assert set(hub.files(ID)) == {
        ".gitattributes", "README.md", "card.md", "config.json", "model.safetensors",
        "preview.webp", "recipe.toml",
    }  # fmt: skip


def test_a_folder_of_an_older_version_gets_what_the_hub_expects(hub, measured):
    (measured / "config.json").unlink()
    (measured / "card.md").unlink()
    push_folder(measured, ID, "hf_write", private=True)
    assert {"config.json", "README.md"} <= set(hub.files(ID)) and hub.repos[ID].private


@pytest.mark.parametrize(
    ("id", "token", "words"),
    [
        ("me", "hf_write", "owner/name"),
        ("ada/x@v1", "hf_write", "owner/name"),
        ("ada/a b", "hf_write", "owner/name"),
        ("grace/x", "hf_write", "may not write to 'grace/x'"),
        ("ada/x", "hf_read", "may not write"),
        ("ada/x", "hf_wrong", "does not know this token"),
        ("ada/x", None, "token"),
    ],
)
def test_what_cannot_be_pushed(hub, measured, id, token, words):
    with pytest.raises(HubError, match=words) as error:
        push_folder(measured, id, token)
    assert str(error.value).endswith(".") and "hf_" not in str(error.value)
    assert hub.repos == {}


def test_no_network(hub, measured, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="cannot be reached from here; nothing was sent"):
        push_to_hub(models.load(measured), ID, token="hf_write")
    hub.failing = 503
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    with pytest.raises(HubError, match="refused"):
        push_folder(measured, ID, "hf_write")
