"""A GAN whose two players attend (SAGAN, Zhang et al. 2019), and what it shows of that."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.contract.knobs import Knob
from models.families.gan.attention import SelfAttention
from models.families.gan.gan import GAN


class SAGAN(GAN):
    """Generator and discriminator each have one layer of self-attention, where the side of a
    picture is halved ``attention`` times."""

    @property
    def attention_side(self) -> tuple[int, int]:
        """(h, w) of the maps whose places attend to each other."""
        _, H, W = self.config.image
        return H // 2**self.config.attention, W // 2**self.config.attention

    @property
    def attention_gains(self) -> dict[str, float]:
        """gamma of either player: what its attention adds to the map is multiplied by that."""
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {name: float(_layer(player).gamma.detach()) for name, player in players.items()}

    @torch.no_grad()
    def code_attention(self, z: Tensor, label: int | Tensor | None = None) -> Tensor:
        """beta of the generator while it makes pictures of codes z (B, latent): (B, N, N), row j
        where place j of N = h w looks, row by row."""
        return _seen(_layer(self.generator), lambda: self.decode(z, label))

    @torch.no_grad()
    def picture_attention(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """beta of the discriminator while it judges pictures x (B, C, H, W): (B, N, N)."""
        return _seen(_layer(self.discriminator), lambda: self.verdict(self.checked(x), label))

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        return super().knobs("decode" if method.endswith("_attention") else method)


def _layer(network: nn.Module) -> SelfAttention:
    return next(m for m in network.modules() if isinstance(m, SelfAttention))


def _seen(layer: SelfAttention, run: Callable[[], Tensor]) -> Tensor:
    """beta of a layer during ``run``, from what it is given there."""
    given: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    try:
        run()
    finally:
        handle.remove()
    return layer.weights(given[0])
