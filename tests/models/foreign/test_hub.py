"""Pipelines of diffusers from the Hub, in both layouts that its repositories have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import models
from models.checkpoints.header import read_header
from models.contract.random import generator
from tests.models.foreign.folders import write

ID = "ada/cats"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def flat(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same with all files beside the index, as the first repositories of diffusers have it."""
    return {name.rpartition("/")[2]: content for name, content in files.items()}


@pytest.mark.parametrize("layout", [dict, flat])
def test_a_pipeline_of_the_hub_is_described_by_its_own_name(hub, tmp_path, layout):
    files = layout(files_of(write(tmp_path / "it")))
    assert len(files) == 4
    hub.put(ID, {**files, "README.md": b"x", "run.py": b"x", "diffusion_pytorch_model.bin": b"x"})
    header = read_header(ID)
    assert header.name == "cats" and header.parameters == 3 and header.config["image"][0] == 3
    assert set(files_of(header.folder)) == set(files)


@pytest.mark.parametrize("layout", [dict, flat])
def test_it_samples_as_the_folder_does(hub, tmp_path, layout):
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    from models.foreign.model import open_folder
    from tests.models.foreign.reference import DDPM, Case
    from tests.models.foreign.test_model import network, pipeline

    folder = pipeline(diffusers, tmp_path / "it", network(), Case("", DDPM))
    hub.put(ID, layout(files_of(folder)))
    model = models.from_pretrained(ID)
    assert model.header.name == "cats"
    want = open_folder(folder).sample(2, generator(0), steps=3)
    assert torch.equal(model.sample(2, generator(0), steps=3), want)
    with pytest.raises(ValueError, match="copy its folder as it is"):
        model.save_pretrained(tmp_path / "copy")
