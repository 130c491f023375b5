"""What every autoregressive model does, by whichever network; see ``variants`` for what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import (
    BINARISE,
    LABEL,
    ORDER,
    SAMPLES,
    TEMPERATURE,
    Knob,
    check_temperature,
)
from models.contract.model import Frame, GenerativeModel, Likelihood, Mask, Objective
from models.contract.random import binarised, uniform
from models.contract.streams import Streams
from models.families.autoregressive.augmentation import moved
from models.families.autoregressive.made import MADE
from models.families.autoregressive.nade import NADE
from models.families.autoregressive.pixelcnn import GatedPixelCNN, PixelCNN
from models.families.autoregressive.transformer import HELD, PatchTransformer
from models.families.distributions import KINDS

NETWORKS = ("fvsbn", "nade", "made", "pixelcnn", "gated", "transformer")
PROBES = 8  # of a receptive field
PAPERS = {
    "nade": ("1605.02226",),
    "made": ("1502.03509",),
    "pixelcnn": ("1601.06759",),
    "gated": ("1606.05328",),
    "transformer": ("1706.03762",),
}
ORDERS = ("raster", "reversed", "columns", "mirrored", "centre", "shuffled")


@dataclass(frozen=True)
class AutoregressiveConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    network: str = setting(
        "made", "How a value is kept from seeing those after it.", choices=NETWORKS
    )
    pixels: str = setting(
        "bernoulli", "What is said of one value given those before it.", choices=tuple(KINDS)
    )
    levels: int = setting(256, "Grey levels; black and white has two.", low=2, high=256)
    components: int = setting(5, "Parts of a mixture.", low=1, high=50)
    orders: str = setting(
        "raster",
        "Order of writing, of raster, reversed, columns, mirrored, centre, shuffled; several with "
        "commas, which the same weights learn (MADE, and a transformer but for the last two).",
    )
    width: int = setting(
        192, "Units of a layer: channels, or numbers in a token.", low=4, high=8192
    )
    layers: int = setting(2, "Hidden layers, or blocks.", low=0, high=64)
    ends: bool = setting(
        False, "A PixelCNN or transformer is told which values are black and which are white."
    )
    head: int = setting(
        0, "Units between a PixelCNN's features and what it says; 0 is its width.", low=0, high=4096
    )
    head_width: int = setting(32, "Numbers a transformer's attention head has.", low=4, high=512)
    patch: int = setting(4, "Side of a transformer's patch, in pixels.", low=1, high=32)
    hidden: int = setting(256, "Units of the network that writes a patch.", low=4, high=8192)
    hidden_layers: int = setting(1, "Layers of the network that writes a patch.", low=1, high=8)
    dropout: float = setting(0.0, "Part of the units dropped in training.", low=0.0, high=0.9)
    shift: int = setting(
        0, "Pixels by which a transformer's pictures are moved in training, at most.", low=0, high=8
    )
    bend: float = setting(
        0.0, "How far they are turned, slanted and stretched, at most.", low=0.0, high=0.5
    )
    mirror: bool = setting(False, "Whether some of them are mirrored, left to right.")
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )
    drop_label: float = setting(
        0.0, "How often a class is left out in training, which guidance needs.", low=0.0, high=1.0
    )


class Autoregressive(GenerativeModel):
    """A network that keeps the order, and a distribution that its numbers describe.

    The network reads (B, C, H, W) in [-1, 1] and a one-hot class, and gives (B, D, P): P numbers
    for each of the D values. ``layout`` (D,) says which place of the flattened picture its k-th
    output speaks of, ``orders`` (O, D) in which order the places are written, and
    ``writer(n, y, order)`` is the network one value at a time: ``numbers()`` (n, P) of the value
    about to be written, ``put(v)`` (n,) writes it. ``pictured_masks(order)`` are its masks.
    """

    Config = AutoregressiveConfig

    @classmethod
    def papers(cls, config: AutoregressiveConfig) -> tuple[str, ...]:
        return PAPERS.get(config.network, ())

    def __init__(self, config: AutoregressiveConfig) -> None:
        super().__init__(config)
        self.distribution = KINDS[config.pixels](config.levels, config.components)
        self.net = network(config, self.distribution.numbers)

    # -- what is observed ------------------------------------------------------------------------

    def observed(self, x: Tensor, rng: Generator) -> Tensor:
        """What the likelihood is of, in [0, 1]: pixels drawn 0 or 1 with their grey level as
        probability (see ``binarised``), or the nearest level."""
        if self.config.pixels == "bernoulli":
            return binarised(x, rng)
        top = self.distribution.levels - 1
        return (x * top).round() / top

    @property
    def orders(self) -> tuple[str, ...]:
        """The names of the orders it can write in."""
        return tuple(name.strip() for name in self.config.orders.split(","))

    def order(self, k: int) -> Tensor:
        """(D,): the places of a flattened picture in the order in which they are written.

        Raises ValueError where there is no k-th order.
        """
        if not 0 <= k < len(self.orders):
            raise ValueError(
                f"This model has no order {k}; it writes in: {', '.join(self.orders)}."
            )
        return self.net.orders[k]

    @property
    def levels(self) -> int:
        """How many levels a value can take."""
        return self.distribution.levels

    @property
    def space(self) -> str:
        levels = self.distribution.levels
        return {2: "binary", 256: "uint8"}.get(levels, f"{levels} levels")

    def numbers(self, x: Tensor, label: int | Tensor | None = None, order: int = 0) -> Tensor:
        """(B, D, P): what the network says of each value of the flattened pictures x, observed."""
        out = self.net(2 * x - 1, self.one_hot(label, len(x)), order)
        return out[:, self.net.layout.argsort()]

    def _log_prob(
        self, x: Tensor, y: Tensor, rng: Generator, order: int, **told: Tensor
    ) -> Tensor:  # fmt: skip
        """log p(x_i | those before it), (B, D), in the network's layout. x: observed; y: (B, K)."""
        numbers = self.net(2 * x - 1, y, order, **told)  # (B, D, P)
        v = x.flatten(1)[:, self.net.layout] * (self.distribution.levels - 1)
        v = v.round()
        noise = None if self.distribution.exact else uniform(v.shape, rng, v.device)
        return self.distribution.log_prob(numbers, v, noise)

    def inner_matrices(self) -> list[nn.Parameter]:
        return self.net.inner_matrices()

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """-log p(x), the whole of it, in nats an image; in training, of moved pictures by a network
        that is told how they were moved."""
        c, told = self.config, {}
        if self.training and (c.shift or c.bend or c.mirror):
            x, told["moved"] = moved(x, rng, c.shift, c.bend, c.mirror)
        x = self.observed(x, rng)
        order = 0
        if len(self.net.orders) > 1:
            order = int(torch.randint(len(self.net.orders), (), generator=rng, device=rng.device))
        label = self.one_hot(y if self.class_count else None, len(x))
        if self.training and self.class_count and c.drop_label:
            kept = uniform((len(x),), rng, x.device) >= c.drop_label
            label = label * kept[:, None]
        nll = -self._log_prob(x, label, rng, order, **told).sum(1).mean()
        logs = {"nll_nats": nll}
        if self.space != "binary":
            logs = {"bpd": nll / (math.log(2) * x[0].numel())}
        yield Objective(list(self.parameters()), nll, logs)

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        temperature = replace(TEMPERATURE, above=True)
        order = replace(ORDER, high=len(self.orders) - 1)
        label = (LABEL,) if self.class_count else ()
        # Only a density's likelihood is estimated, from draws of its noise.
        samples = () if self.distribution.exact else (SAMPLES,)
        declared = {
            "sample_steps": (temperature, order),
            "complete_steps": (*label, temperature, order),
            "log_likelihood": (*samples, *label, BINARISE),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        order: int = 0,
    ) -> Iterator[Frame]:
        """A frame a row's worth of values; the same uniforms whatever the order or temperature."""
        check_temperature(temperature, likeliest="value")
        rng = Streams.of(rng, n)
        label = self.label_or_drawn(label, n, rng)
        C, H, W = self.image_shape
        u = uniform((n, C * H * W), rng, self.device)
        yield from self.write_steps(u, label, temperature, order, every=C * W)

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        order: int = 0,
    ) -> Iterator[Frame]:
        """x (B, C, H, W) with what is not ``known`` (same shape, bool) written by the model.

        A value is drawn given those before it in the order: the exact conditional where everything
        known comes first (the upper rows), and otherwise blind to what is known further on.
        """
        x = self.checked(x)
        C, H, W = x.shape[1:]
        u = uniform((len(x), C * H * W), Streams.of(rng, len(x)), self.device)
        yield from self.write_steps(u, label, temperature, order, x, known, every=C * W)

    @torch.no_grad()
    def write_steps(
        self,
        u: Tensor,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        order: int = 0,
        x: Tensor | None = None,
        known: Tensor | None = None,
        every: int = 1,
        naive: bool = False,
        guidance: float = 1.0,
    ) -> Iterator[Frame]:
        """Writes pictures from uniforms u (n, D), by their place in the flattened picture.

        A frame comes after ``every`` values and at the end: step of D values are written, x is what
        there is of the picture, the rest 0. Where ``known`` (n, C, H, W) is true the value is that
        of x. info["nats"] (n, C, H, W): log p of each value so far, at temperature 1. ``naive``
        runs the whole network for each value: the same picture, much later. ``guidance``: as of
        ``WithClasses``; the nats are those of the class as it is.

        Raises ValueError for a temperature that is not positive, or an order there is not.
        """
        check_temperature(temperature, likeliest="value")
        places = self.order(order).tolist()
        n, D = u.shape
        y, top = self.one_hot(label, n), self.distribution.levels - 1
        guided = guidance != 1 and label is not None and self.class_count > 0
        told = torch.cat([y, torch.zeros_like(y)]) if guided else y  # once as if there was no class
        writer = NaiveWriter(self.net, len(told), told, order, self.image_shape) if naive else (
            self.net.writer(len(told), told, order)
        )  # fmt: skip
        picture = torch.zeros(n, D, device=self.device, dtype=y.dtype)
        nats = torch.zeros_like(picture)
        given = mask = None
        if known is not None:
            given = (self.checked(x).flatten(1) * top).round()
            mask = known.flatten(1).expand(n, D)
            asked = (~mask).any(0).tolist()
        for k, place in enumerate(places):
            numbers = says = writer.numbers()
            if guided:
                numbers, free = says.chunk(2)
                says = free + guidance * (numbers - free)
            if given is None:
                v = self.distribution.draw(says, u[:, place], temperature)
            else:
                v = given[:, place]
                if asked[place]:
                    drawn = self.distribution.draw(says, u[:, place], temperature)
                    v = torch.where(mask[:, place], v, drawn)
            nats[:, place] = self.distribution.log_prob(numbers, v)
            picture[:, place] = v / top
            writer.put((2 * v / top - 1).repeat(len(told) // n))
            if (k + 1) % every == 0 or k + 1 == D:
                yield Frame(
                    k + 1,
                    D,
                    picture.view(n, *self.image_shape).float().clone(),
                    info={"nats": nats.view(n, *self.image_shape).clone(), "label": label},
                )

    def conditionals(
        self, n: int, label: int | Tensor | None = None, order: int = 0
    ) -> Iterator[Tensor]:
        """One value after another: yields log p of each of its levels, (n, levels), and takes by
        ``send`` the levels (n,) that were written. Places are those of ``order(order)``."""
        D, top = len(self.order(order)), self.levels - 1
        writer = self.net.writer(n, self.one_hot(label, n), order)
        for k in range(D):
            v = yield self.distribution.log_probs(writer.numbers())
            if k + 1 < D:
                writer.put(2 * v / top - 1)

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 1,
        label: int | Tensor | None = None,
        binarise: bool = True,
    ) -> Likelihood:
        """log p(x) = sum_i log p(x_i | those before it), with its terms per pixel.

        x: (B, C, H, W) in [0, 1]; grey pixels are first drawn 0 or 1 by ``rng`` for Bernoulli
        values (not with ``binarise=False``, for pictures that are binary already). "exact", except
        for densities, where ``samples`` draws of the noise are averaged: a "lower bound". A model
        of several orders is their mixture, each order as likely: log 1/O sum_o p_o(x).
        """
        x = self.checked(x)
        if binarise or self.config.pixels != "bernoulli":
            x = self.observed(x, rng)
        label = self.one_hot(label, len(x))
        draws = 1 if self.distribution.exact else max(1, samples)
        back = self.net.layout.argsort()
        each = torch.stack([
            sum(self._log_prob(x, label, rng, o) for _ in range(draws))[:, back] / draws
            for o in range(len(self.net.orders))
        ])  # (O, B, D)  # fmt: skip
        nats = each.sum(2).logsumexp(0) - math.log(len(each))
        # Each order's map, weighed by how much of the mixture's probability it carries.
        weight = each.sum(2).softmax(0)[..., None]
        pixels = (each * weight).sum(0)
        pixels = pixels + (nats - pixels.sum(1))[:, None] / pixels.shape[1]
        exact = self.distribution.exact
        return Likelihood(
            nats,
            "exact" if exact else "lower bound",
            self.space,
            per_pixel=pixels.view_as(x),
            how="" if exact else f"uniform dequantisation, {draws} draws",
        )

    @torch.no_grad()
    def predict(self, x: Tensor, label: int | Tensor | None = None, order: int = 0) -> Tensor:
        """log p of every level of every value given those before it, (B, C, H, W, levels).

        x: (B, C, H, W), observed.
        """
        numbers = self.numbers(self.checked(x), label, order)
        return self.distribution.log_probs(numbers).unflatten(1, self.image_shape)

    def receptive_field(
        self, x: Tensor, place: int, label: int | Tensor | None = None, order: int = 0
    ) -> Tensor:
        """How much each value sways what is said of the value at ``place`` of the flattened
        picture: the sum of absolute gradients, (C, H, W). x: (1, C, H, W), observed.

        Where many numbers say it, of ``PROBES`` random mixtures of them, for each costs a pass.
        """
        with torch.enable_grad():
            x = self.checked(x).detach().requires_grad_()
            numbers = self.numbers(x, label, order)[0, place]  # (P,)
            P = len(numbers)
            mixtures = torch.eye(P)
            if P > PROBES:
                mixtures = torch.randn(PROBES, P, generator=torch.Generator().manual_seed(0))
            total = torch.zeros_like(x)
            for mixed in mixtures.to(numbers) @ numbers:
                total += torch.autograd.grad(mixed, x, retain_graph=True)[0].abs()
        return total[0]

    def masks(self, order: int = 0) -> list[Mask]:
        """Which weights there are, layer by layer, for order k; none where no mask keeps it."""
        self.order(order)  # raises ValueError where there is no such order
        return self.net.pictured_masks(order)


class NaiveWriter:
    """The whole network for each value, as one would write it first: what fast ones must equal."""

    def __init__(self, net: nn.Module, n: int, y: Tensor, order: int, image: tuple) -> None:
        self.net, self.y, self.order, self.i = net, y, order, 0
        self.places = net.orders[order]
        self.column = net.layout.argsort()[self.places]  # of the network's output
        self.x = torch.zeros(n, *image, device=y.device, dtype=y.dtype)

    def numbers(self) -> Tensor:
        return self.net(self.x, self.y, self.order)[:, self.column[self.i]]

    def put(self, v: Tensor) -> None:
        self.x.flatten(1)[:, self.places[self.i]] = v  # a view: x is contiguous
        self.i += 1


def dense_order(name: str, image: tuple[int, int, int]) -> Tensor:
    """(D,): the places of a flattened (C, H, W) picture in an order that has a name."""
    C, H, W = image
    rows, columns = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    if name == "raster":
        key = rows * W + columns
    elif name == "reversed":
        key = (H - 1 - rows) * W + W - 1 - columns
    elif name == "columns":
        key = columns * H + rows
    elif name == "mirrored":
        key = rows * W + W - 1 - columns
    elif name == "centre":  # outwards, ring by ring
        ring = torch.maximum((2 * rows - H + 1).abs(), (2 * columns - W + 1).abs())
        key = ring * H * W + rows * W + columns
    else:  # "shuffled": one order for all time, part of the architecture
        key = torch.randperm(H * W, generator=torch.Generator().manual_seed(0)).view(H, W)
    pixels = key.flatten().argsort()
    return (pixels[:, None] + H * W * torch.arange(C)).flatten()  # the channels of each in turn


def network(config: AutoregressiveConfig, per_value: int) -> nn.Module:
    """The network of a config. Raises ValueError where its settings do not go together."""
    c, classes, image = config, max(0, config.num_classes), tuple(config.image)
    D = math.prod(image)
    names = [name.strip() for name in c.orders.split(",")]
    for name in names:
        if name not in ORDERS:
            raise ValueError(f"There is no order '{name}'. Orders: {', '.join(ORDERS)}.")
    if len(names) > 1 and c.network not in ("fvsbn", "made", "transformer"):
        raise ValueError("Several orders are for fvsbn, made and transformer; the others have one.")
    if c.network in ("pixelcnn", "gated") and names != ["raster"]:
        raise ValueError(f"A network of kind '{c.network}' writes in raster order only.")
    if c.network == "transformer" and not HELD.keys() >= set(names):
        raise ValueError(f"Orders of a transformer are {', '.join(HELD)}.")
    if (c.shift or c.bend or c.mirror) and c.network != "transformer":
        raise ValueError("Pictures are moved in training (shift, bend, mirror) for transformers.")
    if c.network in ("fvsbn", "nade", "made") and per_value * D**2 > 1e8:
        raise ValueError(
            f"{per_value} numbers for each of {D} values are too many for a dense network; use "
            "fewer levels, or mixtures."
        )
    orders = [dense_order(name, image) for name in names]
    if c.network == "transformer":
        return PatchTransformer(
            image, per_value, patch=c.patch, width=c.width, layers=c.layers,
            head_width=c.head_width, hidden=c.hidden, hidden_layers=c.hidden_layers,
            dropout=c.dropout, classes=classes, orders=names, ends=c.ends,
            moves=bool(c.shift or c.bend or c.mirror),
        )  # fmt: skip
    if c.network == "nade":
        return NADE(D, per_value, c.width, orders[0], classes)
    if c.network in ("pixelcnn", "gated"):
        cls = GatedPixelCNN if c.network == "gated" else PixelCNN
        return cls(image, per_value, c.width, c.layers, classes, c.ends, c.head)
    layers = 0 if c.network == "fvsbn" else max(1, c.layers)
    return MADE(D, per_value, c.width, layers, classes, c.dropout, orders)
