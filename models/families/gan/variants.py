r"""A generative adversarial network: a generator learns to fool a discriminator.

Noise $z \sim \mathcal{N}(0, I)$ becomes a picture $G(z)$, and a second network, the discriminator
$D$, says for a picture how likely it is a real one. Both play for one number (Goodfellow et al.
2014, eq. 1),

$$\min_G \max_D \; \mathbb{E}_{p(x)} \log D(x) + \mathbb{E}_{z} \log\big(1 - D(G(z))\big) .$$

No likelihood is ever computed, and there is none to be had. The best answer to a generator with
density $q$ is $D^*(x) = p(x) / (p(x) + q(x))$, at which the number is
$2\,\mathrm{JS}(p, q) - \log 4$: the generator makes a Jensen-Shannon divergence small (their
theorem 1). Where $D$ is sure that number is flat, so in practice the generator makes
$\log D(G(z))$ large instead, the **non-saturating** game; other games are other divergences:
**least squares** (Mao et al. 2017), the **hinge** (Miyato et al. 2018), and the **Wasserstein**
distance (Arjovsky et al. 2017), which sees how far apart two distributions are even where they do
not overlap, at the price of a critic whose slope is at most one:

$$W(p, q) = \sup_{\|d\|_L \le 1} \; \mathbb{E}_p\, d(x) - \mathbb{E}_q\, d(x) .$$

Slopes are what makes the game converge or not. They are held by a penalty
$\lambda\, \mathbb{E} (\|\nabla d\| - 1)^2$ on lines between real and generated pictures (Gulrajani
et al. 2017), by one on real pictures alone, $\frac{\gamma}{2} \mathbb{E}_p \|\nabla d\|^2$ (*R1*,
Mescheder et al. 2018), or by dividing every layer's weights by their largest singular value
(*spectral normalisation*, Miyato et al. 2018). Without any, a generator may find a few pictures
that pass and make nothing else: **mode collapse**.

**SAGAN** (Zhang et al. 2019) lets the places of a picture's feature map look at each other, in both
networks. Place $j$ asks every place $i$, and takes what it finds there into account,

$$\beta_{j,i} = \frac{\exp s_{ij}}{\sum_k \exp s_{kj}}, \quad
s_{ij} = f(\hat x_i)^\top g(\hat x_j), \qquad
y_j = x_j + \gamma \, v\Big(\sum_i \beta_{j,i}\, h(x_i)\Big)$$

(their eqs. 1 to 3), with $\gamma = 0$ at first; $\hat x$ is $x$ with the channels of each place
normalised, which the paper does not do. It comes with spectral normalisation of both networks, the
hinge, and **two time scales** (Heusel et al. 2017): a discriminator that learns faster than the
generator.

**InfoGAN** (Chen et al. 2016) lets part of the noise be a code $c$, and rewards the generator for
keeping it readable: a network $Q$ reads it off the picture, and

$$I(c; G(z, c)) \;\ge\; H(c) + \mathbb{E} \log Q(c \mid G(z, c))$$

(their eq. 4). **BiGAN**, or ALI (Donahue et al. 2017; Dumoulin et al. 2017), adds an encoder $E$,
and the discriminator judges pairs, $(x, E(x))$ against $(G(z), z)$: where it cannot tell them
apart, $E$ is the inverse of $G$.
"""

from __future__ import annotations

from models.families.gan.gan import GAN, BiGAN, GANConfig
from models.families.gan.infogan import InfoGAN
from models.families.gan.sagan import SAGAN


class Adversarial(GAN):
    """The family: which of its classes a config asks for."""

    @classmethod
    def variant(cls, config: GANConfig) -> type[GAN]:
        codes = config.categories or config.continuous
        if codes and config.encoder:
            raise ValueError(
                "Codes of InfoGAN and the encoder of a BiGAN are not learned together; choose one."
            )
        if config.attention and (codes or config.encoder):
            raise ValueError(
                "Attention is for a GAN without InfoGAN's codes and without an encoder; leave them "
                "out."
            )
        if config.attention:
            return SAGAN
        if codes:
            return InfoGAN
        return BiGAN if config.encoder else GAN
