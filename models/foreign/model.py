r"""A diffusion model of diffusers: a network that others trained, behind the contract of ours.

The network is a U-Net, trained to undo noise as every diffusion model is. Programs differ in
bookkeeping: how fast the noise grows, at which scale the network sees a noisy picture, how it is
told the time, and whether it answers with the noise, the picture or a mix of both. All of it can be
written as one question, *which picture $x_0$ is under $x = x_0 + \sigma n$?*,

$$D(x; \sigma) = c_{skip}(\sigma)\, x + c_{out}(\sigma)\, F_\theta\big(c_{in}(\sigma)\, x,\;
\tau(\sigma)\big)$$

(Karras et al. 2022, eq. 7). A network that predicts the noise at step $t$ of a DDPM
(Ho et al. 2020), for one, is

$$D(x; \sigma) = x - \sigma\, \epsilon_\theta\Big(\frac{x}{\sqrt{1 + \sigma^2}},\; t\Big), \qquad
\sigma = \sqrt{\frac{1 - \bar\alpha_t}{\bar\alpha_t}} .$$

So every sampler here goes with it, and its noise is a code: the probability-flow ODE
$dx / d\sigma = (x - D(x; \sigma)) / \sigma$ (Song et al. 2021b, eq. 13) leads from noise to picture
and back. The sampler *As its scheduler does* takes the steps that the model's own program takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import Knob, check_temperature
from models.contract.model import Frame
from models.contract.random import normal
from models.contract.streams import Streams
from models.families.diffusion.ode import OdeDenoiser
from models.families.diffusion.schedules import Schedule, schedule
from models.foreign import folder as folders
from models.foreign.schedulers import Scheduler, scheduler

VERSION = "0.42.1"  # of diffusers, that this is tested with
SCHEDULER = "scheduler"  # the sampler that is the scheduler's own
# Names of the parts of an attention block before diffusers 0.19, and since.
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


@dataclass(frozen=True)
class ForeignConfig:
    """What a folder says of its model, as settings of ours; none can be chosen."""

    image: tuple[int, ...] = setting((3, 32, 32), "Channels, height and width of an image.")
    num_classes: int = setting(0, "Classes to condition on; 0 is none.", low=0, high=1000)
    drop_label: float = setting(
        0.0, "How often a class was left out in training; 0: no guidance.", low=0.0, high=1.0
    )
    low: float = setting(0.01, "Lowest noise level.", low=1e-6)
    high: float = setting(80.0, "Highest noise level.")
    sigma_data: float = setting(0.5, "Deviation of the data, black to white being 2.", low=1e-3)
    centre: float = setting(0.5, "Grey level that is taken off first.", low=0.0, high=1.0)
    steps: int = setting(20, "Steps a sample takes, where nothing else is asked.", low=1)


class ForeignDiffusion(OdeDenoiser):
    """A UNet2DModel of diffusers with its scheduler's mathematics. It is not trained here.

    net: called ``net(x, time, class_labels, return_dict=False)``, as a UNet2DModel is.
    """

    Config = ForeignConfig

    def __init__(self, config: ForeignConfig, net: nn.Module, scheduler: Scheduler) -> None:
        super().__init__(config)
        self.net, self.scheduler = net, scheduler
        self.learned_times = _is_learned(net)

    # -- the denoiser ----------------------------------------------------------------------------

    @property
    def schedule(self) -> Schedule:
        return self.scheduler.schedule

    def _schedule(self, name: str | None) -> Schedule:
        return self.schedule if name in (None, self.schedule.name) else schedule(name)

    def denoised(
        self,
        x: Tensor,
        level: float | Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """D(x; sigma), the guess of x_0, (B, C, H, W); all inside. level: (B,) or one for all.

        There is no guidance: nothing says that the network was trained without a class as well.
        Raises ValueError where another than 1 is asked for.
        """
        if guidance != 1:
            raise ValueError("This model takes no guidance; leave it at 1.")
        level = torch.as_tensor(level, dtype=torch.float32, device=x.device).expand(len(x))
        level = level.clamp(min=self.config.low)
        return self.scheduler.denoised(self._network(label, len(x)), x, level)

    def _network(self, label: int | Tensor | None, n: int) -> Any:
        """(x (n, C, H, W), time (n,)) -> the network's answer, for one class or one each."""
        labels = None
        if self.class_count:
            none = torch.full((n,), self.class_count, device=self.device)
            labels = none if label is None else self.checked_label(label, n)

        def network(x: Tensor, time: Tensor) -> Tensor:
            if self.learned_times:  # a table of times has nothing between two entries
                time = time.round().long()
            return self.net(x.float(), time, labels, return_dict=False)[0].float()

        return network

    # -- its scheduler's own steps ---------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        """Those of every denoiser, without guidance; samples can be drawn as its scheduler does."""
        known = tuple(knob for knob in super().knobs(method) if knob.name != "guidance")
        if method != "sample_steps":
            return known
        return tuple(
            replace(knob, choices=(*knob.choices, SCHEDULER)) if knob.name == "sampler" else knob
            for knob in known
        )

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        sampler: str = "dpm",
        steps: int | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
        start: Tensor | None = None,
        **knobs: float,
    ) -> Iterator[Frame]:
        """As of ``Denoiser``; sampler "scheduler" takes diffusers' own steps (``eta`` of DDIM).

        Raises ValueError for a setting out of its range.
        """
        if sampler != SCHEDULER:
            yield from super().sample_steps(
                n, rng, label, temperature, sampler, steps, guidance, schedule, start, **knobs
            )
            return
        check_temperature(temperature)
        rng, image = Streams.of(rng, n), self.config.image
        z = self.checked_noise(start) if start is not None else None
        z = normal((n, math.prod(image)), rng, self.device) if z is None else z
        z = temperature * z
        label = self.label_or_drawn(label, n, rng)
        network, steps = self._network(label, n), self.config.steps if steps is None else steps
        for moment in self.scheduler.walk(network, z.view(n, *image).float(), steps, rng, **knobs):
            yield Frame(
                moment.index,
                moment.total,
                self.outside(moment.scale * moment.x).clamp(0, 1),
                self.outside(moment.x0).clamp(0, 1),
                {
                    "z": z, "label": label, "level": moment.level,
                    "evaluations": min(moment.index + 1, moment.total),
                },
            )  # fmt: skip

    # -- where codes are alike -------------------------------------------------------------------

    @torch.no_grad()
    def embed(self, z: Tensor, label: Tensor | None = None, level: float = 1.5) -> Tensor:
        """What the network knows of the picture that a noise leads to, (N, F): the answer of its
        middle, at a level where pictures have to be told apart (Xiang et al. 2023); the picture
        itself where the network has no middle."""
        x = self.inside(self.decode(z, label))
        middle = self.net.mid_block
        if middle is None:
            return x.flatten(1)
        kept: list[Tensor] = []
        hook = middle.register_forward_hook(lambda module, given, answer: kept.append(answer))
        try:
            self.denoised(x, level)
        finally:
            hook.remove()
        return F.adaptive_avg_pool2d(kept[0].float(), (2, 1)).flatten(1)


class Classes(nn.Module):
    """The network's classes, and one more that stands for none: the mean of all of them.

    Nobody trained the network with it. It is asked for where a picture is read without its class
    being known.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(self, labels: Tensor) -> Tensor:
        """labels: (B,), as many as there are classes for none. (B, F)."""
        weight = self.embedding.weight
        return F.embedding(labels, torch.cat([weight, weight.mean(0, keepdim=True)]))


def open_folder(folder: str | Path, device: str = "cpu") -> ForeignDiffusion:
    """The model of a folder in diffusers' layout, in evaluation mode, without gradients by weights.

    Raises ValueError, one sentence, where it cannot be opened here, or diffusers is not installed.
    """
    folder = Path(folder)
    unet, settings, file = folders.read(folder)
    process = scheduler(settings)
    net = _network_of(unet, file, folders.name_of(folder))
    classes = unet.get("num_class_embeds") or 0
    if classes:
        net.class_embedding = Classes(net.class_embedding)
    config = ForeignConfig(
        image=folders.image_of(unet), num_classes=classes, low=process.low, high=process.high,
        sigma_data=process.sigma_data, steps=folders.STEPS,
    )  # fmt: skip
    model = ForeignDiffusion(config, net, process)
    model = model.to(device=torch.device(device), memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


def _network_of(unet: dict[str, Any], file: Path, name: str) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        from diffusers.models.unets.unet_2d import UNet2DModel
    except ImportError:
        raise ValueError(
            f"'{name}' is a model of diffusers, which is not installed here: "
            f"pip install diffusers=={VERSION} gets it."
        ) from None
    try:
        with torch.device("meta"):  # nothing is allocated before the weights are there and fit
            net = UNet2DModel.from_config({k: v for k, v in unet.items() if k[:1] != "_"})
    except Exception as error:  # whatever a setting that does not fit leads to in there
        raise ValueError(
            f"The settings of the network in '{name}' ({folders.UNET}) describe none that "
            f"diffusers {VERSION} can build."
        ) from error
    try:
        weights = {_renamed(key): value.float() for key, value in load_file(file).items()}
        net.load_state_dict(weights, assign=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ValueError(
            f"The weights in '{name}' do not fit the network that {folders.UNET} describes."
        ) from error
    broken = sum(not bool(value.isfinite().all()) for value in weights.values())
    if broken:
        raise ValueError(
            f"{broken} of {len(weights)} weights in '{name}' hold values that are no numbers (nan "
            "or infinity), so nothing can come of it."
        )
    return net


def _renamed(key: str) -> str:
    return re.sub(
        r"(attentions\.\d+)\.(query|key|value|proj_attn)\.",
        lambda found: f"{found[1]}.{OLD_NAMES[found[2]]}.",
        key,
    )


def _is_learned(net: nn.Module) -> bool:
    return isinstance(getattr(net, "time_proj", None), nn.Embedding)
