"""What layers make of a picture is what the same network gives when it is taken apart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.codes import activations as of
from models.contract.random import generator
from tests import toys


class Reader(nn.Module):
    """Encodes by two convolutions and a matrix; the second convolution works twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, stride=2)
        self.last = nn.Linear(3 * 3 * 3, 5)

    def encode(self, x):
        h = self.second(self.first(x))
        self.second(torch.zeros_like(h).repeat(1, 1, 3, 3))
        return self.last(h.flatten(1))


def test_layers_come_in_order_with_their_first_outputs():
    torch.manual_seed(0)
    model, x = Reader(), torch.rand(1, 1, 8, 8)
    with torch.no_grad():
        [(title, layers)] = of.activations(model, x, generator(0))
        first = model.first(x)
        second = model.second(first)
    assert title == "Encoder"
    assert [layer.name for layer in layers] == ["first", "second", "last"]
    assert [layer.kind for layer in layers] == ["convolution", "convolution", "matrix"]
    torch.testing.assert_close(layers[0].values, first[0])
    torch.testing.assert_close(layers[1].values, second[0])
    torch.testing.assert_close(layers[2].values[:, 0, 0], model.last(second.flatten(1))[0])
    assert not any(module._forward_hooks for module in model.modules())


def test_tokens_of_a_square_are_a_map_and_others_a_row():
    tokens = torch.arange(2 * 9 * 4.0).reshape(2, 9, 4)
    maps = of.as_maps(tokens)
    assert maps.shape == (4, 3, 3) and maps[1, 2, 0] == tokens[0, 6, 1]
    assert of.as_maps(tokens[:, :8]).shape == (4, 1, 8)
    assert of.as_maps(torch.zeros(7)) is None


def test_grey_is_nothing_and_one_scale_holds_for_all_channels():
    grey = of.in_grey(torch.tensor([[[-2.0, 0.0]], [[1.0, 2.0]]]))
    assert grey[0, 0, 1] == 0.5 and grey[1, 0, 0] == pytest.approx(0.75, abs=0.01)
    assert of.in_grey(torch.zeros(2, 1, 1)).unique().tolist() == [0.5]


@pytest.mark.parametrize(
    ("write", "titles"),
    [
        (toys.write_game, {"Decoder", "Discriminator"}),
        (toys.write_judge, {"Classifier"}),
        (toys.write_flow, {"Encoder", "Decoder"}),
    ],
)
def test_what_a_model_can_do_says_which_networks_it_has(tmp_path, write, titles):
    from models.checkpoints import weights

    model = weights.load(write(tmp_path, "toy"))
    x = torch.rand((1, *model.config.image), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = of.activations(model, x, generator(0))
        again = of.activations(model, x, generator(0))
    assert {title for title, _ in found} == titles
    for (_, layers), (_, same) in zip(found, again, strict=True):
        for one, other in zip(layers, same, strict=True):
            assert one.channels >= len(one.values) >= 1
            torch.testing.assert_close(one.values, other.values)
