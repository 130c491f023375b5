"""Folders of diffusers, as they are found, listed and refused: nothing here needs diffusers."""

from __future__ import annotations

import json
import os
import sys

import pytest
import torch

from models import family, implementations
from models.checkpoints import weights
from models.checkpoints.header import CheckpointError, find, read_header, resolve
from models.foreign import folder as folders
from tests.models.foreign.folders import WEIGHTS, write

TEXT = {"text_encoder": ["transformers", "CLIPTextModel"]}
VAE = {"vae": ["diffusers", "AutoencoderKL"]}
OWN = {"unet": ["my_network", "UNet2DModel"]}


def test_a_folder_is_found_and_listed_without_diffusers(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    write(tmp_path / "cats")
    assert find(tmp_path) == [tmp_path / "cats"] == find(tmp_path / "cats")
    assert resolve(tmp_path / "cats").name == folders.INDEX
    header = read_header(tmp_path / "cats")
    assert (header.name, header.family, header.parameters) == ("cats", folders.FAMILY, 3)
    assert header.config["image"] == [3, 16, 16] and header.folder == tmp_path / "cats"
    assert "Conditional" not in header.capabilities and not header.problems
    assert "16×16" in header.about and "DDPMScheduler" in header.about


def test_two_foreign_models_are_not_of_the_same_data(tmp_path):
    one, other = (read_header(write(tmp_path / name)) for name in ("one", "other"))
    assert one.data["name"] != other.data["name"]


def test_classes_have_the_names_that_the_folder_gives(tmp_path):
    names = {"0": "cat, a small animal", "1": "dog"}
    header = read_header(write(tmp_path / "a", {"id2label": names}, {"num_class_embeds": 2}))
    assert header.data["classes"] == ["cat", "dog"] and "Conditional" in header.capabilities
    for broken in ({"0": "cat"}, {"0": "cat", "1": 7}, None, ["cat", "dog"]):
        write(tmp_path / "b", {"id2label": broken}, {"num_class_embeds": 2})
        assert read_header(tmp_path / "b").data["classes"] == ["0", "1"]


def test_a_copy_in_the_hubs_cache_has_the_name_of_its_repository(tmp_path):
    folder = tmp_path / "models--google--ddpm-cifar10-32" / "snapshots" / "0123abcd"
    assert read_header(write(folder)).name == "ddpm-cifar10-32"
    assert read_header(write(tmp_path / "my ~model")).name == "my-model"


def test_the_family_is_known_by_name_and_is_none_that_can_be_trained():
    from models import FAMILIES

    assert folders.FAMILY in implementations() and folders.FAMILY not in FAMILIES
    assert family(folders.FAMILY).__name__ == "ForeignDiffusion"


def test_without_diffusers_a_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    for name in [*(n for n in sys.modules if n.split(".")[0] == "diffusers"), "diffusers"]:
        monkeypatch.setitem(sys.modules, name, None)
    write(tmp_path / "cats")
    with pytest.raises(CheckpointError, match=r"pip install diffusers==\d+\.\d+\.\d+ gets it\.$"):
        weights.load(tmp_path / "cats")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"index": TEXT}, "draws pictures from text"),
        ({"index": VAE}, "latent diffusion model, which draws codes for a VAE"),
        ({"index": OWN}, "code of its own, which is not run here"),
        ({"index": {"unet": None}}, "has no unet in its model_index.json"),
        ({"index": {"unet": [None, None]}}, "has no unet in its model_index.json"),
        ({"index": {"unet": None, "scheduler": 3}}, "has no unet and no scheduler"),
        ({"unet": {"_class_name": "UNet2DConditionModel"}}, "which is led by a text"),
        ({"unet": {"_class_name": "DiTTransformer2DModel"}}, "is a DiTTransformer2DModel"),
        ({"unet": {"in_channels": 4, "out_channels": 4}}, "reads 4 channels and answers with 4"),
        ({"unet": {"out_channels": 6}}, "reads 3 channels and answers with 6"),
        ({"unet": {"sample_size": 256}}, "256x256 pixels; up to 128x128"),
        ({"unet": {"sample_size": [8, 512]}}, "512x8 pixels; up to 128x128"),
        ({"unet": {"sample_size": None}}, "does not say how large its pictures are"),
        ({"unet": {"sample_size": "16"}}, "does not say how large its pictures are"),
        ({"unet": {"sample_size": 15}}, "halves its pictures 1 times"),
        ({"unet": {"block_out_channels": [10**9]}}, "settings of the network .* are damaged"),
        ({"unet": {"layers_per_block": 10**9}}, "settings of the network .* are damaged"),
        ({"unet": {"time_embedding_type": "magic"}}, "settings of the network .* are damaged"),
        ({"unet": {"class_embed_type": "timestep"}}, "other than 1 to 1000 classes"),
        ({"unet": {"num_class_embeds": 10**6}}, "other than 1 to 1000 classes"),
        ({"scheduler": {"_class_name": "ScoreSdeVeScheduler"}}, "ScoreSdeVeScheduler is not"),
        ({"scheduler": {"_class_name": None}}, "The scheduler None is not known"),
        ({"scheduler": {"beta_schedule": "sigmoid"}}, "beta_schedule = sigmoid, which"),
        ({"scheduler": {"variance_type": "learned_range"}}, "variance_type = learned_range"),
        ({"scheduler": {"thresholding": True}}, "thresholding = True, which is not known"),
        ({"scheduler": {"prediction_type": "flow"}}, "prediction_type = flow"),
        ({"scheduler": {"beta_start": float("nan")}}, "beta_start = nan"),
        ({"scheduler": {"beta_end": 2}}, "beta_end = 2"),
        ({"scheduler": {"clip_sample": "yes"}}, "clip_sample = yes"),
        ({"scheduler": {"num_train_timesteps": 10**9}}, "num_train_timesteps = 1000000000"),
        ({"scheduler": {"trained_betas": [0.1, 0.2]}}, "has 2 betas for 1000 steps"),
        ({"scheduler": {"rescale_betas_zero_snr": True}}, "ends in pure noise"),
        (
            {"scheduler": {"_class_name": "FlowMatchEulerDiscreteScheduler",
                           "use_dynamic_shifting": True}},
            "use_dynamic_shifting = True",
        ),
        (
            {"scheduler": {"_class_name": "EDMEulerScheduler"},
             "unet": {"time_embedding_type": "fourier"}},
            "takes the logarithm of the time",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_one_sentence(tmp_path, changes, sentence):
    write(tmp_path / "it", **changes)
    with pytest.raises(CheckpointError, match=sentence) as error:
        read_header(tmp_path / "it")
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and len(text) < 320
    with pytest.raises(CheckpointError, match=sentence):
        weights.load(tmp_path / "it")


@pytest.mark.parametrize("name", [folders.UNET, folders.SCHEDULER])
def test_a_missing_or_damaged_file_is_one_sentence(tmp_path, name):
    folder = write(tmp_path / "it")
    for text, sentence in (
        ("{", "it is no JSON"),
        ("[1]", "holds no settings"),
        ("[" * 100_000, "it is no JSON"),
        (" " * (folders.MOST_TEXT + 1), "too large"),
    ):
        (folder / name).write_text(text)
        with pytest.raises(CheckpointError, match=sentence):
            read_header(folder)
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {name}: a diffusers folder"):
        read_header(folder)


class _Danger:
    """Makes a folder when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_never_opened(tmp_path):
    folder = write(tmp_path / "it")
    (folder / WEIGHTS).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    torch.save({"weight": _Danger(tmp_path / "ran")}, folder / "unet/diffusion_pytorch_model.bin")
    for read in (read_header, weights.load):
        with pytest.raises(CheckpointError, match="are a pickle, which can run code"):
            read(folder)
    # Nor under the name of the safe format.
    torch.save({"weight": _Danger(tmp_path / "ran")}, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        read_header(folder)
    assert not (tmp_path / "ran").exists()


def test_weights_that_are_missing_large_or_in_parts_are_one_sentence(tmp_path, monkeypatch):
    folder = write(tmp_path / "it")
    monkeypatch.setattr(folders, "MOST_BYTES", 10)
    with pytest.raises(CheckpointError, match="GiB can be opened here"):
        read_header(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="has no weights"):
        read_header(folder)
    (folder / f"{WEIGHTS}.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match="spread over several files"):
        read_header(folder)


def test_a_folder_of_half_precision_weights_is_found(tmp_path):
    folder = write(tmp_path / "it")
    (folder / WEIGHTS).rename(folder / WEIGHTS.replace(".safe", ".fp16.safe"))
    assert read_header(folder).parameters == 3


def test_the_command_line_lists_it(tmp_path, capsys):
    from models.__main__ import main

    write(tmp_path / "cats")
    write(tmp_path / "text", TEXT)
    main(["list", "--json", "--checkpoints", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["checkpoints"]] == ["cats"]
    assert "draws pictures from text" in found["unreadable"]["text"]


def test_index_and_weights_of_ours_in_one_folder_are_ours(tmp_path):
    from tests import toys

    write(toys.write(tmp_path, "toy"))
    assert read_header(tmp_path / "toy").family == "toy"
    assert torch.is_tensor(next(weights.load(tmp_path / "toy").parameters()))
