"""Codes of their own in the Latent space tab: shown, set, kept to values that there are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import Asked, settled
from explorer.tabs import latent
from explorer.tabs.latent import codes, own_codes
from explorer.tabs.latent.view import code_of, pad_value, read_view, strips, ways, written
from tests import toys
from tests.denoising import pictures
from tests.explorer.tabs.latent.test_latent import START

NOISE, K, D = 6, 3, 11  # noise, categories, all of it with two continuous codes


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "coded", categories=K, continuous=2)
    toys.write_game(folder, "plain")
    toys.write_game(folder, "wide", noise=80)
    return explorer.Context.create(folder, device="cpu")


def asking(z=None, kind="dimensions", name="coded", **more) -> Asked:
    return START.but(place="" if z is None else written(name, z), kind=kind, **more)


def code(category: int = 1, first: float = 0.25, second: float = -0.5) -> np.ndarray:
    noise = np.random.default_rng(2).standard_normal(NOISE)
    return np.r_[noise, np.eye(K)[category], first, second].astype(np.float32)


def decoded(context, z):
    with torch.no_grad():
        return context.store.get("coded").decode(torch.from_numpy(np.atleast_2d(z))).numpy()


def test_pictures_are_those_of_codes_that_there_are(context):
    z = code(1, 3.0, -0.5)
    z[NOISE : NOISE + K] = 0.2, 0.6, 0.4
    assert np.allclose(codes.decode(context, "coded", z[None]), decoded(context, code(1, 1.0)))
    plain = np.full((1, 6), 9.0, np.float32)
    assert codes.valid(context, "plain", plain) is plain


@pytest.mark.parametrize("kind", ["dimensions", "principal"])
def test_no_way_leads_along_a_category_and_a_code_goes_to_its_ends(context, kind):
    view = read_view(context, "coded", asking(code(), kind))
    active = codes.offered(context, "coded", kind)
    rows = strips(context, "coded", view)["rows"]
    assert len(active.order) == D - K
    for k in active.order:
        assert not active.vector(int(k), D)[NOISE : NOISE + K].any()
    if kind == "dimensions":
        assert {"code 1", "code 2"} <= {active.name(int(k)) for k in active.order}
        [row] = [row for row in rows if row["name"] == "code 1"]
        ends = decoded(context, np.stack([code(1, v, -0.5) for v in (-1.0, 1.0)]))
        shown = pictures(row["sprite"])[[0, -1]]
        assert row["reach"] == 1 and np.abs(shown - 255 * ends).max() <= 1.5
    else:
        assert [row["name"] for row in rows][:2] == ["PC 1", "PC 2"]
        assert "of early features" in rows[0]["note"]


def test_principal_ways_are_those_of_the_first_layers(context):
    from models.codes.directions import early_directions

    directions, shares, _ = codes.principal_directions(context, "plain")
    expected, told = early_directions(context.store.get("plain"))
    assert np.allclose(np.abs((directions * expected).sum(1)), 1, atol=1e-5)
    assert shares == pytest.approx(told / told.sum(), abs=1e-5)
    # More numbers than ranks that the page offers.
    shown = settled(latent.arrive(context, "wide", asking(kind="principal", name="wide")))
    assert len(shown.across.choices) == latent.MOST_RANKS


def test_a_walk_between_categories_changes_at_once(context):
    view = read_view(context, "coded", asking())
    a, b = code(0), code(2)
    view = view._replace(kept=np.stack([a, b, code(1)]))
    straight = pictures(ways(context, "coded", view)["ways"][0]["sprite"]).astype(int)
    steps = np.abs(np.diff(straight, axis=0)).reshape(len(straight) - 1, -1).max(1)
    assert steps.argmax() == (steps > 0).nonzero()[0][0] or steps[steps.argmax()] > 5 * steps[0]
    assert np.abs(straight[-1] - 255 * decoded(context, b)[0]).max() <= 1.5


def test_the_controls_tell_the_codes_at_the_marker(context):
    shown = settled(own_codes.follow(context, "coded", asking(code(2, 0.25, -0.5))))
    category = shown.category
    assert category.value == 2 and category.visible and len(category.choices) == K
    assert (shown.code_1.value, shown.code_2.value) == pytest.approx((0.25, -0.5), abs=0.01)
    assert not shown.code_3.visible and not shown.code_4.visible
    assert len(shown.which.choices) == 2 and shown.coded.visible
    hidden = settled(own_codes.follow(context, "plain", asking(name="plain")))
    assert not hidden.category.visible and not hidden.coded.visible


def test_a_code_set_by_its_control_is_where_one_is_then(context):
    asked = asking(code(0), category=2, code_1=0.75, code_2=-5.0)
    shown = settled(latent.coded(context, "coded", asked))
    expected = code(2, 0.75, -1.0)
    assert shown.place == written("coded", expected)
    assert np.abs(pictures(shown.pad["exact"]) - 255 * decoded(context, expected)).max() <= 1.5


def test_the_sheet_is_each_category_by_a_code_and_the_noise_is_kept(context):
    view = read_view(context, "coded", asking(code(1, 0.25, -0.5)))
    for which in (0, 1):
        table = own_codes.sheet(context, "coded", view, which)
        assert table["axis"] == f"code {which + 1}" and len(table["rows"]) == K
        assert (table["columns"][0], table["columns"][-1]) == ("−1.00", "+1.00")
        shown = pictures(table["sprite"]).reshape(K, own_codes.ACROSS, -1)
        corner = code(2, *((1.0, -0.5) if which == 0 else (0.25, 1.0)))
        assert np.abs(shown[2, -1] - 255 * decoded(context, corner).ravel()).max() <= 1.5
    assert own_codes.sheet(context, "plain", read_view(context, "plain", asking()), 0) is None


def test_the_pad_of_two_codes_ends_where_they_do(context):
    names = [codes.activity(context, "coded").name(int(k))
             for k in codes.activity(context, "coded").order]  # fmt: skip
    ranks = names.index("code 1"), names.index("code 2"), names.index("z1")
    reaches = [
        pad_value(context, "coded", read_view(context, "coded", asking(code(), across=a, up=b)))
        ["reach"] for a, b in (ranks[:2], ranks[1:])
    ]  # fmt: skip
    assert reaches == [1.0, codes.REACH]


@pytest.mark.parametrize("kind", ["dimensions", "principal", "three"])
def test_the_pad_and_the_code_shown_agree(context, kind):
    view = read_view(context, "coded", asking(code(), kind))
    value = pad_value(context, "coded", view)
    scope: dict = {}
    exec(code_of(context, "coded", view), scope)
    assert np.abs(pictures(value["exact"]) - 255 * scope["image"].numpy()).max() <= 1.5
