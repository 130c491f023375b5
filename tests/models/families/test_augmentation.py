"""Pictures moved in training, and a model that is told how."""

import pytest
import torch
import torch.nn.functional as F

from models.checkpoints import weights
from models.contract.random import generator
from models.families.autoregressive.augmentation import NUMBERS, moved

SMALL = {"network": "transformer", "image": [1, 8, 8], "patch": 2, "width": 16, "head_width": 8,
         "hidden": 16, "layers": 2}  # fmt: skip


def grey(n: int = 64, side: int = 12):
    return torch.randint(0, 256, (n, 1, side, side), generator=generator(0)).float() / 255


def test_whole_pixels_and_mirrors_are_what_is_told():
    x, most = grey(), 2
    out, told = moved(x, generator(1), shift=most, mirror=True)
    assert told.shape == (len(x), NUMBERS) and not told[:, 2:6].any()
    for one, was, how in zip(out, x, told, strict=True):
        dx, dy = (how[:2] * most).round().int().tolist()
        there = F.pad(was, [most] * 4)[:, most + dy :, most + dx :][:, :12, :12]
        there = there.flip(2) if how[6] else there
        torch.testing.assert_close(one, there, atol=1e-4, rtol=0)
    seen = {tuple((how[:2] * most).round().int().tolist()) for how in told}
    assert len(seen) > 15 and {0.0, 1.0} == set(told[:, 6].tolist())


def test_half_of_the_pictures_stay_as_they_are():
    x = grey(400)
    out, told = moved(x, generator(2), shift=1, bend=0.1)
    alone = ~told.any(1)
    assert 0.4 < alone.float().mean() < 0.6
    torch.testing.assert_close(out[alone], x[alone], atol=1e-4, rtol=0)
    assert ((out - x).abs().amax((1, 2, 3)) > 0.02)[~alone].all()
    assert out.min() >= 0 and out.max() <= 1


def test_bending_keeps_the_middle_and_little_bends_move_little():
    x = torch.zeros(64, 1, 13, 13)
    x[:, :, 5:8, 5:8] = 1
    out, told = moved(x, generator(3), bend=0.1)
    assert (told[:, :2] == 0).all() and told.abs().max() <= 1
    assert (out[:, :, 6, 6] > 0.99).all()
    assert (out.sum((1, 2, 3)) - 9).abs().max() < 4


def test_it_is_known_to_the_network_and_plays_no_part_outside_training():
    model = weights.build("autoregressive", {**SMALL, "shift": 1, "bend": 0.1})
    plain = weights.build("autoregressive", SMALL)
    x, y = grey(16, 8), torch.randn(16, 0)
    binary = (x > 0.5).float()
    how = torch.zeros(16, NUMBERS)
    torch.testing.assert_close(model.net(binary, y, moved=how), model.net(binary, y))
    how[:, 0] = 1
    assert not torch.allclose(model.net(binary, y, moved=how), model.net(binary, y))
    kept = {k: v for k, v in model.state_dict().items() if "moves" not in k}
    plain.load_state_dict(kept)

    def loss(model):
        return next(model.objectives(x, None, generator(5))).loss.item()

    assert loss(model.eval()) == loss(plain.eval())
    assert loss(model.train()) != loss(plain.train())


@pytest.mark.parametrize("setting", [{"shift": 1}, {"bend": 0.1}, {"mirror": True}])
def test_other_networks_refuse_it(setting):
    with pytest.raises(ValueError, match="for transformers"):
        weights.build("autoregressive", {"network": "made", "image": [1, 4, 4], **setting})
