"""The Map tab's handlers, called as plain functions, on toys of every kind."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.components.point_map.point_map import as_sheet
from explorer.page.context import Context
from explorer.page.part import Asked, sentence_of, settled
from explorer.pictures import images
from explorer.tabs.map import codes as part
from explorer.tabs.map import layouts, view
from explorer.tabs.map.layouts import Layout, NoCodes
from models.checkpoints.codes import Map, load_map, save_map
from models.training import train
from tests import toys
from tests.conftest import tiny_recipe

N = 120


def asking(layout: Layout = layouts.KEPT, **given) -> Asked:
    """No point selected, no picture of one's own, unless it is given."""
    method, dimensions, neighbours, distance = layout
    nothing = {"choice": "", "yours": None, "pad": None}
    return Asked(**{"method": method, "dimensions": dimensions, "neighbours": neighbours,
                    "distance": distance, **nothing, **given})  # fmt: skip


def write_map(folder, D=6, n=N):
    rng = np.random.default_rng(3)
    labels = np.arange(n) % 10
    codes = rng.normal(size=(n, D)) * 0.2 + labels[:, None] * np.r_[1.0, np.zeros(D - 1)]
    codes = codes.astype(np.float16).astype(np.float32)
    where = codes[:, :2] * (1 if D == 2 else 3)
    save_map(folder, Map(codes, where, labels, facts={"map": "umap" if D != 2 else "code"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Checkpoints that no test changes."""
    folder = tmp_path_factory.mktemp("models")
    write_map(toys.write(folder, "grey"))
    write_map(toys.write(folder, "flat", latent=2), D=2)
    write_map(toys.write(folder, "asked", num_classes=10))
    write_map(toys.write(folder, "colour", data="shapes", image=(3, 32, 32)))
    toys.write(folder, "bare", data="digits", image=(1, 8, 8))
    toys.write(folder, "lost", data="mnist")
    return folder


@pytest.fixture
def context(folder):
    return Context.create(folder)


@pytest.mark.parametrize("name", ["grey", "flat", "asked", "colour"])
def test_a_kept_map_is_on_screen_without_torch_or_a_fit(context, name):
    shown = settled(part.arrive(context, name, asking()))
    assert context.store.loaded == []
    assert shown["view"]["components"] == 2 and '"scattergl"' in shown["view"]["figure"]
    assert f"{N} test pictures" in shown["status"]["text"]
    assert shown["fit"].interactive is True
    measured = part.measure(context, name, asking(method=shown["method"].value)).facts
    assert 0 <= float(measured["trust"]) <= 1 and measured["knn"].endswith("%")


def test_a_code_of_two_numbers_is_shown_as_it_is(context):
    shown = settled(part.arrive(context, "flat", asking()))
    assert shown["method"].value == "code"
    assert [key for _, key in shown["method"].choices] == ["code", "umap", "pca"]
    kept = layouts.layout_now(context, "flat", Layout("code"))
    assert np.array_equal(kept, load_map(context.store.header("flat").folder).coordinates)


def test_a_model_without_codes_says_so_and_offers_what_can_be_done(context, caplog):
    caplog.set_level("INFO")
    lost = settled(part.arrive(context, "lost", asking()))
    assert lost["view"] is None and lost["encode"].visible is False
    assert lost["fit"].interactive is False
    words = lost["status"]["text"]
    assert words.endswith("Choose a model with codes: Asked; Flat; Grey; Colour.")
    assert "--" not in words and "--data-dir" in caplog.text
    for quiet in (part.measure, part.look):
        assert quiet(context, "lost", asking()) is None
    assert not list(part.pictures(context, "lost", asking()))
    with pytest.raises(NoCodes, match="brings no codes"):
        part.show(context, "lost", asking())

    bare = settled(part.arrive(context, "bare", asking()))
    assert "Encode the test pictures" in bare["status"]["text"] and bare["encode"].visible is True
    assert bare["fit"].interactive is False
    steps = list(part.encode(context, "bare", asking()))
    assert 0 < steps[0]["status"]["progress"] <= 1
    assert steps[-1]["view"]["key"].startswith("bare pca")
    assert steps[-1]["fit"].interactive is True and steps[-1]["encode"].visible is False
    assert len(layouts.points(context, "bare")) == 300
    assert part.measure(context, "bare", asking(Layout("pca"))).facts["knn"]


def test_a_model_that_cannot_encode_says_which_can_and_offers_no_fit(tmp_path):
    toys.write(tmp_path, "walker", family="walker")
    for name in ("one", "two"):
        toys.write(tmp_path, name)
    context = Context.create(tmp_path)
    shown = settled(part.arrive(context, "walker", asking()))
    assert shown["fit"].interactive is False and shown["encode"].visible is False
    words = shown["status"]["text"]
    assert words.startswith("Walker cannot encode pictures") and "These can: One; Two." in words


def test_a_point_brings_its_picture_its_neighbours_and_the_way_from_the_one_before(context):
    codes = layouts.points(context, "grey").codes
    one = part.look(context, "grey", asking(choice="7"))
    order = np.argsort(np.linalg.norm(codes - codes[7], axis=1))
    assert one["card"]["near_rows"] == order[1:9].tolist()
    assert one["card"]["title"] == "7" and "8 of its 8" in one["card"]["note"]
    assert one["player"] is None and "path" not in one["marks"]
    assert np.allclose(one["selected"]["z"], codes[7])
    assert pixels(one["card"]["pictures"])[0].tolist() == decode(context, codes[7:8])[0].tolist()

    two = part.look(context, "grey", asking(choice="20,7"))
    frames = pixels(two["player"])
    ends = decode(context, codes[[7, 20]])
    assert np.array_equal(frames[0], ends[0]) and np.array_equal(frames[-1], ends[1])
    middle = decode(context, (codes[7:8] * 12 + codes[20:21] * 11) / 23)[0]
    assert np.abs(frames[11].astype(int) - middle).max() <= 1
    where = layouts.layout_now(context, "grey", layouts.KEPT)
    assert np.allclose(two["marks"]["path"][0], where[7], atol=1e-3)
    assert np.allclose(two["marks"]["path"][-1], where[20], atol=1e-3)


def pixels(sprite: dict) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(sprite["b64"]), np.uint8)
    return raw.reshape(sprite["n"], sprite["h"], sprite["w"], sprite["c"]).transpose(0, 3, 1, 2)


def decode(context, codes) -> np.ndarray:
    return layouts.decode(context, "grey", codes.astype(np.float32))


@pytest.mark.parametrize("choice", ["999", "-1", "1,2,3", "x", "3,999"])
def test_points_that_are_not_here_are_left_out(context, choice):
    shown = part.look(context, "grey", asking(choice=choice))
    assert shown["card"] is None and shown["selected"] is None


@pytest.mark.slow
def test_layouts_differ_and_are_kept(context):
    flat = part.show(context, "grey", asking(Layout("pca", 2), choice="7"))
    solid = part.show(context, "grey", asking(Layout("pca", 3), choice="7"))
    assert flat["view"]["components"] == 2 and solid["view"]["components"] == 3
    assert len(solid["marks"]["now"]) == 3
    asked = asking(Layout("umap", 2, 5, 0.5))
    assert "Fit map" in part.show(context, "grey", asked)["status"]["text"]
    steps = list(part.refit(context, "grey", asked))
    assert steps[0]["status"]["kind"] == "busy"
    assert "view" in steps[-1] and steps[-1]["status"]["kind"] == "plain"
    again = part.show(context, "grey", asked)
    assert again["view"] == steps[-1]["view"]


def test_a_stopped_fit_leaves_nothing_behind(context):
    layout = Layout("umap", 2, 6, 0.3)
    fit = part.refit(context, "grey", asking(layout))
    next(fit)
    fit.close()
    assert layouts.layout_now(context, "grey", layout) is None
    assert not context.ask._running


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        (("tsne", 2, 15, 0.1), "Choose one of"),
        (("umap", 4, 15, 0.1), "2 or 3"),
        (("umap", 2, 1, 0.1), "from 2 to 200"),
        (("umap", 2, None, 0.1), "must be a number"),
        (("umap", 2, 15, float("nan")), "must be a number"),
        (("umap", 2, 15, 3), "from 0 to 0.99"),
        (("umap", 2, 190, 0.1), "from 2 to 119"),
        (("code", 3, 15, 0.1), "cannot be shown"),
    ],
)
def test_what_cannot_be_laid_out_is_said_in_a_sentence(context, controls, words):
    name = "flat" if controls[0] == "code" else "grey"
    with pytest.raises(ValueError, match=words) as error:
        list(part.refit(context, name, asking(Layout(*controls))))
    assert sentence_of(error.value) == str(error.value)  # it is written for a person


def test_a_picture_of_ones_own_lands_beside_the_codes_it_is_like(context):
    drawing = np.zeros((56, 56), np.uint8)
    drawing[10:46, 24:32] = 255
    value = {"kind": "drawing", "b64": base64.b64encode(drawing.tobytes()).decode(), "W": 56,
             "H": 56, "C": 1, "polarity": "keep"}  # fmt: skip
    shown = part.take(context, "grey", asking(pad=value))
    fitted, z = layouts.points(context, "grey"), np.asarray(shown["yours"]["z"])
    nearest = np.argsort(np.linalg.norm(fitted.codes - z, axis=1))[:8]
    assert shown["card"]["near_rows"] == nearest.tolist()
    assert len(shown["marks"]["yours"]) == 2 and shown["selected"]["source"] == "your picture"
    assert shown["seen"]["sprite"]["n"] == 1
    way = part.look(context, "grey", asking(choice="7", yours=shown["yours"]))
    assert way["player"]["n"] == view.FRAMES
    assert way["marks"]["path"][0] == way["marks"]["yours"]
    cleared = part.take(context, "grey", asking())
    assert cleared["yours"] is None and cleared["card"] is None
    broken = part.take(context, "grey", asking(pad={"kind": "file", "b64": "??"}))
    assert "garbled" in broken["seen"]["note"]


def test_the_sheet_for_the_hover_holds_every_points_picture(context):
    final = settled(part.pictures(context, "colour", asking()))
    sheet, status = final.thumbs, final.status
    assert (sheet["n"], sheet["h"], sheet["w"]) == (N, 32, 32) and status["kind"] == "plain"
    colours = np.random.default_rng(0).integers(0, 256, (50, 3))
    plain = np.broadcast_to(colours[:, :, None, None], (50, 3, 32, 32)).astype(np.uint8)
    sheet = as_sheet(plain)
    with Image.open(io.BytesIO(base64.b64decode(sheet["b64"]))) as picture:
        whole = np.asarray(picture.convert("RGB")).astype(int)
    for row, colour in enumerate(colours):
        y, x = 32 * (row // sheet["columns"]), 32 * (row % sheet["columns"])
        inner = whole[y + 8 : y + 24, x + 8 : x + 24].reshape(-1, 3)
        assert np.abs(inner.mean(0) - colour).max() < 12  # lossy


def test_a_large_map_is_thinned_evenly(tmp_path):
    write_map(toys.write(tmp_path, "large"), n=12_000)
    fitted = layouts.points(Context.create(tmp_path), "large")
    assert len(fitted) == 4_000 and fitted.indices[:3].tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("grey", layouts.KEPT),
        ("flat", Layout("code", 2)),
        ("grey", Layout("pca", 3)),
        ("bare", Layout("pca", 2)),
        # UMAP is compiled anew in each process.
        pytest.param("flat", Layout("umap", 2, 4, 0.2), marks=pytest.mark.slow),
    ],
)
def test_the_code_shown_gives_what_is_on_screen(context, name, layout):
    if name == "bare":
        list(layouts.encode_points(context, name))
    if layouts.layout_now(context, name, layout) is None:
        list(layouts.fit(context, name, layout))
    scope: dict = {}
    exec(view.code_of(context, name, layout, [7]), scope)
    fitted = layouts.points(context, name)
    assert np.allclose(scope["codes"], fitted.codes, atol=1e-5)
    assert np.allclose(scope["coordinates"], layouts.layout_now(context, name, layout), atol=1e-3)
    card = view.selection_parts(context, name, [7], None)["card"]
    assert scope["near"].tolist() == card["near_rows"]
    drawn = images.sprite(scope["picture"].detach().numpy())
    shown = pixels(card["pictures"])[-1].astype(int)
    assert np.abs(pixels(drawn)[0].astype(int) - shown).max() <= 1


def test_a_damaged_map_is_a_sentence(tmp_path):
    (toys.write(tmp_path, "grey") / "codes.safetensors").write_bytes(b"{}")
    context = Context.create(tmp_path)
    shown = settled(part.arrive(context, "grey", asking()))
    assert shown["status"]["text"] == "The codes of Grey are damaged. Choose another model."


def test_no_codes_says_whether_they_can_be_had(context):
    with pytest.raises(NoCodes) as error:
        layouts.points(context, "bare")
    assert error.value.ready


@pytest.mark.slow
def test_a_bent_space_is_mapped_where_distances_mean_something(tmp_path, digits):
    wanted = tiny_recipe(name="bent", model={"latent": 4, "prior_layers": 4}, train={"steps": 120})
    train.train(wanted, digits, tmp_path / "bent")
    context = Context.create(tmp_path)
    list(layouts.encode_points(context, "bent"))
    fitted = layouts.points(context, "bent")
    model = context.store.get("bent")
    space = model.embed(torch.from_numpy(fitted.codes)).detach().numpy()
    assert not np.allclose(space, fitted.codes, atol=0.05)
    assert np.allclose(fitted.space, space, atol=1e-4)

    order = np.linalg.norm(space - space[7], axis=1).argsort()
    assert layouts.near(context, "bent", fitted.codes[7], 3, 7).tolist() == order[1:4].tolist()
    layout = Layout("pca", 2)
    where = layouts.place(context, "bent", layout, fitted.codes[:5])
    assert np.allclose(where, layouts.layout_now(context, "bent", layout)[:5], atol=1e-2)

    # And the same once it is kept beside the model, rounded, and shown as code.
    save_map(tmp_path / "bent", fitted)
    assert np.allclose(load_map(tmp_path / "bent").space, space, atol=1e-2)
    scope: dict = {}
    exec(view.code_of(context, "bent", layout, [7]), scope)
    assert scope["near"][:3].tolist() == order[1:4].tolist()
