r"""An autoregressive model: a picture is written one value at a time, each given those before.

Any distribution over a picture of $D$ values is a product of conditionals, in any order one likes,

$$p(x) = \prod_{i=1}^{D} p(x_i \mid x_1, \dots, x_{i-1}) ,$$

so nothing needs to be approximated: a network that maps the values so far to a distribution over
the next one *is* a distribution over pictures, its logarithm is a plain sum, and it is trained by
maximum likelihood itself. In training all $D$ conditionals are computed at once, since the picture
is there; to sample, one must go value by value. What differs between the models a lecture names is
how the network keeps to the rule that value $i$ sees only the values before it:

* **FVSBN** (Frey 1998): a logistic regression for each value, $p(x_i = 1 \mid x_{<i}) =
  \sigma(b_i + \sum_{j<i} A_{ij} x_j)$.
* **NADE** (Larochelle and Murray 2011, eqs. 1 and 2): hidden units with shared weights,
  $h_i = \sigma(c + W_{\cdot,<i}\, x_{<i})$, $p(x_i = 1 \mid x_{<i}) = \sigma(b_i + V_i h_i)$.
* **MADE** (Germain et al. 2015): an autoencoder whose weights are masked, so that one pass gives
  all conditionals; other masks are other orders.
* **PixelCNN** (van den Oord et al. 2016a): convolutions whose kernels are masked. Stacked, they
  never see part of what lies above to the right, the *blind spot*; the **gated PixelCNN** (van den
  Oord et al. 2016b, eq. 2) has a vertical stack for the rows above and a horizontal one for the row
  itself, and none.
* **Transformer**: attention over patches, each written value by value.
"""

from __future__ import annotations

from models.families.autoregressive.autoregressive import Autoregressive, AutoregressiveConfig
from models.families.autoregressive.conditional import WithClasses


class Autoregression(Autoregressive):
    """The family: which of its classes a config asks for."""

    @classmethod
    def variant(cls, config: AutoregressiveConfig) -> type[Autoregressive]:
        return WithClasses if config.num_classes > 0 else Autoregressive
