"""Folders in diffusers' layout, written without it: enough to be listed, not to be loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from models.foreign.folder import INDEX, SCHEDULER, UNET

INDEX_OF = {
    "_class_name": "DDPMPipeline",
    "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "DDPMScheduler"],
    "unet": ["diffusers", "UNet2DModel"],
}
UNET_OF = {
    "_class_name": "UNet2DModel", "sample_size": 16, "in_channels": 3, "out_channels": 3,
    "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
    "down_block_types": ["DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D"], "num_class_embeds": None,
}  # fmt: skip
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def write(
    folder: Path,
    index: dict[str, Any] | None = None,
    unet: dict[str, Any] | None = None,
    scheduler: dict[str, Any] | None = None,
) -> Path:
    """A folder with these changes of its settings. Its weights are three numbers."""
    texts = {
        INDEX: {**INDEX_OF, **(index or {})},
        UNET: {**UNET_OF, **(unet or {})},
        SCHEDULER: {"_class_name": "DDPMScheduler", **(scheduler or {})},
    }
    for name, values in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(values), "utf-8")
    save_file({"conv_in.weight": torch.zeros(3)}, folder / WEIGHTS)
    return folder
