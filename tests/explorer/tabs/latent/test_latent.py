"""Codes, planes and ways; and the Latent space tab's handlers on toys of every shape."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import explorer
from explorer.page.context import Context
from explorer.page.part import Asked, settled
from explorer.pictures import images
from explorer.server.abilities import classes_of
from explorer.tabs import latent
from explorer.tabs.latent import codes as latents
from explorer.tabs.latent.view import (
    code_of,
    exact,
    pad_value,
    read_view,
    sheet,
    starting_codes,
    strips,
    ways,
    written,
)
from models.codes.paths import manifold, spherical, straight
from tests import toys

START = Asked(
    handed=None, place="", kept="", kind="dimensions", across=0, up=1, label=0, which=0, own="",
    brought=None, category=0, code_1=0, code_2=0, code_3=0, code_4=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Checkpoints that no test changes."""
    folder = tmp_path_factory.mktemp("models")
    toys.write_codes(toys.write(folder, "grey"))
    toys.write(folder, "bare")
    toys.write_codes(toys.write(folder, "flat", latent=2, image=(1, 8, 8)), D=2)
    toys.write_codes(toys.write(folder, "asked", num_classes=10))
    toys.write(folder, "colour", data="shapes", latent=64, image=(3, 32, 32))
    toys.write(folder, "single", latent=1)
    return folder


@pytest.fixture
def context(folder):
    return Context.create(folder)


ALL = ("grey", "bare", "flat", "asked", "colour", "single")


def bytes_of(sprite):
    raw = np.frombuffer(base64.b64decode(sprite["b64"]), np.uint8)
    return raw.reshape(sprite["n"], sprite["h"], sprite["w"], sprite["c"])


# -- codes as text --------------------------------------------------------------------------------


def test_a_packed_code_comes_back_within_half_a_step():
    z = np.random.default_rng(0).standard_normal(64) * 3
    assert np.abs(latents.unpack(latents.pack(z), 64) - z).max() <= latents.STEP / 2
    again = latents.unpack(latents.pack(z), 64)
    assert latents.pack(again) == latents.pack(z)


def test_packing_survives_numbers_that_are_none():
    z = latents.unpack(latents.pack(np.array([np.nan, np.inf, -np.inf, 1e9])), 4)
    assert z.tolist() == [0.0, latents.FURTHEST, -latents.FURTHEST, latents.FURTHEST]


@pytest.mark.parametrize("text", ["", "###", "AAAA", "é", "A" * 999])
def test_text_that_is_no_code_gets_one_sentence(text):
    with pytest.raises(ValueError, match=r"^[A-Z][^\n]*\.$"):
        latents.unpack(text, 6)


# -- geometry -------------------------------------------------------------------------------------


def test_a_plane_holds_its_code_and_its_origin_is_the_point_nearest_to_zero():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(9).astype(np.float32)
    basis, _ = np.linalg.qr(rng.standard_normal((9, 2)))
    plane = latents.plane_along(z, *basis.T.astype(np.float32))
    assert np.allclose(plane.at(*plane.coordinates(z)), z, atol=1e-5)
    assert abs(plane.origin @ plane.u) < 1e-5 and abs(plane.origin @ plane.v) < 1e-5


def test_the_lattice_runs_in_rows_from_the_upper_left():
    plane = latents.Plane(np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    lattice = plane.lattice(3)
    assert lattice[0].tolist() == [-3, 3, 0]
    assert lattice[1].tolist() == [0, 3, 0]
    assert lattice[-1].tolist() == [3, -3, 0]


def test_the_plane_through_three_holds_all_three_on_the_pad():
    three = np.random.default_rng(3).standard_normal((3, 16)) * 2
    plane = latents.plane_through(three)
    places = plane.coordinates(three)
    assert np.allclose(plane.at(*places.T), three, atol=1e-4)
    assert np.abs(places).max() < plane.reach
    assert places[1, 0] > places[0, 0], "B lies to the right of A"
    assert np.isclose(places[0, 1], places[1, 1], atol=1e-5)


def test_three_on_a_line_span_no_plane():
    a = np.random.default_rng(4).standard_normal(5)
    for three in ([a, 2 * a, 3 * a], [a, a, 2 * a], [a, a, a]):
        with pytest.raises(ValueError, match="on one line"):
            latents.plane_through(np.stack(three))


def test_the_spherical_way_keeps_the_length_and_turns_evenly():
    rng = np.random.default_rng(5)
    a, b = (5 * v / np.linalg.norm(v) for v in rng.standard_normal((2, 32)))
    way = spherical(a, b, 9)
    assert np.allclose(np.linalg.norm(way, axis=1), 5, atol=1e-4)
    turns = (way[:-1] * way[1:]).sum(1) / 25
    assert np.allclose(turns, turns[0], atol=1e-5)
    assert np.allclose(way[[0, -1]], [a, b], atol=1e-5)
    line = straight(a, b, 9)
    assert np.linalg.norm(line[4]) < 4.5, "the straight way dips"


@pytest.mark.parametrize("b", [[0.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
def test_where_no_arc_is_defined_the_way_is_straight(b):
    a, b = np.array([1.0, 0.0], np.float32), np.array(b, np.float32)
    assert np.allclose(spherical(a, b, 5), straight(a, b, 5))


def test_the_manifold_takes_even_steps_of_probability():
    codes = manifold(4)
    assert codes.shape == (16, 2)
    assert np.allclose(codes[0], [-1.1503, 1.1503], atol=1e-4)
    assert np.allclose(codes[:4, 0], -codes[:4, 0][::-1], atol=1e-6)


# -- what is known of a model's codes -------------------------------------------------------------


def test_dimensions_come_in_the_order_of_their_kl(context):
    active = latents.activity(context, "grey")
    assert active.order.tolist() == [3, 1, 5, 4, 0, 2] and active.unit == "nats"


def test_without_codes_dimensions_come_in_the_order_of_what_they_change(context):
    model = context.store.get("bare")
    with torch.no_grad():
        model.weight[:, 2] = 0
        model.weight[:, 4] *= 5
    active = latents.activity(context, "bare")
    assert active.unit == "change"
    assert active.order[0] == 4 and active.order[-1] == 2 and active.amount[2] == 0


def test_principal_directions_are_those_of_the_codes(context):
    directions, shares, what = latents.principal_directions(context, "grey")
    assert np.allclose(directions @ directions.T, np.eye(6), atol=1e-5)
    assert abs(directions[0, 0]) > 0.99 and shares[0] > 0.8
    assert np.isclose(shares.sum(), 1) and "codes" in what


def test_without_codes_the_first_direction_is_the_one_that_changes_most(context):
    model = context.store.get("bare")
    with torch.no_grad():
        model.weight[:, 4] *= 20
    directions, _, what = latents.principal_directions(context, "bare")
    assert abs(directions[0, 4]) > 0.9 and "change" in what


@pytest.mark.parametrize("content", [b"", b"no tensors", None])
def test_damaged_codes_are_left_out(tmp_path, content):
    folder = toys.write(tmp_path, "grey")
    if content is None:
        save_file({"codes": np.zeros((5, 6), np.float16), "kl": np.zeros(4, np.float32)},
                  folder / "codes.safetensors")  # fmt: skip
    else:
        (folder / "codes.safetensors").write_bytes(content)
    context = Context.create(tmp_path)
    assert latents.shipped_codes(context, "grey") is None
    assert settled(latent.arrive(context, "grey", START)).strips["rows"]


def test_the_start_shows_three_classes(context):
    codes = starting_codes(context, "grey", None)
    shipped = latents.shipped_codes(context, "grey")
    found = [int(np.abs(shipped.codes - z).sum(1).argmin()) for z in codes]
    assert len({int(shipped.labels[k]) for k in found}) == 3


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", ["dimensions", "principal", "three"])
def test_the_atlas_is_what_the_model_decodes_on_the_plane(context, name, kind):
    D = latents.dimensions(context, name)
    if D == 1 and kind == "three":
        pytest.skip("one number spans no plane")
    view = read_view(context, name, START.but(kind=kind, label=3))
    value = pad_value(context, name, view)
    atlas, side = bytes_of(value["atlas"]), value["side"]
    assert len(atlas) == side * side
    u, v, origin = (np.array(value[key], np.float32) for key in ("u", "v", "origin"))
    # The picture in row 2, column 5.
    a = (5 / (side - 1) * 2 - 1) * value["reach"]
    b = (1 - 2 / (side - 1) * 2) * value["reach"]
    z = torch.from_numpy(origin + a * u + b * v)[None].float()
    label = 3 if name == "asked" else None
    want = context.store.get(name).decode(z, label).detach().numpy()
    got = atlas[2 * side + 5].transpose(2, 0, 1).astype(int)
    assert np.abs(got - np.rint(want[0] * 255)).max() <= 1
    here = origin + value["at"][0] * u + value["at"][1] * v
    assert np.allclose(here, view.z, atol=1e-3), "the marker stands at the view's code"


def test_the_dots_are_test_codes_and_carry_themselves(context):
    value = pad_value(context, "grey", read_view(context, "grey", START))
    dots = value["dots"]
    codes = np.stack(np.split(latents.unpack(dots["z"], 6 * len(dots["a"])), len(dots["a"])))
    assert np.allclose(codes[:, 3], dots["a"], atol=2e-3), "z4 has the largest KL"
    shipped = latents.shipped_codes(context, "grey")
    k = int(np.abs(shipped.codes - codes[7]).sum(1).argmin())
    assert int(shipped.labels[k]) == dots["labels"][7]


def test_a_conditional_model_shows_the_dots_of_its_class(context):
    value = pad_value(context, "asked", read_view(context, "asked", START.but(label=3)))
    assert set(value["dots"]["labels"]) == {3} and value["label"] == 3


def test_two_equal_directions_get_a_sentence(context):
    asked = START.but(across=2, up=2)
    with pytest.raises(ValueError, match="two different directions"):
        pad_value(context, "grey", read_view(context, "grey", asked))
    with pytest.raises(ValueError, match="two different directions"):
        settled(latent.turned(context, "grey", asked))


def test_strips_hold_all_but_one_number(context):
    view = read_view(context, "grey", START)
    value = strips(context, "grey", view)
    assert [row["dimension"] for row in value["rows"]] == [3, 1, 5, 4, 0, 2]
    row = value["rows"][1]
    z = view.z.copy()
    z[1] = 3
    want = latents.decode(context, "grey", z[None])[0]
    assert np.abs(bytes_of(row["sprite"])[-1, ..., 0] - want[0] * 255).max() <= 0.51
    assert np.allclose(latents.unpack(value["z"], 6), view.z)


def test_ways_begin_at_a_and_end_at_b(context):
    view = read_view(context, "colour", START)
    value = ways(context, "colour", view)
    faces = bytes_of(value["faces"])
    for way in value["ways"]:
        pictures = bytes_of(way["sprite"])
        assert np.abs(pictures[0].astype(int) - faces[0]).max() <= 1
        assert np.abs(pictures[-1].astype(int) - faces[1]).max() <= 1
        assert len(way["lengths"]) == len(pictures)


def test_only_two_numbers_make_a_sheet(context):
    assert sheet(context, "grey", None) is None
    value = sheet(context, "flat", None)
    pictures = bytes_of(value["sprite"])
    codes = latents.unpack(value["codes"], 2 * len(pictures)).reshape(-1, 2)
    want = latents.decode(context, "flat", codes[[33]])[0]
    assert np.abs(pictures[33].transpose(2, 0, 1) - want * 255).max() <= 1


@pytest.mark.parametrize("name", ALL)
def test_the_code_shown_gives_the_picture_shown(context, name):
    view = read_view(context, name, START.but(label=4))
    space = {}
    exec(compile(code_of(context, name, view), "snippet", "exec"), space)
    label = None if name != "asked" else 4
    shown = exact(context)([name, latents.pack(view.z), label])
    expected = images.sprite(space["image"].numpy())["b64"]
    got, want = (
        np.frombuffer(base64.b64decode(t), np.uint8).astype(int) for t in (shown, expected)
    )
    assert np.abs(got.astype(int) - want).max() <= 1


@pytest.mark.parametrize("asked", [["nothing", "AAAA", None], ["grey", "AAAA", None],
                                   ["grey", "é", 3]])  # fmt: skip
def test_what_no_pad_would_ask_for_is_refused_in_a_sentence(context, asked):
    with pytest.raises(ValueError, match=r"\.$"):
        exact(context)(asked)


# -- handlers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_arriving_shows_the_pad_first_and_the_rest_next(context, name):
    context.store.get(name)
    first, rest = latent.arrive(context, name, START)
    assert first.pad["model"] == name and first.status["text"] == ""
    assert rest.strips["rows"]
    assert len(settled(latent.between(context, name, START)).ways["ways"]) == 2
    flat = latents.dimensions(context, name) == 2
    assert first.flat.visible == flat
    assert (settled(latent.spread(context, name, START)).sheet is not None) == flat
    assert first.label.visible == (name == "asked")


def test_a_place_of_another_model_is_left_alone(context):
    place = written("flat", np.ones(2))
    shown = settled(latent.arrive(context, "grey", START.but(place=place, kept=place)))
    assert shown.place == "" and shown.kept == ""
    view = read_view(context, "grey", START)
    assert np.allclose(latents.unpack(latents.pack(view.z), 6), view.z)


def test_an_opened_link_shows_its_place(context):
    z = np.linspace(-1, 1, 6)
    view = read_view(context, "grey", START.but(place=written("grey", z)))
    assert np.allclose(view.z, z, atol=latents.STEP)
    broken = read_view(context, "grey", START.but(place="grey~###"))
    assert np.allclose(broken.z, starting_codes(context, "grey", None)[0])


def test_a_code_from_another_tab_is_where_one_arrives(context):
    z = [0.5, -1.0, 0.25, 2.0, 0.0, -0.75]
    code = {"model": "grey", "z": z, "label": None, "source": "sample 3 of seed 7"}
    asked = START.but(handed=code)
    shown = settled(latent.take(context, "grey", asked))
    assert np.allclose(latents.unpack(shown.place.partition("~")[2], 6), z)
    assert "sample 3 of seed 7" in shown.status["text"]
    shown = settled(latent.arrive(context, "grey", asked))
    assert np.allclose(latents.unpack(shown.place.partition("~")[2], 6), z)
    assert not list(latent.take(context, "flat", asked))
    assert not list(latent.take(context, "grey", START))


def test_through_three_the_marker_falls_onto_the_plane(context):
    z = np.full(6, 0.2)
    asked = START.but(place=written("grey", z), kind="three")
    shown = settled(latent.turned(context, "grey", asked))
    moved = latents.unpack(shown.place.partition("~")[2], 6)
    plane = latents.plane_through(starting_codes(context, "grey", None))
    assert np.allclose(plane.at(*plane.coordinates(moved)), moved, atol=2e-3)
    assert [corner["name"] for corner in shown.pad["corners"]] == ["A", "B", "C"]


def test_three_equal_pictures_get_a_sentence(context):
    same = written("grey", *np.ones((3, 6)))
    asked = START.but(kept=same, kind="three")
    with pytest.raises(ValueError, match="one line"):
        settled(latent.turned(context, "grey", asked))
    # A link to them shows single numbers in their place.
    assert settled(latent.arrive(context, "grey", asked)).across.visible


def test_keeping_another_picture_makes_new_ways(context):
    kept = written("grey", *np.eye(6)[:3])
    shown = settled(latent.swapped(context, "grey", START.but(kept=kept)))
    way = shown.ways["ways"][0]
    assert np.allclose(latents.unpack(way["codes"], 33 * 6)[:6], np.eye(6)[0])
    assert "pad" not in shown
    assert "pad" in settled(latent.swapped(context, "grey", START.but(kept=kept, kind="three")))


def test_a_picture_that_was_brought_is_remade(context):
    grey = np.zeros((28, 28, 1), np.uint8)
    grey[8:20, 12:16] = 255
    drawing = {"kind": "drawing", "b64": base64.b64encode(grey.tobytes()).decode(), "W": 28,
               "H": 28, "C": 1, "polarity": "keep"}  # fmt: skip
    shown = latent.given(context, "grey", START.but(brought=drawing))
    value = shown.remade
    seen, remade, difference = bytes_of(value["sprite"]).astype(int)
    assert np.abs(np.abs(seen - remade) - difference).max() <= 1
    error = 100 * np.sqrt(np.square(seen - remade).mean()) / 255
    said = float(re.search(r"by ([\d.]+)%", value["note"])[1])
    assert abs(said - error) < 0.3
    assert shown.on.interactive
    assert settled(latent.go_to_own(context, "grey", START.but(own=shown.own))).place == shown.own


def test_a_picture_that_cannot_be_read_gets_a_sentence(context):
    bad = {"kind": "file", "name": "a.png", "b64": base64.b64encode(b"<svg/>").decode()}
    shown = latent.given(context, "grey", START.but(brought=bad))
    assert shown.remade["problem"] and shown.remade["note"].endswith(".") and shown.own == ""
    assert not shown.on.interactive
    assert latent.given(context, "grey", START).own == ""
    assert not list(latent.go_to_own(context, "grey", START))


def test_classes_have_their_names(context):
    assert classes_of(context.store.header("asked")) == [str(k) for k in range(10)]
    assert classes_of(context.store.header("grey")) == []


def test_another_class_changes_every_picture(context):
    asked = START.but(label=7)
    assert settled(latent.jumped(context, "asked", asked)).pad["label"] == 7
    before = ways(context, "asked", read_view(context, "asked", START))
    after = settled(latent.between(context, "asked", asked)).ways
    assert after["ways"][0]["sprite"]["b64"] != before["ways"][0]["sprite"]["b64"]


@pytest.mark.parametrize(
    "bad", [(None,) * 6, ("x", 3, "no", "a", -1, "b"), (1, {}, [], 99, 99, 99)]
)
def test_controls_of_any_value_are_read(context, bad):
    names = ("place", "kept", "kind", "across", "up", "label")
    view = read_view(context, "asked", START.but(**dict(zip(names, bad, strict=True))))
    assert view.kind == "dimensions" and view.across == 0 and view.up == 1 and view.label == 0


def test_the_page_is_built_without_a_model(tmp_path):
    context = Context.create(tmp_path)
    explorer.build(context)
    keys = [remembered.key for remembered in context.remembered]
    assert "latent.at" in keys and "latent.kept" in keys


def test_a_picture_that_was_brought_goes_with_no_other_event(context):
    explorer.build(context)
    part = context.built["latent"]
    assert "brought" not in part.asks
    carrying = [
        each for each in context.page.fns.values()
        if each.outputs == list(part.shows.values()) and len(each.inputs) > 1 + len(part.asks)
    ]  # fmt: skip
    [brought] = [[event for _, event in each.targets] for each in carrying]
    assert brought == ["draw"]


def test_putting_down_the_marker_ends_nothing_that_lays_the_pad(context):
    explorer.build(context)
    part, request = context.built["latent"], SimpleNamespace(session_hash="ana")

    def begin(name: str):
        fns = [
            each.fn for each in context.page.fns.values()
            if name in {event for _, event in each.targets} and part.shows["pad"] in each.outputs
        ]  # fmt: skip
        values = vars(part.asked(label=3))
        return fns[0](request, "asked", *(values[each] for each in part.asks))

    laying = begin("jumped")
    next(laying)  # the model is being loaded
    next(begin("moved"))
    assert next(laying)[list(part.shows).index("pad")]["label"] == 3


def test_codes_are_what_is_kept_of_a_model_and_forgotten_with_it(context):
    before = latents.activity(context, "bare"), latents.shipped_codes(context, "grey")
    assert latents.activity(context, "bare") is before[0]
    assert latents.shipped_codes(context, "grey") is before[1]
    context.forget(["bare"])
    assert not [key for key in context.ask.cache._items if "bare" in key]
    assert latents.shipped_codes(context, "grey") is before[1]
