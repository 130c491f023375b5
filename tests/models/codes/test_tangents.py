"""The Jacobian of an encoder, against autograd's own and a linear map's matrix."""

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.codes.tangents import jacobian, tangents
from models.contract.random import generator


class Linear(nn.Module):
    """Codes are a matrix times the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.randn(5, 16, generator=generator(0), dtype=torch.float64)

    def encode(self, x):
        return x.flatten(1) @ self.matrix.T


def test_of_a_linear_encoder_it_is_its_matrix():
    model, x = Linear(), torch.rand(3, 1, 4, 4, generator=generator(1), dtype=torch.float64)
    torch.testing.assert_close(jacobian(model, x).flatten(2), model.matrix.expand(3, -1, -1))
    unit = torch.tensor([1.0, 2, 3, 4, 5], dtype=torch.float64)
    scaled = model.matrix / unit[:, None]
    found = tangents(model, x, unit, most=3)
    torch.testing.assert_close(found.norm, torch.linalg.matrix_norm(scaled).expand(3))
    torch.testing.assert_close(found.values[1], torch.linalg.svdvals(scaled)[:3])
    # The code moves by the singular value along its direction.
    first = found.directions[0, 0].flatten()
    torch.testing.assert_close((scaled @ first).norm(), found.values[0, 0])


def test_of_a_network_it_is_autograds():
    torch.manual_seed(0)
    model = weights.build("autoencoder", {"image": [1, 8, 8], "latent": 3, "width": 16}).eval()
    x = torch.rand(2, 1, 8, 8, generator=generator(2))
    whole = torch.autograd.functional.jacobian(model.encode, x)  # (2, 3, 2, 1, 8, 8)
    own = torch.stack([whole[k, :, k] for k in range(2)])
    torch.testing.assert_close(jacobian(model, x), own, atol=1e-5, rtol=1e-4)


def test_a_unit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        tangents(Linear(), torch.rand(1, 1, 4, 4, dtype=torch.float64), 0.0)
