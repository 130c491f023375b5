r"""A variational autoencoder: a latent-variable model trained by a bound on its likelihood.

A picture is explained by a few hidden numbers. First $z \sim p(z) = \mathcal{N}(0, I)$ is drawn,
then a decoder network turns it into a distribution over pictures, $p_\theta(x \mid z)$. The
likelihood of a picture sums over all codes that could have made it,

$$p_\theta(x) = \int p_\theta(x \mid z)\, p(z)\, dz ,$$

which no one can compute. So a second network, the encoder, guesses which codes are worth looking
at, $q_\phi(z \mid x) = \mathcal{N}(\mu_\phi(x), \sigma^2_\phi(x))$, and by Jensen's inequality

$$\log p_\theta(x) \;\ge\; \underbrace{\mathbb{E}_{q_\phi(z \mid x)} \log p_\theta(x \mid z)}_{
\text{reconstruction}} \;-\; \underbrace{\mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p(z)\big)}_{
\text{cost of the code}} \;=\; \mathrm{ELBO}(x)$$

(Kingma and Welling 2014, eq. 3). Both networks climb this bound together; noise enters as
$z = \mu + \sigma \epsilon$, so that gradients pass through it (their eq. 4). The bound is loose by
$\mathrm{KL}(q_\phi(z \mid x) \,\|\, p_\theta(z \mid x))$, and averaging $K$ codes inside the
logarithm tightens it (Burda et al. 2016, eq. 8):

$$\mathcal{L}_K = \mathbb{E} \log \frac{1}{K} \sum_{k=1}^{K}
\frac{p_\theta(x \mid z_k)\, p(z_k)}{q_\phi(z_k \mid x)}, \qquad
\mathrm{ELBO} = \mathcal{L}_1 \le \mathcal{L}_5 \le \dots \le \log p_\theta(x).$$

The prior over what the decoder reads may itself be learned: $h = g^{-1}_\psi(z)$ with an
invertible network $g_\psi$, so that
$\log p(h) = \log \mathcal{N}(g_\psi(h); 0, I) + \log |\det \partial g_\psi / \partial h|$
(Chen et al. 2017, section 3). The code $z$ one moves is standard normal as before; $g_\psi$ bends
that bell into the shape that the encoder's guesses fill, so samples land where pictures are.

Weighting the cost of the code by $\beta > 1$ makes codes cheap and independent (Higgins et al.
2017); charging only for the dependence between dimensions, the total correlation, keeps more of
the picture (Chen et al. 2018, eq. 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.knobs import (
    BINARISE,
    LABEL,
    SAMPLES,
    TEMPERATURE,
    Knob,
    check_temperature,
    with_default,
)
from models.contract.model import Frame, GenerativeModel, Likelihood, Objective, differentiable
from models.contract.numbers import gaussian_kl, log_normal
from models.contract.random import normal
from models.contract.streams import Streams
from models.families.nets import check_halvings
from models.families.pixels import DecodesPixels, importance_weighted, likelihood_setting
from models.families.vae.nets import Decoder, Encoder, Prior
from models.machine.processes import whole


@dataclass(frozen=True)
class VAEConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    latent: int = setting(32, "Numbers in a code.", low=1, high=1024)
    width: int = setting(64, "Channels at the lowest resolution.", low=8, high=1024)
    blocks: int = setting(2, "Residual blocks at the lowest resolution.", low=0, high=16)
    hidden: int = setting(512, "Units between code and feature map.", low=8, high=8192)
    halvings: int = setting(2, "How many times the side is halved.", low=1, high=5)
    dropout: float = setting(
        0.0, "Part of the hidden units dropped in training.", low=0.0, high=0.9
    )
    likelihood: str = likelihood_setting("bernoulli")
    beta: float = setting(
        1.0, "Weight of the KL term (Higgins et al. 2017).", low=0.0, high=1000.0, live=True
    )
    total_correlation: float = setting(
        0.0,
        "Further weight on the codes' total correlation (Chen et al. 2018).",
        low=0.0,
        high=1000.0,
        live=True,
    )
    free_bits: float = setting(
        0.0,
        "Nats a dimension that the KL term does not charge for (Kingma et al. 2016).",
        low=0.0,
        high=10.0,
        live=True,
    )
    samples: int = setting(1, "K of the IWAE objective; 1 is the ELBO.", low=1, high=512)
    samples_from: int = setting(
        0, "Step from which the K samples are drawn; one is enough until then.", low=0
    )
    warmup_steps: int = setting(
        0, "Steps over which the KL term's weight rises from 0.", low=0, high=10_000_000
    )
    prior_layers: int = setting(
        0, "Coupling layers of a learned prior; 0 keeps the standard normal.", low=0, high=64
    )
    prior_hidden: int = setting(128, "Units in each coupling layer.", low=4, high=4096)
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )


class VAE(DecodesPixels, GenerativeModel):
    """Encoder, decoder, and a Gaussian code between them (Kingma and Welling 2014)."""

    Config = VAEConfig
    PAPERS = ("1312.6114",)

    def __init__(self, config: VAEConfig) -> None:
        check_halvings(config.image, config.halvings)
        if config.prior_layers and (
            config.latent < 2 or config.free_bits or config.total_correlation
        ):
            raise ValueError(
                "A learned prior needs codes of two numbers or more, and neither free_bits nor "
                "total_correlation, which count nats a dimension of a standard normal prior."
            )
        if config.free_bits and config.samples > 1:
            raise ValueError(
                "free_bits count nats a dimension, which the IWAE objective does not have; use "
                "them with samples = 1."
            )
        super().__init__(config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.prior = Prior(config)
        # How many objectives were computed in training: it sets the weight of the KL term.
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    # -- the distributions -----------------------------------------------------------------------

    @differentiable
    def encode_distribution(
        self, x: Tensor, label: int | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(h | x), each (B, D); h is z unless the prior is learned.

        x: (B, C, H, W) in [0, 1].
        """
        return self.encoder(self.checked(x), self.one_hot(label, len(x)))

    @differentiable
    def encode(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The code z at the posterior's mean, (B, D). x: (B, C, H, W) in [0, 1]."""
        return self.prior(self.encode_distribution(x, label)[0])[0]

    @differentiable
    def decode(self, z: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The expected picture of each code, (B, C, H, W) in [0, 1]. z: (B, D)."""
        if z.dim() != 2 or z.shape[1] != self.config.latent:
            raise ValueError(
                f"This model's codes have {self.config.latent} numbers, not {tuple(z.shape)[1:]}."
            )
        return self.expected(self.decoder(self.prior.inverse(z), self.one_hot(label, len(z))))

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """The expected picture of the posterior's mean, (B, C, H, W) in [0, 1]; of no class where
        there are some."""
        return self.decode(self.encode(x))

    @differentiable
    def embed(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """What the decoder reads, (N, D). A learned prior squeezes the classes into one bell, in
        which neighbours are often strangers; before it, they are apart as the encoder put them."""
        return self.prior.inverse(z)

    def log_p_x(self, x: Tensor, h: Tensor, label: int | Tensor | None = None) -> Tensor:
        """log p(x | h) of each pixel in nats, (B, C, H, W). x holds 0 and 1, or 8-bit levels."""
        return self.log_p_pixels(x, self.decoder(h, self.one_hot(label, len(h))))

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        c = self.config
        x = self.observed(x, rng)
        label = y if self.class_count else None
        mean, std = self.encode_distribution(x, label)  # (B, D)
        # A tighter bound costs K decodings: it pays at the end of a run, not at its start.
        K = c.samples if int(self.seen) >= c.samples_from else 1
        B, D = len(x), c.latent
        h = mean + std * normal((K, B, D), rng, x.device, batch=1)  # (K, B, D)
        label_k = None if label is None else label.repeat(K)
        x_k = x.expand(K, *x.shape).flatten(0, 1)
        log_p_x = self.log_p_x(x_k, h.flatten(0, 1), label_k).sum((1, 2, 3)).view(K, B)
        beta = c.beta * self._warmed()

        if K > 1 or c.prior_layers:
            log_ratio = self.prior.log_prob(h) - log_normal(h, mean, std).sum(-1)  # (K, B)
            loss = -((log_p_x + beta * log_ratio).logsumexp(0) - math.log(K)).mean()
            kl = -log_ratio.mean()
        else:
            # (D,), for free bits are those of a batch.
            per_dimension = whole(gaussian_kl(mean, std)).mean(0)
            loss = -log_p_x.mean() + beta * per_dimension.clamp(min=c.free_bits).sum()
            kl = per_dimension.sum()
        if c.total_correlation:
            extra = total_correlation(whole(h[0]), whole(mean), whole(std))
            loss = loss + c.total_correlation * self._warmed() * extra
        if self.training:
            self.seen += 1
        yield Objective(
            list(self.parameters()),
            loss,
            {
                "reconstruction_nats": log_p_x.mean(),
                "kl_nats": kl,
                "elbo_nats": log_p_x.mean() - kl,
            },
        )

    def _warmed(self) -> float:
        steps = self.config.warmup_steps
        return min(1.0, (int(self.seen) + 1) / steps) if steps else 1.0

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        label = (LABEL,) if self.class_count else ()
        declared = {
            "sample_steps": (TEMPERATURE,),
            "log_likelihood": (with_default(SAMPLES, 100), *label, BINARISE),
            "encode": label,
            "encode_distribution": label,
            "decode": label,
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
        """One frame: z ~ N(0, temperature^2 I), decoded. info["z"] holds the codes, (n, D)."""
        check_temperature(temperature)
        rng = Streams.of(rng, n)
        z = temperature * normal((n, self.config.latent), rng, self.device)
        label = self.label_or_drawn(label, n, rng)
        yield Frame(0, 1, self.decode(z, label), info={"z": z, "label": label})

    @torch.no_grad()
    def log_weights(
        self,
        x: Tensor,
        rng: Generator,
        samples: int,
        label: int | Tensor | None = None,
        from_prior: bool = False,
        chunk: int = 2048,
    ) -> Tensor:
        """log p(x | h) p(h) / r(h) for codes h of r, (samples, B): the mean of the weights is p(x).

        r is the encoder's q(h | x), or the prior, where the weight is p(x | h). x: (B, C, H, W),
        observed, in [0, 1].
        """
        x = self.checked(x)
        B, D = len(x), self.config.latent
        mean, std = (None, None) if from_prior else self.encode_distribution(x, label)
        label = None if label is None else torch.as_tensor(label, device=x.device).expand(B)
        weights, step = [], max(1, chunk // max(1, B))
        for start in range(0, samples, step):
            k = min(step, samples - start)
            noise = normal((k, B, D), rng, x.device, batch=1)
            h = self.prior.inverse(noise.flatten(0, 1)).view(k, B, D) if from_prior else (
                mean + std * noise
            )  # fmt: skip
            log_p = (
                self.log_p_x(
                    x.expand(k, *x.shape).flatten(0, 1),
                    h.flatten(0, 1),
                    None if label is None else label.repeat(k),
                )
                .view(k, B, -1)
                .sum(-1)
            )
            if not from_prior:
                log_p = log_p + self.prior.log_prob(h) - log_normal(h, mean, std).sum(-1)
            weights.append(log_p)
        return torch.cat(weights)

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 100,
        label: int | Tensor | None = None,
        binarise: bool = True,
        chunk: int = 4096,
    ) -> Likelihood:
        r"""log p(x) by importance sampling with ``samples`` codes of q(h | x).

        log p(x) ~ log 1/K sum_k p(x | h_k) p(h_k) / q(h_k | x)        (Burda et al. 2016, eq. 8)

        x: (B, C, H, W) in [0, 1]; grey pixels are first drawn 0 or 1 by ``rng`` for a Bernoulli
        likelihood (not with ``binarise=False``, for pictures that are binary already). With
        ``samples=1`` the kind is "lower bound", the ELBO; else "estimate": still below log p(x) on
        average, and stderr is the delta method's.

        details, in nats: "elbo" (B,) and its two sides, "reconstruction" (B,) and "kl" (B,);
        "kl_per_dimension" (B, D), which sums to "kl" under a standard normal prior, and under a
        learned one is each dimension's own, after the posterior is bent into z and matched by a
        Gaussian; "ess" (B,), how many of the K codes effectively count. ``chunk`` bounds how many
        pictures are decoded at once.
        """
        if samples < 1:
            raise ValueError("A likelihood needs at least one sample.")
        x = self.checked(x)
        if binarise or not self.binary:
            x = self.observed(x, rng)
        mean, std = self.encode_distribution(x, label)
        B, K = len(x), samples
        label = None if label is None else torch.as_tensor(label, device=x.device).expand(B)

        log_p_x, log_ratio, pixels = [], [], torch.zeros_like(x)
        step = max(1, chunk // max(1, B))
        for start in range(0, K, step):
            k = min(step, K - start)
            h = mean + std * normal((k, B, mean.shape[1]), rng, x.device, batch=1)  # (k, B, D)
            per_pixel = self.log_p_x(
                x.expand(k, *x.shape).flatten(0, 1),
                h.flatten(0, 1),
                None if label is None else label.repeat(k),
            ).view(k, *x.shape)
            pixels += per_pixel.sum(0) / K
            log_p_x.append(per_pixel.sum((2, 3, 4)))  # (k, B)
            log_ratio.append(self.prior.log_prob(h) - log_normal(h, mean, std).sum(-1))
        log_p_x, log_ratio = torch.cat(log_p_x), torch.cat(log_ratio)  # (K, B)

        kl_per_dimension = self._kl_per_dimension(mean, std)
        kl = -log_ratio.mean(0) if self.config.prior_layers else kl_per_dimension.sum(1)
        reconstruction = log_p_x.mean(0)
        elbo = reconstruction - kl
        details = {
            "elbo": elbo,
            "reconstruction": reconstruction,
            "kl": kl,
            "kl_per_dimension": kl_per_dimension,
        }
        log_w = log_p_x + log_ratio  # (K, B)
        return importance_weighted(log_w, pixels, reconstruction, details, self.space)

    def _kl_per_dimension(self, mean: Tensor, std: Tensor, draws: int = 32) -> Tensor:
        """(B, D) nats. Exact under the standard normal; else by moments of z = g(h), h ~ q."""
        if self.config.prior_layers:
            noise = normal((draws, *mean.shape), torch.Generator().manual_seed(0), mean.device)
            z = self.prior(mean + std * noise)[0]  # (draws, B, D)
            mean, std = z.mean(0), z.std(0).clamp(min=1e-6)
        return gaussian_kl(mean, std)


# ---------------------------------------------------------------------------------------------
# The mathematics, as functions


def total_correlation(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """KL(q(z) || prod_d q(z_d)), with the batch standing for the data (Chen et al. 2018, eq. S3).

    Their estimate divides by N B, the size of the training set times that of the batch; dividing by
    B alone drops the constant (D - 1) log N, which no gradient sees, and leaves a value that is
    near 0 for independent dimensions. z, mean, std: (B, D). Returns a scalar in nats.
    """
    log_q = log_normal(z[:, None], mean[None], std[None])  # (B, B, D): z_i under q(. | x_j)
    log_B = math.log(len(z))
    log_q_z = log_q.sum(2).logsumexp(1) - log_B  # (B,)
    log_q_z_d = (log_q.logsumexp(1) - log_B).sum(1)  # (B,)
    return (log_q_z - log_q_z_d).mean()
