"""A folder as diffusers writes it, read and checked without torch and without diffusers.

    model_index.json                                 which classes the pipeline is made of
    unet/config.json                                 the network's settings
    unet/diffusion_pytorch_model.safetensors         its weights
    scheduler/scheduler_config.json                  the noise schedule, and what the network says

The first repositories of diffusers have all of them in one folder; those are read too.

Everything in it may come from a stranger: files have a limit, weights are safetensors and never
pickles, no code of the folder is run, and every setting that the mathematics reads is checked here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

INDEX = "model_index.json"
UNET = "unet/config.json"
SCHEDULER = "scheduler/scheduler_config.json"
WEIGHTS = "diffusion_pytorch_model"
FAMILY = "diffusers"

MOST_SIDE = 128  # pixels of a picture's side: larger ones are no matter for a page
MOST_BYTES = 1 << 30  # of the weights
MOST_TEXT = 4 << 20  # bytes of a JSON file; a schedule may be written out in it
STEPS = 20  # of our samplers, where nothing else is asked

# What every such model can do (``models.contract.capabilities``); a test holds that it is so.
CAPABILITIES = ("Samples", "Encodes", "Decodes", "HasLikelihood", "Denoises", "Completes")


def is_folder(path: Path) -> bool:
    """Whether this is a folder in diffusers' layout, readable here or not."""
    return (path / INDEX).is_file()


def facts(folder: Path) -> dict[str, Any]:
    """What a header says of the model in a folder: ``models.checkpoints.header.Header``'s fields.

    Raises ValueError, one sentence, where it is no diffusion model that can be opened here.
    """
    unet, settings, weights = read(folder)
    channels, height, width = image_of(unet)
    classes = unet.get("num_class_embeds") or 0
    name, scheduler = name_of(folder), settings["_class_name"]
    count = _parameters(weights, name)
    return {
        "name": name,
        "family": FAMILY,
        "title": f"{name}, diffusers",
        "about": f"A U-Net of {count:,} parameters for {width}×{height} pictures, trained "
        f"elsewhere and opened from a diffusers folder. Its scheduler: {scheduler}.",
        "config": {
            "image": [channels, height, width],
            "num_classes": classes,
            "drop_label": 0.0,
            "steps": STEPS,
        },
        "recipe": {"train": {}, "evaluate": {}},
        "seed": 0,
        "data": {
            "name": f"data of {name}", "split": "", "n": 0, "sha256": "",
            "classes": _class_names(folder, classes),
        },
        "training": {
            "steps": 0, "epochs": 0, "minutes": 0, "hardware": "unknown", "precision": "unknown",
        },
        "parameters": count,
        "capabilities": CAPABILITIES + (("Conditional",) if classes else ()),
    }  # fmt: skip


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """(unet, scheduler, weights): the network's settings, the scheduler's, whole and checked, and
    the file of the weights. Raises ValueError, one sentence, where it cannot be opened here."""
    name = name_of(folder)
    _check_index(_json(folder, INDEX), name)
    unet = _json(folder, UNET)
    _check_unet(unet, name)
    settings = scheduler_settings(_json(folder, SCHEDULER))
    if unet.get("time_embedding_type") == "fourier" and settings["_class_name"] != FLOW:
        raise ValueError(
            f"The network in '{name}' takes the logarithm of the time, which its scheduler "
            "does not keep above 0; one with a positional time embedding can be opened."
        )
    return unet, settings, _weights(folder)


def image_of(unet: dict[str, Any]) -> tuple[int, int, int]:
    """(C, H, W) of a checked network's pictures."""
    size = unet["sample_size"]
    height, width = size if isinstance(size, list) else (size, size)
    return unet["in_channels"], height, width


def name_of(folder: Path) -> str:
    """What the model is called: its folder's name; of a copy in the Hub's cache the repository's,
    whose last folder is named by a checksum."""
    folder = folder.resolve()
    repository, name = folder.parent.parent.name, folder.name
    if folder.parent.name == "snapshots" and repository.startswith("models--"):
        name = repository.rpartition("--")[2]
    return re.sub(r"[^\w.-]+", "-", name) or FAMILY


def _place(folder: Path, name: str) -> Path:
    """Where a part's file lies: in the part's own folder or, as in the first repositories of
    diffusers, beside the index."""
    part, _, rest = name.partition("/")
    return folder / name if not rest or (folder / part).is_dir() else folder / rest


def _json(folder: Path, name: str) -> dict[str, Any]:
    path, model = _place(folder, name), name_of(folder)
    try:
        if path.stat().st_size > MOST_TEXT:
            raise ValueError(f"'{name}' in '{model}' is too large for a file of settings.")
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"'{model}' has no {name}: a diffusers folder for this page holds {INDEX}, "
            f"{UNET}, unet/{WEIGHTS}.safetensors and {SCHEDULER}."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError(f"'{name}' in '{model}' is damaged: it is no JSON.") from None
    if not isinstance(values, dict):
        raise ValueError(f"'{name}' in '{model}' is damaged: it holds no settings.")
    return values


def _check_index(index: dict[str, Any], name: str) -> None:
    parts = {
        key: value for key, value in index.items()
        if isinstance(value, list) and len(value) == 2 and value[1] is not None
    }  # fmt: skip
    if {"text_encoder", "tokenizer"} & parts.keys():
        raise ValueError(
            f"'{name}' draws pictures from text; models that take no text can be opened here."
        )
    if {"vae", "vqvae"} & parts.keys():
        raise ValueError(
            f"'{name}' is a latent diffusion model, which draws codes for a VAE; models that draw "
            "pixels can be opened here."
        )
    missing = [part for part in ("unet", "scheduler") if part not in parts]
    if missing:
        raise ValueError(
            f"'{name}' has no {' and no '.join(missing)} in its {INDEX}; a pipeline of a "
            "UNet2DModel and a scheduler, such as DDPMPipeline, can be opened here."
        )
    for part in ("unet", "scheduler"):
        if parts[part][0] != "diffusers":
            raise ValueError(
                f"The {part} of '{name}' is code of its own, which is not run here; classes of "
                "diffusers itself can be opened."
            )


def _check_unet(unet: dict[str, Any], name: str) -> None:
    kind = unet.get("_class_name", "UNet2DModel")
    if kind == "UNet2DConditionModel":
        raise ValueError(
            f"The network in '{name}' is a UNet2DConditionModel, which is led by a text; a "
            "UNet2DModel can be opened here."
        )
    if kind != "UNet2DModel":
        raise ValueError(f"The network in '{name}' is a {kind}; a UNet2DModel can be opened here.")
    reads, says = unet.get("in_channels", 3), unet.get("out_channels", 3)
    if reads not in (1, 3) or reads != says:
        raise ValueError(
            f"The network in '{name}' reads {reads} channels and answers with {says}; networks "
            "that read and answer with 1 channel (grey) or 3 (colour) can be opened here."
        )
    unet["in_channels"] = reads
    size = unet.get("sample_size")
    sides = size if isinstance(size, list) else [size, size]
    if len(sides) != 2 or not all(_whole(side, 1, 1 << 20) for side in sides):
        raise ValueError(
            f"The network in '{name}' does not say how large its pictures are (sample_size)."
        )
    if max(sides) > MOST_SIDE:
        raise ValueError(
            f"The pictures of '{name}' have {sides[1]}x{sides[0]} pixels; up to "
            f"{MOST_SIDE}x{MOST_SIDE} can be shown here."
        )
    channels = unet.get("block_out_channels", [224, 448, 672, 896])
    sound = (
        isinstance(channels, list)
        and 1 <= len(channels) <= 8
        and all(_whole(c, 1, 4096) for c in channels)
        and _whole(unet.get("layers_per_block", 2), 1, 16)
        and unet.get("time_embedding_type", "positional") in ("positional", "fourier", "learned")
    )
    if not sound:
        raise ValueError(f"The settings of the network in '{name}' ({UNET}) are damaged.")
    if any(side % 2 ** (len(channels) - 1) for side in sides):
        raise ValueError(
            f"The network in '{name}' halves its pictures {len(channels) - 1} times, which "
            f"{sides[1]}x{sides[0]} pixels do not allow."
        )
    classes = unet.get("num_class_embeds")
    if unet.get("class_embed_type") is not None or not (
        classes is None or _whole(classes, 1, 1000)
    ):
        raise ValueError(
            f"The network in '{name}' is led by something other than 1 to 1000 classes; "
            "unconditional and class-conditional ones can be opened here."
        )


def _weights(folder: Path) -> Path:
    stem, name = _place(folder, f"unet/{WEIGHTS}"), name_of(folder)
    for suffix in (".safetensors", ".fp16.safetensors"):
        path = stem.with_name(WEIGHTS + suffix)
        if path.is_file():
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(
                    f"The weights in '{name}' take {path.stat().st_size / 2**30:.1f} GiB; "
                    f"up to {MOST_BYTES / 2**30:g} GiB can be opened here."
                )
            return path
    if any(stem.parent.glob("*.safetensors.index.json")):
        raise ValueError(
            f"The weights in '{name}' are spread over several files; one file can be opened."
        )
    if any(path for kind in ("*.bin", "*.pt", "*.ckpt") for path in stem.parent.glob(kind)):
        raise ValueError(
            f"The weights in '{name}' are a pickle, which can run code when it is opened; "
            "safetensors can be opened here (save_pretrained writes them)."
        )
    raise ValueError(f"'{name}' has no weights: unet/{WEIGHTS}.safetensors is missing.")


def _parameters(path: Path, name: str) -> int:
    try:
        with safe_open(path, "numpy") as tensors:
            return sum(math.prod(tensors.get_slice(key).get_shape()) for key in tensors.keys())  # noqa: SIM118
    except (SafetensorError, OSError):
        raise ValueError(
            f"The weights in '{name}' are damaged or cut short: they cannot be read as safetensors."
        ) from None


def _class_names(folder: Path, count: int) -> list[str]:
    """The names in the index (``id2label``), where there is one for every class; else numbers."""
    names = _json(folder, INDEX).get("id2label")
    if isinstance(names, dict):
        listed = [names.get(str(k)) for k in range(count)]
        if all(isinstance(name, str) and 0 < len(name) <= 80 for name in listed):
            return [name.partition(",")[0].strip() for name in listed]
    return [str(k) for k in range(count)]


# -- schedulers ------------------------------------------------------------------------------------


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _number(low: float, high: float) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        return known and low <= value <= high

    return fits


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def _betas(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and bool(value) and all(map(_number(1e-8, 0.9999), value))
    )


BETA = _number(1e-8, 0.9999)
# Each setting that a trajectory depends on: its default in diffusers, and whether a value is known
# here. What is in the file besides these changes nothing.
VARIANCE_PRESERVING = {
    "num_train_timesteps": (1000, lambda value: _whole(value, 2, 10_000)),
    "beta_start": (1e-4, BETA),
    "beta_end": (0.02, BETA),
    "beta_schedule": ("linear", _one_of("linear", "scaled_linear", "squaredcos_cap_v2")),
    "trained_betas": (None, _betas),
    "prediction_type": ("epsilon", _one_of("epsilon", "v_prediction", "sample")),
    "clip_sample": (True, _truth),
    "clip_sample_range": (1.0, _number(1e-3, 1e3)),
    "thresholding": (False, _one_of(False)),
    "timestep_spacing": ("leading", _one_of("leading", "linspace", "trailing")),
    "steps_offset": (0, lambda value: _whole(value, 0, 10_000)),
    "rescale_betas_zero_snr": (False, _truth),
}
SCHEDULERS: dict[str, dict[str, tuple[Any, Callable[[Any], bool]]]] = {
    "DDPMScheduler": {
        **VARIANCE_PRESERVING,
        "variance_type": ("fixed_small", _one_of("fixed_small", "fixed_small_log", "fixed_large")),
    },
    "DDIMScheduler": {**VARIANCE_PRESERVING, "set_alpha_to_one": (True, _truth)},
    "EDMEulerScheduler": {
        "sigma_min": (0.002, _number(1e-5, 1.0)),
        "sigma_max": (80.0, _number(2.0, 1e4)),
        "sigma_data": (0.5, _number(1e-3, 1e2)),
        "sigma_schedule": ("karras", _one_of("karras", "exponential")),
        "prediction_type": ("epsilon", _one_of("epsilon", "v_prediction")),
        "rho": (7.0, _number(1.0, 100.0)),
        "final_sigmas_type": ("zero", _one_of("zero", "sigma_min")),
    },
    "FlowMatchEulerDiscreteScheduler": {
        "num_train_timesteps": (1000, lambda value: _whole(value, 2, 10_000)),
        "shift": (1.0, _number(1e-2, 1e2)),
        "shift_terminal": (None, lambda value: value is None or _number(1e-4, 0.9)(value)),
        **{
            flag: (False, _one_of(False)) for flag in (
                "use_dynamic_shifting", "invert_sigmas", "use_karras_sigmas",
                "use_exponential_sigmas", "use_beta_sigmas", "stochastic_sampling",
            )
        },
    },
}  # fmt: skip
FLOW = "FlowMatchEulerDiscreteScheduler"


def scheduler_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a scheduler, whole: what is not said has diffusers' default.

    Raises ValueError, one sentence, for another scheduler and for a value that is not known here.
    """
    kind = values.get("_class_name")
    if kind not in SCHEDULERS:
        raise ValueError(
            f"The scheduler {kind} is not known here; known: {', '.join(SCHEDULERS)}. A DDPM can "
            "be saved with DDIMScheduler.from_config(pipeline.scheduler.config) instead."
        )
    settings = {"_class_name": kind}
    for key, (default, fits) in SCHEDULERS[kind].items():
        value = values.get(key, default)
        if not fits(value):
            raise ValueError(f"The {kind} has {key} = {str(value)[:60]}, which is not known here.")
        settings[key] = value
    betas, steps = settings.get("trained_betas"), settings.get("num_train_timesteps")
    if betas is not None and len(betas) != steps:
        raise ValueError(f"The {kind} has {len(betas)} betas for {steps} steps.")
    if settings.get("rescale_betas_zero_snr") and settings["prediction_type"] == "epsilon":
        raise ValueError(
            f"The {kind} ends in pure noise (rescale_betas_zero_snr), from which a predicted noise "
            "tells no picture; v_prediction or sample would."
        )
    if settings.get("sigma_min", 0) >= settings.get("sigma_max", 1):
        raise ValueError(f"The {kind}'s lowest noise level must lie below its highest.")
    return settings
