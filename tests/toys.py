"""Small models that keep the contract, for tests of the page: untrained, quick, any capability."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch import nn

from models import FAMILIES
from models.checkpoints import weights
from models.checkpoints.codes import Map, save_map
from models.checkpoints.header import Header, read_header
from models.checkpoints.preview import save_preview
from models.codes.judged_map import FEATURES, features
from models.contract.capabilities import Samples, capabilities
from models.contract.config import setting
from models.contract.knobs import TEMPERATURE, Knob
from models.contract.model import Frame, GenerativeModel, Model, differentiable
from models.contract.random import generator, normal
from models.contract.streams import Streams
from models.data.datasets import digits
from models.evaluation.translation import save_preview as save_translations
from models.training import recipe


@dataclass(frozen=True)
class Config:
    image: tuple[int, ...] = (1, 28, 28)
    latent: int = setting(6, "Length of the code.", low=1)
    num_classes: int = setting(0, "Classes one can ask for; 0 for none.", low=0)


class Toy(GenerativeModel):
    r"""A linear decoder: $x = \sigma(W z)$ with $z \sim N(0, I)$."""

    Config = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        pixels = int(np.prod(config.image))
        self.weight = nn.Parameter(normal((pixels, config.latent), generator(7), "cpu"))
        self.classes = nn.Embedding(max(config.num_classes, 1), config.latent)
        nn.init.constant_(self.classes.weight, 0.5)

    @differentiable
    def encode(self, x):
        return (self.checked(x).flatten(1) - 0.5) @ torch.linalg.pinv(self.weight).T

    @differentiable
    def decode(self, z, label=None):
        if label is not None and self.config.num_classes:
            z = z + self.classes(torch.as_tensor(label)).reshape(-1, z.shape[1])
        return torch.sigmoid(z @ self.weight.T).reshape(-1, *self.image_shape)

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        return (TEMPERATURE,) if method == "sample_steps" else ()

    @torch.no_grad()
    def sample_steps(self, n, rng, label=None, temperature=1.0):
        rng = Streams.of(rng, n)
        z = temperature * normal((n, self.config.latent), rng, self.device)
        yield Frame(1, 1, self.decode(z, label), info={"z": z})


class Slow(Toy):
    """Takes two seconds to draw, showing twenty times how far it is, or to decode many codes."""

    @differentiable
    def decode(self, z, label=None):
        if len(z) > 100:
            time.sleep(2)
        return super().decode(z, label)

    @torch.no_grad()
    def sample_steps(self, n, rng, label=None, temperature=1.0):
        [frame] = super().sample_steps(n, rng, label, temperature)
        for step in range(20):
            time.sleep(0.1)
            yield replace(frame, step=step, total=20)


class Reader(Model):
    """Encodes, and does nothing else: what a tab that needs samples must turn down."""

    Config = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))

    @differentiable
    def encode(self, x):
        return self.scale * self.checked(x).mean((2, 3))


@dataclass(frozen=True)
class WalkerConfig:
    image: tuple[int, ...] = (1, 28, 28)
    steps: int = setting(6, "Steps of a sample.", low=1)
    pause: float = setting(0.0, "Seconds that a step takes longer, but for a preview.", low=0.0)


class Walker(GenerativeModel):
    """Samples in steps and denoises, with no knob beyond the contract: noise fades to grey."""

    Config = WalkerConfig

    def __init__(self, config: WalkerConfig) -> None:
        super().__init__(config)
        self.grey = nn.Parameter(torch.tensor(0.5))

    @torch.no_grad()
    def denoise(self, x_t, t):
        return self.grey.expand_as(self.checked(x_t)).clone()

    @torch.no_grad()
    def sample_steps(self, n, rng, label=None):
        z = normal((n, *self.image_shape), Streams.of(rng, n), self.device)
        for k in range(self.config.steps + 1):
            time.sleep(self.config.pause if n < 64 else 0)
            left = 1 - k / self.config.steps
            x = (self.grey + left * z).clamp(0, 1)
            yield Frame(k, self.config.steps, x, info={"level": left, "evaluations": k})


FAMILIES.setdefault("walker", "tests.toys:Walker")
FAMILIES.setdefault("toy", "tests.toys:Toy")
FAMILIES.setdefault("slow", "tests.toys:Slow")
FAMILIES.setdefault("reader", "tests.toys:Reader")


def write(folder: Path, name: str, family: str = "toy", data: str = "mnist", **config) -> Path:
    """A checkpoint of an untrained toy with everything the page reads, in ``folder/name``."""
    model = weights.build(family, config)
    header = Header(
        name=name,
        family=family,
        title=name.replace("-", " ").title(),
        about=f"An untrained toy, {name}.",
        config={"image": list(model.image_shape), **config},
        recipe=recipe.from_dict({"name": name, "family": family}).to_dict(),
        seed=0,
        data={
            "name": data,
            "split": "train",
            "n": 0,
            "sha256": "0" * 64,
            "classes": [str(k) for k in range(10)],
        },
        training={
            "steps": 0,
            "epochs": 0,
            "minutes": 0,
            "hardware": "none",
            "precision": "float32",
        },
        parameters=sum(p.numel() for p in model.parameters()),
        capabilities=capabilities(model),
        metrics={"nll_nats": {"value": 81.23, "n": 10000, "space": "binary"}},
    )
    target = weights.save(model, header, folder / name)
    if hasattr(model, "sample"):
        model = weights.load(target)
        images = (model.sample(64, generator(0)) * 255).round().byte()
        c, h, w = model.image_shape
        grid = images.reshape(8, 8, c, h, w).permute(0, 3, 1, 4, 2).reshape(8 * h, 8 * w, c)
        picture = Image.fromarray(grid.squeeze(-1).numpy() if c == 1 else grid.numpy())
        picture.save(target / "preview.webp", lossless=True)
    return target


def write_walker(folder: Path, name: str, **config) -> Path:
    """An untrained diffusion model, small enough to take its four steps in a blink."""
    small = {"width": 8, "middle": 1, "patch": 4, "halvings": 0, "steps": 4, "num_classes": 10}
    return write(folder, name, "diffusion", **{**small, **config})


def write_scribe(folder: Path, name: str) -> Path:
    """An untrained model of text that sees 16 places, whose every symbol sways those after it."""
    small = {"image": [1, 1, 16], "width": 16, "layers": 2, "head_width": 8}
    return _stirred(write(folder, name, "text", "python-library", **small), 0.3)


def write_writer(
    folder: Path,
    name: str,
    network: str = "made",
    image: tuple = (1, 8, 8),
    data: str = "digits",
    **config,
) -> Path:
    """An untrained autoregressive model of small pictures, whose every value sways those after it.

    Its settings are those of ``models.families.autoregressive``; the ones not given are small.
    """
    small = {"network": network, "image": list(image), "width": 40, "layers": 2}
    small |= {"transformer": {"head_width": 4, "patch": 2, "hidden": 24, "width": 8}}.get(
        network, {}
    )
    target = write(folder, name, "autoregressive", data, **{**small, **config})
    return _stirred(target, 0.3)


def write_flow(folder: Path, name: str, **config) -> Path:
    """A flow of small pictures, untrained, with weights moved so that every layer does something.

    Its settings are those of ``models.families.flow``; the ones not given are small.
    """
    small = {"image": [1, 8, 8], "scales": 2, "steps": 2, "width": 8, "bins": 4}
    small |= {"dequantise_width": 8, "dequantise_steps": 2}
    return _stirred(write(folder, name, "flow", "digits", **{**small, **config}), 0.05)


def write_levels(folder: Path, name: str) -> Path:
    """An untrained hierarchy of four levels, each of which says something."""
    small = {"image": [1, 8, 8], "width": 8, "groups": "1, 1, 1, 1"}
    return _stirred(write(folder, name, "hvae", "digits", **small), 0.05)


def write_book(folder: Path, name: str) -> Path:
    """An untrained VQ-VAE: grids of 2 x 2 of five entries, and a prior over them."""
    small = {"image": [1, 8, 8], "entries": 5, "depth": 4, "width": 16, "blocks": 0}
    small |= {"hidden": 16, "layers": 1, "head_width": 8}
    return _stirred(write(folder, name, "vqvae", "digits", **small), 0.1)


def write_game(folder: Path, name: str, **config) -> Path:
    """An untrained GAN of small pictures, with weights moved so that its verdicts differ.

    Its settings are those of ``models.families.gan``; the ones not given are small.
    """
    small = {"image": [1, 8, 8], "noise": 6, "width": 8, "hidden": 16}
    return _stirred(write(folder, name, "gan", "digits", **{**small, **config}), 0.1)


def write_energy(folder: Path, name: str) -> Path:
    """An untrained deep energy of small pictures, whose every weight counts."""
    small = {"image": [1, 8, 8], "width": 8, "halvings": 0, "middle": 1, "chains": 4}
    return _stirred(write(folder, name, "ebm", "digits", **small), 0.05)


def write_translator(folder: Path, name: str, domains: str = "outlines", **config) -> Path:
    """An untrained CycleGAN of small pictures, with weights moved so that it changes them."""
    small = {"image": [1, 8, 8], "width": 8, "judge_width": 8, "blocks": 1, "domains": domains}
    target = _stirred(write(folder, name, "cyclegan", "digits", **{**small, **config}), 0.1)
    save_translations(weights.load(target), digits("test"), target)
    return target


def write_judge(folder: Path, name: str) -> Path:
    """An untrained classifier of digits, with its features of the test pictures beside it.

    They are laid out along two of them: what UMAP would do is not what is asked.
    """
    target = write(folder, name, "classifier", "digits", image=[1, 8, 8], width=16, blocks=1)
    test = digits("test")
    found = features(weights.load(target), test.images)
    save_map(target, Map(found, found[:, :2].copy(), test.labels.numpy()), FEATURES)
    return target


def _stirred(target: Path, scale: float) -> Path:
    """The checkpoint with every weight moved at random, by so much, and a preview of what it is."""
    model, header, rng = weights.load(target), read_header(target), generator(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=rng)
    weights.save(model, header, target)
    if isinstance(model, Samples):
        save_preview(weights.load(target), target)
    return target


def write_codes(folder: Path, D: int = 6, n: int = 60) -> np.ndarray:
    """Codes of made-up test images beside a checkpoint, six times as wide along the first number.

    Returns them, (n, D). By KL the numbers come in the order 3, 1, 5, 4, 0, 2.
    """
    rng = np.random.default_rng(1)
    codes = rng.standard_normal((n, D)) * np.r_[1.8, np.full(D - 1, 0.3)]
    kl = np.resize(np.array([0.1, 2.0, 0.0, 3.0, 0.5, 1.0], np.float32), D)
    tensors = {"codes": codes.astype(np.float16), "kl": kl}
    tensors["labels"] = (np.arange(n) % 10).astype(np.uint8)
    save_file(tensors, folder / "codes.safetensors", {"split": "test", "n": str(n)})
    return tensors["codes"].astype(np.float32)
