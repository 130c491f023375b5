r"""A normalising flow: an invertible network that bends pictures into noise, and noise back.

If $z = f(x)$ is invertible and $z \sim \mathcal{N}(0, I)$, then $x$ has a density one can write
down, by how much $f$ stretches the space around it (Dinh et al. 2017, eqs. 2 and 3),

$$\log p(x) = \log \mathcal{N}(f(x); 0, I) + \log \left| \det \frac{\partial f}{\partial x}
\right| ,$$

and the network is trained on that number itself. The determinant must be cheap. A **coupling
layer** leaves half of the channels as they are and bends the other half by an elementwise map whose
numbers a network reads off the first half: the Jacobian is triangular, the inverse as cheap as the
map, and the network inside may be anything. Between couplings an **invertible 1 x 1 convolution**
mixes the channels and an **actnorm** keeps them near mean 0 and variance 1 (Kingma and Dhariwal
2018). The picture is **squeezed** first, squares of 2 x 2 pixels become four channels, and at each
further scale half of the channels is **split** off as finished noise.

Pictures are whole numbers, and a density would pile up on them without bound. So each level gets
noise $u \in [0, 1)$ (dequantisation), and by Jensen's inequality

$$\log P(x) \;\ge\; \mathbb{E}_{q(u \mid x)} \big[ \log p(x + u) - \log q(u \mid x) \big] ,$$

with $q$ uniform, or itself a small flow that learns which noise is easiest to explain (Ho et al.
2019, eq. 12).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.knobs import LABEL, SAMPLES, TEMPERATURE, Knob, check_temperature, with_default
from models.contract.model import (
    Frame,
    GenerativeModel,
    Likelihood,
    Objective,
    Stage,
    differentiable,
)
from models.contract.numbers import log_mean_exp, log_normal
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.flow.layers import (
    ActNorm,
    Chain,
    ChannelMix,
    Coupling,
    Layer,
    Logit,
    Squeeze,
    spread,
    total,
)


@dataclass(frozen=True)
class FlowConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    scales: int = setting(2, "How many times the picture is squeezed.", low=1, high=5)
    steps: int = setting(8, "Coupling layers a scale.", low=1, high=64)
    coupling: str = setting(
        "spline", "How a coupling layer bends its half.", choices=("affine", "spline")
    )
    bins: int = setting(8, "Bins of a spline.", low=2, high=64)
    width: int = setting(64, "Channels inside a coupling's network.", low=4, high=1024)
    blocks: int = setting(1, "Residual blocks of a coupling's network.", low=0, high=16)
    dequantise: str = setting(
        "variational", "The noise within a level.", choices=("uniform", "variational")
    )
    dequantise_steps: int = setting(
        4, "Coupling layers of the flow that learns that noise.", low=1, high=32
    )
    dequantise_width: int = setting(
        32, "Channels inside the networks of that flow.", low=4, high=1024
    )
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )


class Dequantiser(torch.nn.Module):
    """q(u | x): noise in (0, 1) from a flow that sees the picture, or uniform."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        C = 4 * config.image[0]
        self.flow: Chain | None = None
        if config.dequantise == "variational":
            layers: list[Layer] = []
            for _ in range(config.dequantise_steps):
                layers.append(ChannelMix(C))
                layers.append(Coupling(C, "affine", config.dequantise_width, 1, context=C))
            self.flow = Chain(layers)

    def forward(self, x: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """u (B, C, H, W) and each pixel's part of log q(u | x), (B, H, W). x in [0, 1]."""
        if self.flow is None:
            u = uniform(x.shape, rng, x.device).to(x.dtype)
            return u, x.new_zeros(len(x), *x.shape[2:])
        noise = normal(x.shape, rng, x.device).to(x.dtype)
        u, log_det = self.bent(noise, x)
        return u, log_normal(noise).sum(1) - log_det

    def bent(self, noise: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal noise to u in (0, 1), and each pixel's part of log |det du/dnoise|,
        (B, H, W)."""
        h, log_det = self.flow(F.pixel_unshuffle(noise, 2), F.pixel_unshuffle(2 * x - 1, 2))
        s = F.pixel_shuffle(h, 2)
        slope = (F.logsigmoid(s) + F.logsigmoid(-s)).sum(1)
        return torch.sigmoid(s), spread(log_det, s.shape[2:]) + slope


class Flow(GenerativeModel):
    """Squeeze, bend, split, and again; what is left is noise."""

    Config = FlowConfig
    PAPERS = ("1605.08803", "1807.03039", "1906.04032")

    def __init__(self, config: FlowConfig) -> None:
        super().__init__(config)
        C, H, W = config.image
        if H % 2**config.scales or W % 2**config.scales:
            raise ValueError(
                f"Images of {H} x {W} cannot be squeezed {config.scales} times; use fewer scales."
            )
        classes = max(0, config.num_classes)
        self.dequantiser = Dequantiser(config)
        self.logit = Logit()
        self.squeeze = Squeeze()
        self.scales = torch.nn.ModuleList()
        for _ in range(config.scales):
            C = 4 * C
            layers: list[Layer] = []
            for _ in range(config.steps):
                layers += [
                    ActNorm(C),
                    ChannelMix(C),
                    Coupling(C, config.coupling, config.width, config.blocks, config.bins, classes),
                ]
            self.scales.append(Chain(layers))
            C = C // 2  # the other half is finished

    @property
    def latent(self) -> int:
        return math.prod(self.image_shape)

    # -- the map ---------------------------------------------------------------------------------

    def _context(self, label: int | Tensor | None, n: int) -> Tensor | None:
        """(n, classes, 1, 1) one-hot; zeros for no label; None where there are no classes."""
        return self.one_hot(label, n)[:, :, None, None] if self.class_count else None

    def passes(self, y: Tensor, label: int | Tensor | None = None) -> Iterator[tuple]:
        """The way of y (B, C, H, W) in (0, 1) to noise, a layer at a time.

        Yields (name, parts, log_det): the finished parts and, last, what is still under way, and
        what each pixel added to log |det| so far, (B, H, W).
        """
        h, log_det = self.logit(y)
        yield "logit", [h], log_det
        context, done = self._context(label, len(y)), []
        for scale, chain in enumerate(self.scales):
            h, stretched = self.squeeze(h)  # by nothing yet
            here = None if context is None else context.expand(-1, -1, *h.shape[2:])
            for k, layer in enumerate(chain.layers):
                h, change = layer(h, here)
                stretched = stretched + change
                if isinstance(layer, Coupling):
                    so_far = log_det + spread(stretched, y.shape[2:])
                    yield f"scale {scale + 1}, coupling {k // 3 + 1}", [*done, h], so_far
            log_det = so_far
            if scale + 1 < len(self.scales):
                h, z = h.chunk(2, 1)
                done.append(z)

    def forward(self, y: Tensor, label: int | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """z (B, D) and log |det dz/dy| (B,). y: (B, C, H, W) in (0, 1), dequantised."""
        _, parts, log_det = deque(self.passes(y, label), maxlen=1)[0]
        return torch.cat([part.flatten(1) for part in parts], 1), total(log_det)

    def _parts(self, z: Tensor) -> list[Tensor]:
        C, H, W = self.image_shape
        shapes = []
        for scale in range(len(self.scales)):
            C, H, W = 4 * C, H // 2, W // 2
            if scale + 1 < len(self.scales):
                shapes.append((C - C // 2, H, W))
                C = C // 2
            else:
                shapes.append((C, H, W))
        sizes = [math.prod(shape) for shape in shapes]
        return [
            part.unflatten(1, shape) for part, shape in zip(z.split(sizes, 1), shapes, strict=True)
        ]

    def returns(self, z: Tensor, label: int | Tensor | None = None) -> Iterator[Tensor]:
        """The way back from z (B, D), laid out as a picture (B, C, H, W): what ``passes`` went
        through, from the last to the first, which is on the logit scale."""
        *done, h = self._parts(z)
        context = self._context(label, len(z))
        yield self.laid_out([*done, h])
        for scale in reversed(range(len(self.scales))):
            here = None if context is None else context.expand(-1, -1, *h.shape[2:])
            for layer in reversed(self.scales[scale].layers):
                h = layer.inverse(h, here)
                if isinstance(layer, ActNorm):  # the first of a step
                    yield self.laid_out([*done[:scale], h])
            h = self.squeeze.inverse(h)
            if scale:
                h = torch.cat([h, done[scale - 1]], 1)

    def laid_out(self, parts: list[Tensor]) -> Tensor:
        """Parts of any moment as one (B, C, H, W): every number at the pixel it came from."""
        h = parts[-1]
        for part in reversed(parts[:-1]):
            h = torch.cat([self.squeeze.inverse(h), part], 1)
        return self.squeeze.inverse(h) if h.shape[1:] != self.image_shape else h

    # -- training --------------------------------------------------------------------------------

    def levels(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> the nearest of 256 levels, 0 to 255."""
        return (x * 255).round()

    def _bound(self, x: Tensor, label: Tensor | None, rng: Generator) -> tuple[Tensor, Tensor]:
        """What each pixel adds to log p((x + u) / 256) - log 256 - log q(u | x), (B, H, W), and
        log |det|, (B,). x: in [0, 1]."""
        size, levels = x.shape[2:], x.shape[1] * math.log(256)
        u, log_q = self.dequantiser(x, rng)
        passes = self.passes((self.levels(x) + u) / 256, label)
        _, parts, log_det = deque(passes, maxlen=1)[0]
        log_p_z = sum(spread(log_normal(part).sum(1), size) for part in parts)
        return log_p_z + log_det - log_q - levels, total(log_det)

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The bound on -log p(x), in nats an image."""
        label = y if self.class_count else None
        bound, log_det = self._bound(x, label, rng)
        loss = -total(bound).mean()
        logs = {"bpd": loss / (math.log(2) * x[0].numel()), "log_det": log_det.mean()}
        yield Objective(list(self.parameters()), loss, logs)

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        label = (LABEL,) if self.class_count else ()
        declared = {
            "sample_steps": (TEMPERATURE,),
            "log_likelihood": (with_default(SAMPLES, 4), *label),
            **dict.fromkeys(("encode", "decode", "flow_steps", "inverse_steps"), label),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
    ) -> Iterator[Frame]:
        """z ~ N(0, temperature^2 I) on its way back; a frame a coupling. info["z"]: (n, D)."""
        check_temperature(temperature)
        rng = Streams.of(rng, n)
        label = self.label_or_drawn(label, n, rng)
        z = temperature * normal((n, self.latent), rng, self.device)
        z = z.to(next(self.parameters()).dtype)
        steps, count = self.returns(z, label), 1 + self.config.steps * len(self.scales)
        for k, h in enumerate(steps):
            yield Frame(k + 1, count, self._picture(h), info={"z": z, "label": label})

    def _picture(self, h: Tensor) -> Tensor:
        """From the logit scale to [0, 1], the middle of a level to that level."""
        return ((self.logit.inverse(h) * 256 - 0.5) / 255).clamp(0, 1)

    def _middle(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> in (0, 1), the middle of each level."""
        return (self.levels(self.checked(x)) + 0.5) / 256

    @torch.no_grad()
    def encode(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The noise of a picture, (B, D), each level taken at its middle. x: (B, C, H, W)."""
        return self(self._middle(x), label)[0]

    @torch.no_grad()
    def flow_steps(self, x: Tensor, label: int | Tensor | None = None) -> Iterator[Stage]:
        """The way of pictures x (B, C, H, W) in [0, 1] to noise, a ``Stage`` a coupling; the first
        is the logit alone. Each level is taken at its middle, as ``encode`` does."""
        for name, parts, log_det in self.passes(self._middle(x), label):
            h = self.laid_out(parts)
            stretched = total(log_det)
            nats = total(log_normal(h)) + stretched - self.latent * math.log(256)
            yield Stage(name, h, stretched, nats)

    @torch.no_grad()
    def inverse_steps(self, z: Tensor, label: int | Tensor | None = None) -> Iterator[Tensor]:
        """The way back: what ``flow_steps`` saw before each coupling, from the last to the first,
        (B, C, H, W) each. z: (B, D)."""
        yield from self.returns(z, label)

    @differentiable
    def decode(self, z: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The picture of a noise z (B, D), (B, C, H, W) in [0, 1]."""
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"This model's codes have {self.latent} numbers, not {tuple(z.shape)[1:]}."
            )
        return self._picture(deque(self.returns(z, label), maxlen=1)[0])

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 4,
        label: int | Tensor | None = None,
    ) -> Likelihood:
        """log P(x) of 8-bit pictures, bounded with ``samples`` draws of the noise:

        log 1/K sum_k p(x + u_k) / q(u_k | x), u_k ~ q(. | x): with K = 1 the bound that was
        trained, and tighter for more (Burda et al. 2016, eq. 8), with the jackknife's standard
        error. per_pixel: where it comes from, in squares of 2 x 2 pixels, since within one the
        layers pass on to each other what a pixel had. x: (B, C, H, W) in [0, 1].
        """
        if samples < 1:
            raise ValueError("A likelihood needs at least one sample.")
        x = self.checked(x)
        if label is not None:
            label = torch.as_tensor(label, device=x.device).expand(len(x))
        draws = [self._bound(x, label, rng) for _ in range(samples)]
        log_w = torch.stack([total(places) for places, _ in draws])  # (K, B)
        nats, error = (log_w[0], None) if samples == 1 else log_mean_exp(log_w)
        nats = nats.to(x.dtype)
        places = spread(4 * F.avg_pool2d(sum(p for p, _ in draws) / samples, 2), x.shape[2:])
        # What averaging over draws gains belongs to no pixel: it is spread evenly.
        places = places + ((nats - total(places)) / places[0].numel())[:, None, None]
        return Likelihood(
            nats,
            "lower bound",
            "uint8",
            error,
            (places / x.shape[1])[:, None].expand_as(x),
            details={"log_det": torch.stack([d for _, d in draws]).mean(0)},
            how=f"{self.config.dequantise} dequantisation, {samples} draws",
        )
