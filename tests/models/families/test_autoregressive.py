"""Every network keeps its order, is a distribution, and writes fast what it would write slowly."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from models.checkpoints import weights
from models.contract.capabilities import capabilities
from models.contract.random import generator
from models.families.autoregressive.autoregressive import NETWORKS, ORDERS

DENSE = ("fvsbn", "nade", "made")
SMALL = {
    "fvsbn": {},
    "nade": {"width": 12},
    "made": {"width": 40, "layers": 2},
    "pixelcnn": {"width": 8, "layers": 2},
    "gated": {"width": 6, "layers": 3},
    "transformer": {"width": 8, "layers": 2, "head_width": 4, "patch": 2, "hidden": 24},
}


def small(network: str, image=(1, 4, 6), seed: int = 0, **more):
    """A small network with weights large enough for every dependence to show."""
    torch.manual_seed(seed)
    values = {"image": list(image), "network": network, **SMALL[network], **more}
    model = weights.build("autoregressive", values).eval().double()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p.add_(0.3 * torch.randn_like(p))
            elif "norm" not in name:
                p.add_(0.1 * torch.randn_like(p))
    return model


def pictures(model, n: int = 2, seed: int = 1):
    x = torch.rand((n, *model.image_shape), generator=generator(seed), dtype=torch.float64)
    return model.observed(x, generator(seed)).double()


CASES = [
    *[(network, (1, 4, 6), {}) for network in NETWORKS],
    *[(network, (3, 4, 4), {"pixels": "logistic", "components": 2, "levels": 8})
      for network in NETWORKS],
    *[("made", (1, 4, 6), {"orders": order}) for order in ORDERS[1:]],
    *[("fvsbn", (1, 4, 6), {"orders": order}) for order in ORDERS[1:]],
    ("nade", (1, 4, 6), {"orders": "columns"}),
    ("made", (1, 4, 6), {"orders": "raster, centre, reversed"}),
    ("made", (1, 4, 6), {"layers": 3, "num_classes": 3}),
    ("nade", (1, 4, 6), {"num_classes": 3}),
    ("gated", (1, 4, 6), {"num_classes": 3, "layers": 5}),
    ("pixelcnn", (1, 4, 6), {"num_classes": 3}),
    ("transformer", (1, 4, 6), {"num_classes": 3, "hidden_layers": 2}),
    ("transformer", (3, 4, 4), {"pixels": "categorical", "levels": 4}),
    ("transformer", (1, 4, 4), {"orders": "raster, columns, reversed, mirrored"}),
    ("transformer", (3, 4, 4), {"pixels": "logistic", "levels": 8, "ends": True,
                                "orders": "columns, mirrored", "hidden_layers": 2}),
    ("gated", (3, 4, 4), {"pixels": "categorical", "levels": 4}),
    ("gated", (3, 4, 4), {"pixels": "categorical", "levels": 4, "ends": True, "head": 9}),
    ("pixelcnn", (1, 4, 6), {"pixels": "logistic", "levels": 8, "ends": True, "head": 5}),
]  # fmt: skip
every = pytest.mark.parametrize(
    ("network", "image", "more"),
    CASES,
    ids=[" ".join(map(str, (n, i[0], *m.values()))) for n, i, m in CASES],
)


def orders_of(model):
    return range(len(model.net.orders))


@every
def test_a_value_sees_all_values_before_it_that_it_can_and_none_else(network, image, more):
    """The gradient of every output by every input."""
    model = small(network, image, **more)
    x = pictures(model, 1).requires_grad_()
    label = 1 if model.config.num_classes else None
    for order in orders_of(model):
        numbers = model.numbers(x, label, order)[0]  # (D, P)
        position = model.net.orders[order].argsort()  # when each place is written
        seen = torch.stack([
            torch.autograd.grad(row.square().sum(), x, retain_graph=True)[0].flatten() != 0
            for row in numbers
        ])  # (D, D): output by input  # fmt: skip
        before = position[None, :] < position[:, None]
        assert not (seen & ~before).any(), "a value sees itself or what comes after it"
        if network in (*DENSE, "transformer"):
            # Everything before, but for what dead units hide.
            assert seen.sum() > 0.9 * before.sum()
        assert sorted(model.net.orders[order].tolist()) == list(range(math.prod(image)))


@every
def test_what_is_written_fast_is_what_would_be_written_slowly(network, image, more):
    model = small(network, image, **more)
    u = torch.rand((5, math.prod(image)), generator=generator(3), dtype=torch.float64)
    label = torch.tensor([0, 1, 2, 0, 1]) if model.config.num_classes else None
    for order in orders_of(model):
        fast = list(model.write_steps(u, label, order=order))
        slow = list(model.write_steps(u, label, order=order, naive=True))
        assert len(fast) == len(slow) == u.shape[1]
        for a, b in zip(fast, slow, strict=True):
            assert torch.equal(a.x, b.x)
        torch.testing.assert_close(fast[-1].info["nats"], slow[-1].info["nats"])


@every
def test_nats_add_up_and_are_those_of_the_writer(network, image, more):
    model = small(network, image, **more)
    label = 2 if model.config.num_classes else None
    u = torch.rand((3, math.prod(image)), generator=generator(3), dtype=torch.float64)
    last = list(model.write_steps(u, label, every=10**9))[-1]
    found = model.log_likelihood(last.x.double(), generator(0), label=label, binarise=False)
    assert found.kind == "exact"
    torch.testing.assert_close(found.per_pixel.sum((1, 2, 3)), found.nats)
    if len(model.net.orders) == 1:
        torch.testing.assert_close(last.info["nats"], found.per_pixel)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("orders", ["raster", "raster,centre", "raster,mirrored,reversed"])
def test_the_probabilities_of_all_pictures_of_two_by_three_sum_to_one(network, orders):
    several = {"fvsbn": ("centre", "mirrored"), "made": ("centre", "mirrored"),
               "transformer": ("mirrored",)}  # fmt: skip
    if "," in orders and orders.split(",")[1] not in several.get(network, ()):
        return
    more = {"patch": 1} if network == "transformer" else {}
    model = small(network, (1, 2, 3), orders=orders, **more)
    x = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)), dtype=torch.float64)
    nats = model.log_likelihood(x.view(64, 1, 2, 3), generator(0), binarise=False).nats
    assert nats.exp().sum().item() == pytest.approx(1, abs=1e-9)
    # And sampling draws from that distribution: a chi-square test over the 64 pictures.
    n = 20_000
    u = torch.rand((n, 6), generator=generator(7), dtype=torch.float64)
    drawn = torch.cat([
        list(model.write_steps(part, order=o, every=99))[-1].x.flatten(1)
        for o, part in zip(itertools.cycle(orders_of(model)), u.chunk(len(model.net.orders)))
    ])  # fmt: skip
    counts = torch.bincount((drawn.long() * 2 ** torch.arange(5, -1, -1)).sum(1), minlength=64)
    expected = n * nats.exp()
    often = expected > 5
    chi2 = ((counts - expected).square() / expected)[often].sum().item()
    degrees = int(often.sum()) - 1
    assert chi2 < degrees + 4 * math.sqrt(2 * degrees)


def seen_from(network: str, side: int = 9) -> torch.Tensor:
    """Which pixels the one at the middle of the fifth row sees, (side, side)."""
    model = small(network, (1, side, side), layers=4)
    place = 5 * side + side // 2
    field = sum(model.receptive_field(pictures(model, 1, s), place) for s in range(4))
    return field[0] > 0


def test_the_plain_pixelcnn_has_a_blind_spot_and_the_gated_one_none():
    before = torch.arange(81).view(9, 9) < 5 * 9 + 4
    gated, plain = seen_from("gated"), seen_from("pixelcnn")
    assert torch.equal(gated, before), "the gated PixelCNN sees every pixel before"
    # A 7 x 7 and four 3 x 3 kernels: within reach, and yet unseen, above to the right.
    assert not (plain & ~before).any()
    blind = before & ~plain
    assert blind[4, 8] and not blind[4, 0] and not blind[:, :5].any()


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_what_their_names_say(order):
    model = small("made", (1, 4, 6), orders=order)
    places = [divmod(k, 6) for k in model.net.orders[0].tolist()]
    first, last = {
        "raster": ((0, 0), (3, 5)),
        "reversed": ((3, 5), (0, 0)),
        "columns": ((0, 0), (3, 5)),
        "mirrored": ((0, 5), (3, 0)),
        "centre": ((1, 2), (3, 5)),
        "shuffled": (places[0], places[-1]),
    }[order]
    assert (places[0], places[-1]) == (first, last)
    assert places[1] == {"raster": (0, 1), "columns": (1, 0), "reversed": (3, 4)}.get(
        order, places[1]
    )


# -- sampling, finishing, asking -------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_the_known_rows_stay_and_the_rest_is_drawn_given_them(network):
    model = small(network, (1, 4, 6))
    x = pictures(model, 3)
    known = torch.zeros_like(x, dtype=torch.bool)
    known[:, :, :2] = True
    frames = list(model.complete_steps(x, known, generator(0)))
    assert torch.equal(frames[-1].x[known].double(), x[known])
    # The same uniforms after the same beginning give the same end: finishing is writing on.
    u = torch.rand((3, 24), generator=generator(0))
    whole = list(model.write_steps(u.double()))[-1].x
    again = list(model.write_steps(u.double(), x=whole.double(), known=known))[-1].x
    assert torch.equal(whole, again)
    # Changing one value of the beginning changes what follows, and nothing before it.
    other = whole.double().clone()
    other[:, :, 1, 5] = 1 - other[:, :, 1, 5]
    moved = list(model.write_steps(u.double(), x=other, known=known))[-1].x
    assert torch.equal(moved[known].double(), other[known])


def test_low_temperature_takes_the_likeliest_value():
    model = small("made")
    u = torch.rand((4, 24), generator=generator(0), dtype=torch.float64)
    a = list(model.write_steps(u, temperature=1e-3))[-1]
    b = list(model.write_steps(torch.full_like(u, 0.5), temperature=1.0))[-1]
    assert torch.equal(a.x, b.x)
    for wrong in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive number"):
            model.sample(1, generator(0), temperature=wrong)
    with pytest.raises(ValueError, match="order"):
        list(model.write_steps(u, order=1))


@pytest.mark.parametrize("network", NETWORKS)
def test_predictions_are_those_that_the_likelihood_adds_up(network):
    model = small(network, (3, 4, 4), pixels="categorical", levels=4)
    x = pictures(model, 2)
    p = model.predict(x)
    assert p.shape == (2, 3, 4, 4, 4)
    torch.testing.assert_close(p.exp().sum(-1), torch.ones_like(x))
    taken = p.gather(-1, (x * 3).round().long()[..., None])[..., 0]
    torch.testing.assert_close(taken, model.log_likelihood(x, generator(0)).per_pixel)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"network": "gated", "orders": "columns"}, "raster order only"),
        ({"network": "nade", "orders": "raster,columns"}, "Several orders"),
        ({"network": "made", "orders": "spiral"}, "There is no order 'spiral'"),
        ({"network": "made", "orders": ""}, "There is no order ''"),
        ({"network": "made", "pixels": "categorical"}, "too many"),
        ({"network": "transformer", "patch": 5}, "cannot be cut into patches of 5 x 5"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        weights.build("autoregressive", values)


# -- masks to look at ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
def test_the_masks_of_a_dense_network_are_stairs_in_the_order_of_writing(order):
    model = small("made", orders="raster,shuffled", layers=2)
    direct, first, inner, last = (mask.allowed for mask in model.masks(order))
    assert torch.equal(direct, torch.ones(24, 24).tril(-1).bool())
    assert (first.shape, inner.shape, last.shape) == ((40, 24), (40, 40), (24, 40))
    for stairs in (first, inner, last):  # once out of sight, out of sight from there on
        assert torch.equal(stairs, stairs.cummin(1).values)
    # Together they lead from a value to those after it, and to no other.
    reached = (last.float() @ inner.float() @ first.float()) > 0
    assert not (reached & ~direct).any()
    with pytest.raises(ValueError, match="no order 2"):
        model.masks(2)


def test_the_masks_of_kernels_end_at_the_pixel():
    before = torch.arange(49).view(7, 7) < 24
    first, above = small("pixelcnn").masks()
    assert first.kernel and torch.equal(first.allowed, before)
    assert above.allowed.int().tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    down, along, *_ = small("gated").masks()
    assert torch.equal(down.allowed | along.allowed, before)
    assert not (down.allowed & along.allowed).any()


def test_what_has_no_masks_shows_none_and_attention_looks_back():
    assert small("nade").masks() == []
    patches = small("transformer").masks()[0].allowed
    assert torch.equal(patches, torch.ones(6, 6).tril().bool())


def test_bayes_rule_makes_a_classifier_of_it_and_classes_a_mixture():
    model = small("transformer", (1, 4, 6), num_classes=3, patch=2)
    x = pictures(model, 5)
    nats = model.class_nats(x, generator(0), binarise=False)
    assert nats.shape == (5, 3)
    for k in range(3):
        given = model.log_likelihood(x, generator(0), label=k, binarise=False).nats
        torch.testing.assert_close(nats[:, k], given)
    assert not torch.allclose(nats[:, 0], nats[:, 1])
    grey = torch.rand((2, 1, 4, 6), generator=generator(9), dtype=torch.float64)
    a, b = (model.class_nats(grey, generator(4)) for _ in range(2))
    torch.testing.assert_close(a, b)
    assert "TellsClasses" in capabilities(model)
    assert "TellsClasses" not in capabilities(small("transformer", (1, 4, 6), patch=2))


def test_labels_are_left_out_as_often_as_asked():
    model = small("made", (1, 2, 2), num_classes=2, drop_label=1.0).train()
    x = pictures(model, 8)
    given = next(model.objectives(x, torch.zeros(8, dtype=torch.int64), generator(0))).loss
    other = next(model.objectives(x, torch.ones(8, dtype=torch.int64), generator(0))).loss
    assert given == other
    model.eval()
    given = next(model.objectives(x, torch.zeros(8, dtype=torch.int64), generator(0))).loss
    other = next(model.objectives(x, torch.ones(8, dtype=torch.int64), generator(0))).loss
    assert given != other


@pytest.mark.parametrize("network", NETWORKS)
def test_guidance_is_between_no_class_and_the_class_and_beyond(network):
    model = small(network, (1, 4, 6), num_classes=3)
    u = torch.rand((4, 24), generator=generator(3), dtype=torch.float64)
    label = torch.tensor([0, 1, 2, 0])

    def written(label, **knobs):
        return list(model.write_steps(u, label, every=99, **knobs))[-1]

    assert torch.equal(written(label, guidance=1.0).x, written(label).x)
    assert torch.equal(written(label, guidance=0.0).x, written(None).x)
    strong = written(label, guidance=3.0)
    assert torch.equal(strong.x, written(label, guidance=3.0, naive=True).x)
    # The nats beside it are the class's own, whatever the guidance was.
    own = model.log_likelihood(strong.x.double(), generator(0), label=label, binarise=False)
    torch.testing.assert_close(strong.info["nats"].sum((1, 2, 3)), own.nats)

    def likelier(guidance):  # by how much the class explains what was written better than none
        rng = generator(11)
        x = model.sample(64, rng, 1, guidance=guidance).double()
        with_, without = (
            model.log_likelihood(x, generator(0), label=k, binarise=False).nats for k in (1, None)
        )
        return (with_ - without).mean()

    assert likelier(4.0) > likelier(1.0)
    for wrong in (-1.0, math.nan, 1e9):
        with pytest.raises(ValueError, match="Guidance"):
            model.sample(1, generator(0), 1, guidance=wrong)
