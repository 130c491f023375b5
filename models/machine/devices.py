"""Which device to compute on, what it is good at, and its name for people."""

from __future__ import annotations

import platform

import torch


def pick_device(wish: str = "auto") -> torch.device:
    """ "auto" takes the fastest there is. Raises ValueError where a named device is missing."""
    if wish == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    if wish == "cuda" and not torch.cuda.is_available():
        raise ValueError("There is no CUDA device here; use --device auto or cpu.")
    if wish == "mps" and not torch.backends.mps.is_available():
        raise ValueError("There is no Apple GPU (mps) here; use --device auto or cpu.")
    if wish not in ("cpu", "cuda", "mps"):
        raise ValueError(f"Unknown device '{wish}': use auto, cpu, cuda or mps.")
    return torch.device(wish)


def wants_bf16(precision: str, device: torch.device) -> bool:
    """Whether to autocast to bfloat16: asked for, or "auto" where the hardware multiplies in it.

    Without such instructions bfloat16 is emulated and slower than float32.
    """
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        return bool(
            torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        )
    return False


def hardware(device: torch.device, processes: int = 1) -> str:
    """The machine in words, such as "2 threads of an x86_64 CPU"; of each of the processes."""
    if device.type == "cuda":
        words = torch.cuda.get_device_name(device)
    elif device.type == "mps":
        words = "Apple GPU"
    else:
        words = f"{torch.get_num_threads()} threads of an {platform.machine()} CPU"
    return words if processes == 1 else f"{processes} processes, each on {words}"
