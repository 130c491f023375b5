"""Models of the Hub: fetched within bounds, opened as our own, and refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import models
from models.checkpoints import fetch, weights
from models.checkpoints.header import CheckpointError, read_header
from models.contract.random import generator
from models.families.gan.gan import GAN
from models.families.vae.vae import VAE
from models.hub.kinds import open_folder
from models.hub.pretrained import from_pretrained

ID = "ada/tiny-vae"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def files(tiny_vae) -> dict[str, bytes]:
    return files_of(tiny_vae)


@pytest.fixture
def published(hub, files):
    """A repository with a model of ours, and much that is not wanted."""
    others = {"train.py": b"raise SystemExit", "pytorch_model.bin": b"x" * 50, "big.gguf": b"x"}
    hub.put(ID, {**files, **others})
    return hub


def refusal(call, *given, **named) -> str:
    with pytest.raises(ValueError) as error:
        call(*given, **named)
    words = str(error.value)
    assert words.endswith(".") and "\n" not in words and len(words) < 300, words
    return words


# -- there -----------------------------------------------------------------------------------------


def test_a_model_of_the_hub_is_the_model(published, tiny_vae):
    model = models.from_pretrained(ID)
    here = weights.load(tiny_vae)
    assert torch.equal(model.sample(3, generator(1)), here.sample(3, generator(1)))
    assert not model.training and model.header.name == "tiny"
    assert fetch.origin(model.header.folder) == ID
    assert torch.equal(
        VAE.from_pretrained(ID).sample(1, generator(0)), here.sample(1, generator(0))
    )
    assert "VAE, not GAN" in refusal(GAN.from_pretrained, ID)


def test_only_safetensors_and_texts_are_fetched(published):
    folder = fetch.fetch(ID)
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors", "config.json", "recipe.toml", "card.md",
    }  # fmt: skip
    assert set(published.fetched()) == {path.name for path in folder.iterdir()}


def test_it_is_fetched_once_and_found_without_the_hub(published, caplog):
    caplog.set_level("INFO", "models")
    first = fetch.fetch(ID)
    assert f"Fetching from the Hub: {ID}," in caplog.text and " MB (" in caplog.text
    before = len(published.fetched())
    assert fetch.fetch(ID) == first and len(published.fetched()) == before
    published.failing = 503
    assert fetch.fetch(ID) == first
    assert read_header(ID).name == "tiny"


def test_a_newer_commit_is_fetched_and_an_old_one_can_be_asked_for(published, files):
    old = published.repos[ID].refs["main"]
    first = fetch.fetch(ID)
    published.put(ID, {**files, "card.md": b"# New\n"})
    assert (fetch.fetch(ID) / "card.md").read_text() == "# New\n"
    published.repos[ID].refs["v1"] = old
    for revision in ("v1", old):
        assert fetch.fetch(ID, revision) == fetch.fetch(f"{ID}@{revision}") == first
    assert "no revision 'v9'" in refusal(fetch.fetch, ID, "v9")


def test_a_private_model_needs_a_token(published):
    published.repos[ID].private = True
    for token in (None, False):
        assert "no public model" in refusal(fetch.fetch, ID, token=token)
    assert "does not know this token" in refusal(fetch.fetch, ID, token="hf_wrong")
    assert fetch.fetch(ID, token="hf_read").is_dir()


def test_the_command_line_takes_the_same_name(published, tmp_path, capsys):
    from models.__main__ import main

    grid = tmp_path / "grid.png"
    assert main(["sample", ID, "--n", "4", "--out", str(grid)]) == 0 and grid.is_file()
    assert main(["sample", "ada/nothing", "--n", "4", "--out", str(grid)]) == 2
    said = capsys.readouterr().err
    assert "no checkpoint at 'ada/nothing' here; the Hub has no public model" in said
    assert main(["evaluate", ID]) == 2
    assert "--dry" in capsys.readouterr().err


def test_a_folder_of_that_name_comes_first_and_a_path_is_no_id(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("ada")
    published.asked.clear()
    assert "no checkpoint at 'ada/tiny-vae'" in refusal(read_header, ID)
    for path in (Path("grace/x"), "a/b/c", "./a/b", "/a/b", "a", "a/", "-/b"):
        assert "no checkpoint at" in refusal(read_header, path)
    assert published.asked == []
    shutil.copytree(fetch.fetch(ID), tmp_path / ID)
    assert fetch.origin(from_pretrained(ID).header.folder) == ""


# -- not there -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id", ["", "a", "a b/c", "../x", "a/b/c", "https://hf.co/a/b", "a/b@", "é/b"]
)
def test_what_is_no_id(hub, id):
    assert "is no id of the Hub" in refusal(fetch.fetch, id)
    assert hub.asked == []


def test_a_long_word_is_cut(hub):
    assert len(refusal(fetch.fetch, "a/" + "b" * 5000)) < 250


def test_nothing_of_that_name(hub):
    assert "no public model 'ada/nothing'" in refusal(fetch.fetch, "ada/nothing")


def test_a_gated_model(published):
    published.repos[ID].gated = True
    assert "is gated" in refusal(fetch.fetch, ID)


def test_too_large_is_refused_before_anything_is_fetched(published):
    published.repos[ID].claims["model.safetensors"] = 5_000_000_000
    assert "has 5.0 GB; models of up to 1.1 GB" in refusal(fetch.fetch, ID)
    assert published.fetched() == []
    assert "models of up to 20 MB" in refusal(fetch.fetch, ID, most=20_000_000)


def test_more_than_was_said_is_not_kept(published, files):
    published.repos[ID].claims = dict.fromkeys(files, 10)
    words = refusal(fetch.fetch, ID, most=len(files["model.safetensors"]) // 2)
    assert "the most that is fetched here" in words


def test_weights_that_are_code(hub):
    hub.put(ID, {"pytorch_model.bin": b"\x80\x02.", "config.json": b"{}"})
    assert "can run code" in refusal(fetch.fetch, ID) and hub.fetched() == []


def test_a_repository_without_a_model(hub):
    hub.put(ID, {"README.md": b"# Hello"})
    assert "holds no model.safetensors" in refusal(fetch.fetch, ID) and hub.fetched() == []


def test_a_model_of_another_library(hub, files):
    config = json.dumps({"architectures": ["BertModel"]}).encode()
    hub.put(ID, {**files, "config.json": config})
    assert "another library" in refusal(fetch.fetch, ID)
    assert "model.safetensors" not in hub.fetched()
    hub.put(ID, {"model.safetensors": files["model.safetensors"][:1000]})
    assert f"'model.safetensors' in '{ID}' is damaged" in refusal(from_pretrained, ID)


def test_foreign_weights_and_contradictions(hub, files, tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.safetensors")
    hub.put("ada/foreign", {"model.safetensors": (tmp_path / "foreign.safetensors").read_bytes()})
    with pytest.raises(CheckpointError, match="not one of Generative Explorer's"):
        from_pretrained("ada/foreign")
    said = json.loads(files["config.json"])
    said["config"]["latent"] = 9
    hub.put("ada/other", {**files, "config.json": json.dumps(said).encode()})
    with pytest.raises(CheckpointError, match=r"'ada/other' cannot be trusted.*about 'latent'"):
        from_pretrained("ada/other")


@pytest.mark.parametrize("status", [500, 503, 429, 418])
def test_a_hub_that_refuses(hub, status):
    hub.failing = status
    assert "Hub" in refusal(fetch.fetch, ID)


def test_no_network(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "cannot be reached" in refusal(fetch.fetch, ID)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached" in refusal(fetch.fetch, ID)


def test_a_page_to_sign_in_to_in_the_hubs_place(hub):
    hub.failing = 200
    assert "not the Hub" in refusal(fetch.fetch, ID)


# -- kinds of folders ------------------------------------------------------------------------------


def test_a_pipeline_of_diffusers_is_fetched_and_asked_for_where_it_is_opened(hub, monkeypatch):
    weights_of_unet = b"x" * 20_000
    hub.put(
        ID,
        {
            "model_index.json": b"{}", "unet/config.json": b"{}", "README.md": b"",
            "scheduler/scheduler_config.json": b"{}",
            "unet/diffusion_pytorch_model.safetensors": weights_of_unet,
            "unet/diffusion_pytorch_model.bin": b"x", "unet/run.py": b"x",
        },
    )  # fmt: skip
    folder = fetch.fetch(ID)
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == {
        "model_index.json", "unet/config.json", "scheduler/scheduler_config.json",
        "unet/diffusion_pytorch_model.safetensors",
    }  # fmt: skip
    # It is read as what it is: an index that names no parts.
    with pytest.raises(CheckpointError, match="has no unet and no scheduler"):
        read_header(ID)


def test_a_pipeline_of_diffusers_is_a_model_by_the_same_call(hub, tmp_path):
    diffusers = pytest.importorskip("diffusers", reason="requirements-dev.txt has it")
    from diffusers.models.unets.unet_2d import UNet2DModel

    unet = UNet2DModel(
        sample_size=16, in_channels=1, out_channels=1, block_out_channels=(8, 16),
        layers_per_block=1, norm_num_groups=4, down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    pipeline = diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler())
    pipeline.save_pretrained(tmp_path / "pipeline")
    paths = [path for path in (tmp_path / "pipeline").rglob("*") if path.is_file()]
    hub.put(ID, {str(p.relative_to(tmp_path / "pipeline")): p.read_bytes() for p in paths})
    model = from_pretrained(ID)
    images = model.sample(2, generator(0), steps=3)
    assert tuple(images.shape) == (2, 1, 16, 16) and "Samples" in read_header(ID).capabilities
    again = from_pretrained(tmp_path / "pipeline")
    assert torch.equal(again.sample(2, generator(0), steps=3), images)


def test_a_folder_without_a_model(tmp_path):
    assert "holds no model" in refusal(open_folder, tmp_path)
    assert "holds no model" in refusal(from_pretrained, tmp_path)


def test_the_tensors_come_as_they_are(published, tiny_vae):
    ours = load_file(tiny_vae / "model.safetensors")
    theirs = load_file(fetch.fetch(ID) / "model.safetensors")
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
