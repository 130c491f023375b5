r"""An autoregressive model that is told the class, and what follows from that.

$p(x \mid y)$ is a product of conditionals like $p(x)$; so it is exact, too, and Bayes' rule turns
it round: $p(y \mid x) = p(x \mid y)\, p(y) / p(x)$ with $p(x) = \sum_y p(x \mid y)\, p(y)$. A model
that writes pictures of a class reads the class off a picture without ever having learned to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Generator, Tensor

from models.contract.knobs import GUIDANCE, Knob, check_temperature
from models.contract.model import Frame
from models.contract.random import uniform
from models.contract.streams import Streams
from models.families.autoregressive.autoregressive import Autoregressive

GUIDANCE_MOST = 20.0


class WithClasses(Autoregressive):
    r"""One that is told which class a picture is of.

    Guidance pushes every value towards the class, $\theta = \theta_0 + w\,(\theta_y - \theta_0)$
    with $\theta$ the logits and $\theta_0$ those for no class: $w = 1$ is the class as it is, more
    is the class exaggerated (Ho and Salimans 2022, with logits for scores).
    """

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        told = self.config.pixels in ("bernoulli", "categorical")
        guidance = (replace(GUIDANCE, high=GUIDANCE_MOST),) if told else ()
        return super().knobs(method) + (guidance if method == "sample_steps" else ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        order: int = 0,
        guidance: float = 1.0,
    ) -> Iterator[Frame]:
        """As of a model without classes; guidance: see above. A class is drawn where none is asked
        for."""
        check_temperature(temperature, likeliest="value")
        w = self.checked_guidance(guidance)
        rng = Streams.of(rng, n)
        label, (C, H, W) = self.label_or_drawn(label, n, rng), self.image_shape
        u = uniform((n, C * H * W), rng, self.device)
        yield from self.write_steps(u, label, temperature, order, every=C * W, guidance=w)

    def checked_guidance(self, guidance: float) -> float:
        """guidance itself. Raises ValueError where it is no number one can be guided by, or where
        what the network says are no logits."""
        if not 0 <= guidance <= GUIDANCE_MOST:  # false for nan too
            raise ValueError(f"Guidance must be a number from 0 to {GUIDANCE_MOST:g}.")
        if guidance != 1 and self.config.pixels not in ("bernoulli", "categorical"):
            raise ValueError("Guidance is for models that give each value of a pixel a chance.")
        return guidance

    @torch.no_grad()
    def class_nats(self, x: Tensor, rng: Generator, binarise: bool = True) -> Tensor:
        """log p(x | y) of every class, (B, K), in nats, of one and the same drawn picture each.

        With classes as likely as one another, its softmax is p(y | x): Bayes' rule makes a
        classifier of a model that never learned to be one. x: (B, C, H, W) in [0, 1].
        """
        x = self.checked(x)
        x = self.observed(x, rng) if binarise else x
        each = [
            self.log_likelihood(x, rng, label=k, binarise=False).nats
            for k in range(self.class_count)
        ]
        return torch.stack(each, 1)
