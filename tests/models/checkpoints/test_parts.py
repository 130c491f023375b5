"""Files that the Hub takes as they are: weights in parts, codes in two files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.checkpoints import codes, parts
from models.checkpoints import weights as checkpoint
from models.checkpoints.codes import CODES, DECODED, Map, load_map, save_map
from models.checkpoints.header import CheckpointError, find, read_header, resolve
from models.checkpoints.parts import INDEX, PART, WEIGHTS


@pytest.fixture
def whole(tiny_vae, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_vae, tmp_path / "whole" / "tiny"))


@pytest.fixture
def divided(whole, tmp_path, monkeypatch) -> Path:
    """The same model, where a file may hold a third of it."""
    folder = Path(shutil.copytree(whole, tmp_path / "divided" / "tiny"))
    size = (folder / WEIGHTS).stat().st_size
    monkeypatch.setattr(parts, "HEAD", 0)
    monkeypatch.setattr(parts, "LARGEST", size // 3)
    checkpoint.rewrite_header(folder, read_header(folder))
    return folder


def test_weights_in_parts_are_the_same_bits(whole, divided):
    names = sorted(path.name for path in divided.glob("model*"))
    assert names[-1] == INDEX and len(names) > 3 and all(map(PART.fullmatch, names[:-1]))
    assert find(divided.parent) == [divided] and resolve(divided) == divided / INDEX
    ours, theirs = load_file(whole / WEIGHTS), parts.load_tensors(divided / INDEX)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    header = read_header(divided)
    assert header.name == "tiny" and header.folder == divided
    assert parts.files_of(divided) == [INDEX, *names[:-1]] and parts.files_of(whole) == [WEIGHTS]
    before, after = (checkpoint.load(folder).state_dict() for folder in (whole, divided))
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_the_index_is_as_the_hub_has_it(divided):
    index = json.loads((divided / INDEX).read_text("utf-8"))
    tensors = parts.load_tensors(divided / INDEX)
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in tensors.values())
    for name, file in index["weight_map"].items():
        assert torch.equal(load_file(divided / file)[name], tensors[name])
    largest = max(value.nbytes for value in tensors.values())
    for file in set(index["weight_map"].values()):  # one tensor is not divided
        held = sum(value.nbytes for value in load_file(divided / file).values())
        assert held <= max(parts.LARGEST, largest)


def test_new_facts_write_the_index_alone(divided):
    from dataclasses import replace

    before = {path: path.stat().st_mtime_ns for path in divided.glob("model-*")}
    checkpoint.rewrite_header(divided, replace(read_header(divided), title="Another"))
    assert read_header(divided).title == "Another"
    assert {path: path.stat().st_mtime_ns for path in divided.glob("model-*")} == before


def test_a_model_that_is_saved_anew_leaves_no_parts_of_the_one_before(divided):
    model = checkpoint.load(divided)
    checkpoint.save(model, read_header(divided), divided)
    assert [path.name for path in divided.glob("model*")] == [WEIGHTS]


@pytest.mark.parametrize("spoil", ["gone", "cut", "elsewhere", "no map", "no text", "another"])
def test_a_damaged_part_or_index_is_one_sentence(divided, spoil):
    part = next(divided.glob("model-00002-*"))
    index = json.loads((divided / INDEX).read_text("utf-8"))
    if spoil == "gone":
        part.unlink()
    elif spoil == "cut":
        part.write_bytes(part.read_bytes()[:-10])
    elif spoil == "elsewhere":
        index["weight_map"] = dict.fromkeys(index["weight_map"], "../whole/model.safetensors")
    elif spoil == "no map":
        index["weight_map"] = 3
    elif spoil == "another":
        index["weight_map"] |= {"nowhere": part.name}
    text = "{" if spoil == "no text" else json.dumps(index)
    (divided / INDEX).write_text(text, "utf-8")
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(divided)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_large_codes_lie_in_two_files_and_are_one_map(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    n, D = 40, 6
    fitted = Map(
        rng.normal(size=(n, D)).astype(np.float16).astype(np.float32),
        rng.normal(size=(n, 2)).astype(np.float32),
        rng.integers(0, 10, n),
        facts={"data": "digits"},
        embedding=rng.normal(size=(n, 3)).astype(np.float16).astype(np.float32),
        pictures=rng.integers(0, 256, (n, 1, 8, 8)).astype(np.uint8),
    )
    save_map(tmp_path, fitted)
    assert not (tmp_path / DECODED).exists()
    assert codes.file_with(tmp_path, "pictures") == tmp_path / CODES
    monkeypatch.setattr(codes, "LARGEST", 1000)
    save_map(tmp_path, fitted)
    assert codes.file_with(tmp_path, "pictures") == tmp_path / DECODED
    assert codes.file_with(tmp_path, "codes") == tmp_path / CODES
    assert codes.file_with(tmp_path, "kl") is None
    again = load_map(tmp_path)
    for name in ("codes", "coordinates", "labels", "embedding", "pictures"):
        assert np.array_equal(getattr(again, name), getattr(fitted, name)), name
    assert again.facts == fitted.facts
    assert "pictures" not in codes.read_codes(tmp_path / CODES, computed=False)[0]
    monkeypatch.setattr(codes, "LARGEST", 10**7)
    save_map(tmp_path, fitted)
    assert not (tmp_path / DECODED).exists()  # of the map before
