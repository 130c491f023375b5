r"""Sliced score matching: the score learned without being told the noise.

Denoising knows which noise was added. Slicing asks the network for its own derivative along a
random direction $v$ instead,

$$E \, \sigma^2 \left( v^T \nabla (v^T s) + \tfrac12 \|s\|^2 \right)$$

(Song et al. 2020, equation 8), which is least for the same $s(x, \sigma)$: the gradient of
$\log p_\sigma$, of the data with noise of width $\sigma$. It costs a second derivative a step, and
its loss is noisier. Samples, density and noise levels are those of denoising score matching.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from models.plane.score import DenoisingScore


class SlicedScore(DenoisingScore):
    TITLE = "Sliced score matching"
    PAPER = "Song et al. 2020, Sliced score matching"

    def loss(self, noisy: Tensor, sigma: Tensor, noise: Tensor, rng: Generator) -> Tensor:
        """v^T grad(v^T s) + |s|^2 / 2, times sigma^2; v: each coordinate 1 or -1."""
        v = torch.randint(2, noisy.shape, generator=rng) * 2.0 - 1.0
        noisy = noisy.requires_grad_()
        scaled = self.scaled(noisy, sigma)
        slope = torch.autograd.grad((scaled * v).sum(), noisy, create_graph=True)[0]
        return (sigma * (slope * v).sum(1) + 0.5 * scaled.square().sum(1)).mean()
