"""diffusers' own trajectories: the cases that ours are held against, and how theirs are taken.

``python -m tests.models.foreign.reference`` writes reference.safetensors anew, from diffusers
itself with a network that is a formula; so a test without diffusers has its numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.contract.random import generator, normal
from models.contract.streams import Streams

FILE = Path(__file__).with_name("reference.safetensors")
SHAPE = (2, 1, 4, 4)
SEED = 5


@dataclass(frozen=True)
class Case:
    """A scheduler with its settings, and how many steps it takes."""

    name: str
    scheduler: str
    settings: dict[str, Any] = field(default_factory=dict)
    steps: int = 7
    knobs: dict[str, float] = field(default_factory=dict)


DDPM, DDIM = "DDPMScheduler", "DDIMScheduler"
EDM, FLOW = "EDMEulerScheduler", "FlowMatchEulerDiscreteScheduler"
CASES = [
    Case("ddpm", DDPM),
    Case("ddpm whole", DDPM, {"num_train_timesteps": 20}, 20),
    Case("ddpm large variance", DDPM, {"variance_type": "fixed_large"}),
    Case("ddpm log variance", DDPM, {"variance_type": "fixed_small_log", "clip_sample": False}),
    Case("ddpm linspace", DDPM, {"timestep_spacing": "linspace", "clip_sample_range": 2.0}),
    Case("ddpm trailing", DDPM, {"timestep_spacing": "trailing", "variance_type": "fixed_large"}),
    Case("ddpm offset", DDPM, {"steps_offset": 1, "beta_schedule": "scaled_linear"}),
    Case("ddpm cosine v", DDPM, {"beta_schedule": "squaredcos_cap_v2",
                                 "prediction_type": "v_prediction"}),
    Case("ddpm sample", DDPM, {"prediction_type": "sample", "clip_sample": False}),
    Case("ddpm betas", DDPM, {"trained_betas": [0.01, 0.02, 0.1, 0.2, 0.3, 0.5],
                              "num_train_timesteps": 6, "clip_sample": False}, 6),
    Case("ddim", DDIM),
    Case("ddim eta 1", DDIM, knobs={"eta": 1.0}),
    Case("ddim linspace", DDIM, {"timestep_spacing": "linspace", "clip_sample": False}),
    Case("ddim trailing", DDIM, {"timestep_spacing": "trailing", "set_alpha_to_one": False}, 9),
    Case("ddim scaled", DDIM, {"beta_schedule": "scaled_linear", "beta_start": 0.00085,
                               "beta_end": 0.012, "steps_offset": 1, "clip_sample": False,
                               "set_alpha_to_one": False}, 10, {"eta": 0.5}),
    Case("ddim cosine", DDIM, {"beta_schedule": "squaredcos_cap_v2"}, 7, {"eta": 1.0}),
    Case("ddim v", DDIM, {"prediction_type": "v_prediction", "timestep_spacing": "trailing",
                          "rescale_betas_zero_snr": True, "clip_sample": False}),
    Case("ddim sample", DDIM, {"prediction_type": "sample"}, 7, {"eta": 1.0}),
    Case("edm", EDM),
    Case("edm v", EDM, {"prediction_type": "v_prediction", "sigma_data": 1.0, "rho": 5.0}),
    Case("edm exponential", EDM, {"sigma_schedule": "exponential", "sigma_max": 20.0}),
    Case("edm last", EDM, {"final_sigmas_type": "sigma_min", "sigma_min": 0.01}),
    Case("flow", FLOW),
    Case("flow shifted", FLOW, {"shift": 3.0}),
    Case("flow terminal", FLOW, {"shift": 2.0, "shift_terminal": 0.05}),
]  # fmt: skip


def formula(x: Tensor, time: Tensor) -> Tensor:
    """A network that is no network: some answer of x (B, C, H, W) and of the time (B,)."""
    time = time.float().reshape(-1, 1, 1, 1)
    return 0.8 * torch.sin(1.7 * x + 0.01 * time) + 0.3 * x.roll(1, -1)


def start(shape=SHAPE) -> tuple[Tensor, Streams]:
    """The noise that a trajectory starts from, and the streams of what is drawn after it."""
    streams = Streams.of(generator(SEED), shape[0])
    return normal(shape, streams, "cpu"), streams


@torch.no_grad()
def theirs(case: Case, network=formula, shape=SHAPE) -> tuple[Tensor, Tensor]:
    """(x (steps + 1, *shape), x0 (steps, *shape)): what diffusers makes of the case.

    Of a scheduler that tells no x_0 (flow matching), x0 is nan. The noise comes from the streams.
    """
    import diffusers

    scheduler = getattr(diffusers, case.scheduler)(**case.settings)
    scheduler.set_timesteps(case.steps)
    z, streams = start(shape)
    x = z * getattr(scheduler, "init_noise_sigma", 1.0)
    xs, guesses = [x], []
    for t in scheduler.timesteps:
        seen = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        step = scheduler.step(
            network(seen, t.expand(shape[0])), t, x, generator=streams.generators, **case.knobs
        )
        x = step.prev_sample
        xs.append(x)
        guesses.append(getattr(step, "pred_original_sample", torch.full_like(x, torch.nan)))
    return torch.stack(xs), torch.stack(guesses)


def main() -> None:
    from safetensors.torch import save_file

    tensors = {}
    for case in CASES:
        tensors[f"{case.name}/x"], tensors[f"{case.name}/x0"] = theirs(case)
    save_file(tensors, FILE)
    print(f"Wrote {len(CASES)} trajectories, {FILE.stat().st_size:,} bytes.")


if __name__ == "__main__":
    main()
