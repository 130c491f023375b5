r"""A deep energy model: a number for every picture, low where pictures are.

Any function $E_\theta(x)$ makes a density, $p_\theta(x) = e^{-E_\theta(x)} / Z$, and no one needs
to know $Z$: the gradient of the log-density is $-\nabla_x E_\theta(x)$, and **Langevin dynamics**
follows it downhill while noise shakes it,

$$x \leftarrow x - \frac{\epsilon^2}{2} \nabla_x E_\theta(x) + \epsilon\, \sqrt{T}\, \xi, \qquad
\xi \sim \mathcal{N}(0, I),$$

which for small steps ends in $p_\theta$ at temperature $T = 1$. Maximum likelihood digs where the
data are and fills up where the chains are,

$$\nabla_\theta \big(-\log p_\theta(x)\big) = \nabla_\theta E_\theta(x) - \mathbb{E}_{\tilde x
\sim p_\theta} \nabla_\theta E_\theta(\tilde x) ,$$

with chains that go on from one step of training to the next (Tieleman 2008; Du and Mordatch 2019).
By itself this is unstable: pictures fill a thin sheet of their space, the energy far from it is
never seen by the data, and chains that run longer than those of the training leave for places of
absurdly low energy. What helps is **noise** (Gao et al. 2021; Zhang et al. 2023). One network knows
the energies of the data at every noise level, $x_\sigma = x + \sigma \varepsilon$: at a large
$\sigma$ there is one broad valley that any start falls into, at a small one there are the
pictures. The energy is read off a denoiser $D_\theta$,

$$E_\theta(x, \sigma) = \frac{\lVert x - D_\theta(x, \sigma) \rVert^2}{2 \sigma^2}$$

(after Salimans and Ho 2021), and its gradient is held to the data at every level by denoising
(Vincent 2011), for the best guess of the picture under the noise is $x_\sigma - \sigma^2
\nabla_x \log(1 / p_\sigma)$:

$$\mathcal{L} = \mathbb{E} \big\lVert \sigma \nabla_x E_\theta(x + \sigma \varepsilon, \sigma) -
\varepsilon \big\rVert^2 + \lambda\, \big( \mathbb{E}\, E_\theta(x + \sigma\varepsilon, \sigma) -
\mathbb{E}\, E_\theta(\tilde x, \sigma) \big) .$$

The second term is the maximum likelihood above: a **positive phase** at the data and a **negative
phase** at persistent chains $\tilde x$, which start from noise at the largest level, are led down
to the smallest, stay there, and start again after a while.

Sampling is the same walk: Langevin steps while the noise level falls, then at the smallest level
for as long as one likes. The energy of a picture is the one at the smallest level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import STEPS, TEMPERATURE, Knob, check_temperature, with_default
from models.contract.model import Frame, GenerativeModel, Objective, differentiable
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.nets import UNet
from models.machine.processes import whole

FRAMES = 50  # of a chain are shown


@dataclass(frozen=True)
class EnergyConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    width: int = setting(48, "Channels of the first feature map.", low=8, high=512)
    halvings: int = setting(1, "How many times the side is halved.", low=0, high=4)
    blocks: int = setting(1, "Residual blocks at each resolution, down and up.", low=1, high=8)
    middle: int = setting(2, "Residual blocks at the lowest resolution.", low=1, high=16)
    patch: int = setting(2, "Squares of pixels this wide are read as channels.", low=1, high=8)
    spread: float = setting(
        0.33, "Root mean square of the data's pixels, which the network is scaled by.", low=0.01,
        high=2.0,
    )  # fmt: skip
    lowest: float = setting(
        0.1, "The smallest noise level, where the pictures are.", low=0.001, high=1.0
    )
    highest: float = setting(
        3.0, "The largest noise level, where chains start.", low=1.0, high=100.0
    )
    anneal: int = setting(
        100, "Langevin steps in which a chain's noise level falls.", low=1, high=10_000
    )
    step: float = setting(
        0.6, "Size of a Langevin step, in units of the noise level.", low=0.01, high=1.4
    )
    chains: int = setting(64, "Persistent chains of the negative phase.", low=1, high=4096)
    langevin: int = setting(
        10, "Langevin steps of every chain a step of training.", low=1, high=1000, live=True
    )
    restart: float = setting(
        0.03, "Part of the chains that start again from noise, each step of training.", low=0.0,
        high=1.0, live=True,
    )  # fmt: skip
    contrast: float = setting(
        0.01,
        "Weight of the positive less the negative phase beside denoising; 0 leaves it out.",
        low=0.0,
        high=100.0,
        live=True,
    )


def langevin(
    x: Tensor, slope: Tensor, step: Tensor | float, noise: Tensor, temperature: float = 1.0
) -> Tensor:
    """One Langevin step from x down the energy's gradient ``slope`` (Welling and Teh 2011).

    step: epsilon, which is also the noise's standard deviation at temperature 1; noise: standard
    normal, like x.
    """
    return x - 0.5 * step**2 * slope + step * math.sqrt(temperature) * noise


class EnergyModel(GenerativeModel):
    """Energies at every noise level, and Langevin chains that walk in them."""

    Config = EnergyConfig
    PAPERS = ("1903.08689",)

    def __init__(self, config: EnergyConfig) -> None:
        if config.lowest >= config.highest:
            raise ValueError(
                f"The smallest noise level, {config.lowest:g}, must be below the largest, "
                f"{config.highest:g}."
            )
        super().__init__(config)
        c = config
        self.net = UNet(
            tuple(c.image), c.width, c.halvings, c.blocks, c.middle, 0, c.patch, classes=0
        )
        # The last layer of a block starts at zero; here its input is read by another gradient.
        nn.init.normal_(self.net.write[-1].weight, std=1e-3)
        self.register_buffer("chains", torch.zeros(c.chains, *c.image))
        # How many steps ago each chain started; before the first step of training none has.
        self.register_buffer("ages", torch.full((c.chains,), -1, dtype=torch.int64))

    # -- energies --------------------------------------------------------------------------------

    def denoised(self, x: Tensor, sigma: Tensor) -> Tensor:
        """D(x, sigma), (B, C, H, W), scaled as in Karras et al. (2022, table 1). sigma: (B,)."""
        s = sigma.view(-1, 1, 1, 1)
        d = self.config.spread
        total = (s.square() + d * d).sqrt()
        label = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        out = self.net(x / total, sigma.log() / 4, label).float()
        return (d / total).square() * x + s * d / total * out

    def level_energy(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """E(x, sigma) in nats, (B,): of pictures that carry noise of that level. sigma: (B,)."""
        sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(len(x))
        lost = (x - self.denoised(x, sigma)).square().sum((1, 2, 3))
        return lost / (2 * sigma.square())

    def level_slope(self, x: Tensor, sigma: Tensor | float) -> tuple[Tensor, Tensor]:
        """The gradient of E(x, sigma) by x, (B, C, H, W), and E itself, (B,), both without a
        history."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = self.level_energy(x, sigma)
            slope = torch.autograd.grad(energy.sum(), x)[0]
        return slope, energy.detach()

    @differentiable
    def energy(self, x: Tensor) -> Tensor:
        """The energy of pictures x (B, C, H, W), (B,) in nats: -log p(x) - log Z, at the smallest
        noise level. Differentiable in x."""
        return self.level_energy(self.checked(x), self.config.lowest)

    def energy_gradient(self, x: Tensor) -> Tensor:
        """How the energy changes with each pixel of x, (B, C, H, W) nats a unit of brightness."""
        return self.level_slope(self.checked(x), self.config.lowest)[0]

    def level_at(self, age: Tensor) -> Tensor:
        """The noise level of a chain so many steps after its start, (B,)."""
        c = self.config
        part = (age.float() / c.anneal).clamp(0, 1)
        return c.highest * (c.lowest / c.highest) ** part

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """Denoising at every level, and the positive phase less the negative one where the chains
        are. In training the chains go on; else they only look ahead."""
        c = self.config
        loss = denoising = self._denoising(x, rng)
        logs = {"denoising": denoising}
        if c.contrast:
            dream, sigma = self._dreamt(rng)
            batch = whole(x)  # the chains, and what they are held against, are no rows of a batch
            rows = (_uniform((len(dream),), rng, x.device) * len(batch)).long()
            noise = _noise(dream.shape, rng, x.device)
            data = batch[rows] + sigma.view(-1, 1, 1, 1) * noise
            positive, negative = self.level_energy(data, sigma), self.level_energy(dream, sigma)
            contrast = (positive - negative).mean()
            loss = loss + c.contrast * contrast / x[0].numel()
            logs |= {"positive_phase": positive.mean(), "negative_phase": negative.mean()}
        yield Objective(list(self.parameters()), loss, logs)

    def _denoising(self, x: Tensor, rng: Generator) -> Tensor:
        """The squared error of the gradient against the noise, a pixel's mean, weighed so that
        every level counts alike at the start (Karras et al. 2022, table 1)."""
        c = self.config
        u = uniform((len(x),), rng, x.device)
        sigma = c.lowest * (c.highest / c.lowest) ** u
        s = sigma.view(-1, 1, 1, 1)
        noise = normal(x.shape, rng, x.device)
        with torch.enable_grad():
            noisy = (x + s * noise).requires_grad_()
            energy = self.level_energy(noisy, sigma)
            slope = torch.autograd.grad(energy.sum(), noisy, create_graph=True)[0]
        weight = (s.square() + c.spread**2) / c.spread**2
        return (weight * (s * slope - noise).square()).mean()

    @torch.no_grad()
    def _dreamt(self, rng: Generator) -> tuple[Tensor, Tensor]:
        """The chains a few Langevin steps on, (N, C, H, W), and their noise levels, (N,)."""
        c = self.config
        x, ages, device = self.chains.float(), self.ages, self.chains.device
        again = (ages < 0) | (_uniform((len(x),), rng, device) < c.restart)
        fresh = c.highest * _noise(x.shape, rng, device)
        x = torch.where(again.view(-1, 1, 1, 1), fresh, x)
        ages = torch.where(again, 0, ages)
        for _ in range(c.langevin):
            sigma = self.level_at(ages)
            slope, _ = self.level_slope(x, sigma)
            step = c.step * sigma.view(-1, 1, 1, 1)
            x = langevin(x, slope, step, _noise(x.shape, rng, device))
            ages = ages + 1
        if self.training:
            self.chains.copy_(x)
            self.ages.copy_(ages)
        return x, self.level_at(ages - 1)

    # -- sampling --------------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        walk = (TEMPERATURE, with_default(STEPS, 100))
        size = Knob(
            "step_size", "number", "Size of a Langevin step, in units of the noise level.",
            self.config.step, 0.01, 1.4,
        )  # fmt: skip
        return {"sample_steps": walk, "chain_steps": (*walk, size)}.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        steps: int = 100,
    ) -> Iterator[Frame]:
        """Langevin chains from noise: the noise level falls, over ``anneal`` steps or all there
        are, then stays. A frame, every so many steps, has the chain (what is outside 0 to 1 cut
        off), its denoised picture as x0, and in info the ``energy`` (n,) at the noise level
        ``sigma``. The last frame is the denoised picture.

        temperature: of p(x)^(1 / temperature).
        """
        rng = Streams.of(rng, n)
        yield from self._chain(self._far(n, rng), self._falling(steps), rng, temperature, last=True)

    @torch.no_grad()
    def chain_steps(
        self,
        start: Tensor | int,
        rng: Generator | Streams,
        steps: int = 100,
        temperature: float = 1.0,
        step_size: float | None = None,
    ) -> Iterator[Frame]:
        """Langevin chains at the smallest noise level from pictures ``start`` (B, C, H, W) in
        [0, 1], with noise of that level added; or, where it is a number, so many from noise at the
        largest level, which falls as in ``sample_steps``. Frames as there, but that the last one's
        x is the chain as well.

        step_size: epsilon over the noise level, the settings' ``step`` unless given.
        """
        c = self.config
        if isinstance(start, Tensor):
            rng = Streams.of(rng, len(self.checked(start)))
            x = start + c.lowest * normal(start.shape, rng, start.device)
            levels = [c.lowest] * steps
        else:
            rng = Streams.of(rng, start)
            x, levels = self._far(start, rng), self._falling(steps)
        yield from self._chain(x, levels, rng, temperature, step_size)

    def _far(self, n: int, rng: Streams) -> Tensor:
        """Where chains start: noise of the largest level, (n, C, H, W)."""
        return self.config.highest * normal((n, *self.image_shape), rng, self.device)

    def _falling(self, steps: int) -> list[float]:
        """The noise level at each of so many steps from noise."""
        c = self.config
        fall = min(steps, c.anneal)
        levels = [c.highest * (c.lowest / c.highest) ** (k / fall) for k in range(fall)]
        return levels + [c.lowest] * (steps - fall)

    def _chain(
        self,
        x: Tensor,
        levels: list[float],
        rng: Streams,
        temperature: float,
        size: float | None = None,
        last: bool = False,
    ) -> Iterator[Frame]:
        """last: whether the last frame's x is the denoised picture."""
        check_temperature(temperature)
        total, size = len(levels), self.config.step if size is None else size
        if total < 1:
            raise ValueError("A chain needs at least one step.")
        if not 0 < size < 2:  # beyond 2 even a Gaussian's chain runs away
            raise ValueError("A Langevin step must be above 0 and below 2 noise levels.")
        every = max(1, total // FRAMES)
        for k in range(total + 1):
            # The gradient that the next step goes down also says what the picture is like here.
            sigma = torch.full((len(x),), levels[min(k, total - 1)], device=x.device)
            slope, energy = self.level_slope(x, sigma)
            s = sigma.view(-1, 1, 1, 1)
            if k % every == 0 or k == total:
                # The mean of the pictures that this may be a noisy version of (Robbins 1956).
                clean = (x - s.square() * slope).clamp(0, 1)
                shown = clean if last and k == total else x.clamp(0, 1)
                info = {"energy": energy, "sigma": float(sigma[0]), "label": None}
                yield Frame(k, total, shown, clean, info)
            if k < total:
                noise = normal(x.shape, rng, x.device)
                x = langevin(x, slope, size * s, noise, temperature)


def _uniform(shape: tuple[int, ...], rng: Generator, device: torch.device) -> Tensor:
    """For the chains, which are the same in every process: not shared out as a batch's rows are."""
    return torch.rand(shape, generator=rng, device=rng.device).to(device)


def _noise(shape: tuple[int, ...], rng: Generator, device: torch.device) -> Tensor:
    return torch.randn(shape, generator=rng, device=rng.device).to(device)
