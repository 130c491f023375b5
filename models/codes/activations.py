"""What the layers of a network make of one picture: their outputs, caught on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from models.codes.inversion import starting_codes
from models.contract.abilities import HasLevels, Noises, QuantisesCodes, Restores
from models.contract.capabilities import (
    Classifies,
    Decodes,
    Discriminates,
    Encodes,
    HasEnergy,
    WritesPixels,
)
from models.contract.model import Model
from models.contract.random import normal

CHANNELS = 64  # of a layer that are kept, the first ones
LAYERS = 60  # of a network
HALF_WAY = 0.5  # how far to noise the picture goes that a denoiser is given


class Layer(NamedTuple):
    """What a layer has made of a picture.

    name: of the module; kind: in a word; values: (K, H, W), its first K channels, of ``channels``.
    """

    name: str
    kind: str
    channels: int
    values: Tensor


class Network(NamedTuple):
    """A network of a model. given(model, x (1, C, H, W), rng): what it works on; run(model, given,
    rng): has it work."""

    title: str
    there: Callable[[Model], bool]
    given: Callable[[Model, Tensor, Generator], Tensor]
    run: Callable[[Model, Tensor, Generator], object]


def _picture(model: Model, x: Tensor, rng: Generator) -> Tensor:
    return x


def _noised(model: Model, x: Tensor, rng: Generator) -> Tensor:
    return model.noised(x, HALF_WAY, normal(x.shape, rng, x.device))


def _code(model: Model, x: Tensor, rng: Generator) -> Tensor:
    return model.encode(x) if isinstance(model, Encodes) else starting_codes(model, 1, rng)


def _observed(model: Model, x: Tensor, rng: Generator) -> Tensor:
    return model.observed(x, rng)


def _restores(model: Model) -> bool:
    return isinstance(model, Noises) and isinstance(model, Restores)


def _has(ability: type) -> Callable[[Model], bool]:
    # The codes of a denoiser are reached by the very steps that are looked at already.
    return lambda model: isinstance(model, ability) and not _restores(model)


def _decodes(model: Model) -> bool:
    if not isinstance(model, Decodes) or _restores(model):
        return False
    return isinstance(model, Encodes) or model.code_prior != "none"


NETWORKS = (
    Network("Denoiser", _restores, _noised, lambda m, x, rng: m.restore_steps(x, HALF_WAY, rng)),
    Network("Encoder", _has(Encodes), _picture, lambda m, x, rng: m.encode(x)),
    Network("Encoder", _has(HasLevels), _picture, lambda m, x, rng: m.encode_levels(x, rng)),
    Network("Encoder", _has(QuantisesCodes), _picture, lambda m, x, rng: m.encode_indices(x)),
    Network("Decoder", _decodes, _code, lambda m, z, rng: m.decode(z)),
    Network(
        "Decoder",
        _has(QuantisesCodes),
        lambda m, x, rng: m.encode_indices(x),
        lambda m, k, rng: m.decode_indices(k),
    ),
    Network("Discriminator", _has(Discriminates), _picture, lambda m, x, rng: m.verdict(x)),
    Network("Classifier", _has(Classifies), _picture, lambda m, x, rng: m.classify(x)),
    Network("Predictor", _has(WritesPixels), _observed, lambda m, x, rng: m.predict(x)),
    Network("Energy", _has(HasEnergy), _picture, lambda m, x, rng: m.energy(x)),
)


def activations(model: Model, x: Tensor, rng: Generator) -> list[tuple[str, list[Layer]]]:
    """Every network of the model that can be shown a picture, with its layers in the order in which
    they work. x: (1, C, H, W) in [0, 1].

    A layer is a module with weights of its own and no module within: a convolution, a matrix. What
    works several times is told of the first time. A denoiser is given the picture half way to
    noise. rng: of noise, and of the code where a model cannot encode.
    """
    found = []
    for network in NETWORKS:
        if not network.there(model):
            continue
        given = network.given(model, x, rng)
        with _caught(model) as layers:
            done = network.run(model, given, rng)
            if isinstance(done, Iterator):  # a step of it is enough
                while not layers and next(done, None) is not None:
                    pass
        if layers:
            found.append((network.title, list(layers.values())))
    return found


@contextmanager
def _caught(model: nn.Module) -> Iterator[dict[str, Layer]]:
    """The layers that have worked, by the names of their modules, while the block lasts."""
    found: dict[str, Layer] = {}

    def catcher(name: str) -> Callable[..., None]:
        def catch(module: nn.Module, given: tuple, output: object) -> None:
            if name in found or len(found) >= LAYERS or not isinstance(output, Tensor):
                return
            maps = as_maps(output)
            if maps is not None:
                kept = maps[:CHANNELS].detach().float().clone()
                found[name] = Layer(name, kind_of(module), len(maps), kept)

        return catch

    handles = [
        module.register_forward_hook(catcher(name))
        for name, module in model.named_modules()
        if not any(True for _ in module.children())
        and any(weight.ndim >= 2 for weight in module.parameters(recurse=False))
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def as_maps(output: Tensor) -> Tensor | None:
    """(C, H, W) of the first of a batch: maps as they are, (T, C) tokens where a square holds them
    as a map, and a vector as C maps of one value. None for what is none of these."""
    if output.ndim < 2:
        return None
    one = output[0]
    if one.ndim == 3:
        return one
    if one.ndim == 2:
        side = math.isqrt(len(one))
        tall, wide = (side, side) if side * side == len(one) else (1, len(one))
        return one.T.reshape(one.shape[1], tall, wide)
    return one[:, None, None] if one.ndim == 1 else None


def kind_of(module: nn.Module) -> str:
    """What a layer is, in a word or two."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return "convolution, upwards"
    if isinstance(module, nn.modules.conv._ConvNd):
        return "convolution"
    if isinstance(module, nn.Embedding):
        return "embedding"
    return "matrix" if isinstance(module, nn.Linear) else "layer"


def in_grey(values: Tensor) -> Tensor:
    """Values of a layer from 0 to 1: 0.5 is zero, and all channels have one scale."""
    largest = torch.quantile(values.abs().flatten(), 0.995).clamp(min=1e-12)
    return (0.5 + values / (2 * largest)).clamp(0, 1)
