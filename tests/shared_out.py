"""Small runs whose losses must not depend on how many processes share their batches.

    python -m tests.shared_out FOLDER       or under accelerate launch

Writes {case: losses of every step} into FOLDER/losses.json. Goes on with the run in FOLDER/run,
measures the model that it gives and draws with it, by the command line. Each case is there for
something that a batch shared out could get wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

import models.__main__ as cli
from models.data import datasets
from models.machine import processes
from models.training.recipe import from_dict
from models.training.train import Run
from tests.conftest import TINY, WRITER

LOSSES = "losses.json"
STEPS = 8
CPU = ("--device", "cpu")

TINY_VAE = TINY["model"]
TINY_GAN = {"noise": 4, "width": 8, "hidden": 16}
TINY_FLOW = {"scales": 2, "steps": 2, "width": 8, "dequantise_steps": 1, "dequantise_width": 8}

CASES: dict[str, tuple[str, dict, dict]] = {
    "vae": ("vae", TINY_VAE, {}),
    # Neither is a mean over the batch.
    "free bits": ("vae", {**TINY_VAE, "free_bits": 0.2}, {}),
    "total correlation": ("vae", {**TINY_VAE, "total_correlation": 2.0}, {}),
    # Draws whose first dimension is not the batch.
    "importance weighted": ("vae", {**TINY_VAE, "samples": 3}, {}),
    # Parts of a batch, penalties on a part of those, players, classes, codes.
    "critic": ("gan", {**TINY_GAN, "game": "wasserstein", "gradient_penalty": 10.0,
                       "critic_steps": 2, "penalised": 0.5, "num_classes": -1},
               # Adam makes a step of what is nothing but rounding: they are to be small.
               {"learning_rate": 1e-5}),
    "codes": ("gan", {**TINY_GAN, "r1": 0.1, "categories": 3, "continuous": 1}, {}),
    "steady codes": ("gan", {**TINY_GAN, "categories": 3, "steady": True, "clusters": 0.5}, {}),
    "encoder": ("gan", {**TINY_GAN, "encoder": True}, {}),
    # Set up by the first batch.
    "flow": ("flow", TINY_FLOW, {}),
    # Chains that are no rows of a batch.
    "dreams": ("rbm", {"hidden": 16, "chains": 10}, {}),
    "muon": ("autoregressive", WRITER, {"muon_rate": 1e-2}),
    "mutated": ("autoregressive", {**WRITER, "pixels": "logistic"}, {"mutate": 0.2}),
    "diffusion": ("diffusion", {"width": 16, "middle": 1, "num_classes": -1}, {}),
    "levels": ("hvae", {"width": 8, "groups": "1, 1, 1, 1", "free_nats": 1.0, "warmup_steps": 40},
               {}),
    # Chains and a codebook that every process has, and that the whole batch moves.
    "walk": ("ebm", {"width": 8, "chains": 5, "langevin": 1, "contrast": 0.1}, {}),
    "grid": ("vqvae", {"width": 8, "hidden": 16, "layers": 1, "entries": 8, "settle_steps": 30},
             {}),
    "classifier": ("classifier", {"width": 16, "blocks": 1, "shift": 1, "mirror": True}, {}),
}  # fmt: skip


def losses(family: str, model: dict, train: dict, steps: int = STEPS) -> list[dict[str, float]]:
    mutate = train.pop("mutate", 0.0)
    recipe = from_dict({
        "name": "shared", "family": family, "model": model,
        "data": {"name": "digits", "mutate": mutate},
        "train": {"steps": steps, "batch_size": 32, "precision": "float32", **train},
    })  # fmt: skip
    return [now.logs for now in Run(recipe, datasets.load("digits", "train")).steps()]


def main(folder: Path) -> int:
    processes.join("cpu")
    torch.set_num_threads(1)
    found = {
        name: losses(family, model, dict(train)) for name, (family, model, train) in CASES.items()
    }
    if processes.here().main:
        count = processes.here().count
        (folder / LOSSES).write_text(json.dumps({"processes": count, "losses": found}))
    run = str(folder / "run")
    return max(
        cli.main(["train", str(folder / "recipe.toml"), "--out", run, "--resume", *CPU]),
        cli.main(["evaluate", run, "--only", "likelihood", "codes", "scores", "--n", "100", *CPU]),
        cli.main(["sample", run, "--n", "10", "--out", str(folder / "grid.png"), *CPU]),
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
