"""The plane's pure functions, called in the browser that will run them, against numpy."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.ndimage import map_coordinates

from explorer.tabs.plane import library
from models.plane.contract import grid
from models.plane.data import dataset
from models.plane.film import Film, Moment, pack, truth_of
from models.plane.measures import Measure

G = 64
CELLS = grid(G).numpy().reshape(G, G, 2)  # [row, column] = [y, x]


@pytest.fixture(scope="module")
def calculate(browser):
    """``calculate(expression, *A)``: what an expression over PLANE gives in the browser."""
    page = browser.new_page()
    page.set_content("<!doctype html><title>Plane</title>")
    page.add_script_tag(content="window.GE = { visitor: () => '' };" + library.script())
    plain = (
        "const plain = v => ArrayBuffer.isView(v) ? Array.from(v) : Array.isArray(v) ? v.map(plain)"
        " : v && typeof v === 'object'"
        " ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)])) : v;"
    )

    def call(expression, *arguments):
        given = [a.tolist() if isinstance(a, np.ndarray) else a for a in arguments]
        return page.evaluate(
            f"A => {{ {plain} const M = PLANE.maths; return plain({expression}); }}", given
        )

    yield call
    page.close()


def bumps(seed: int = 0) -> np.ndarray:
    """(G, G): a smooth function of the plane."""
    rng = np.random.default_rng(seed)
    values = np.zeros((G, G))
    for x, y, width in zip(*rng.uniform(-2.5, 2.5, (2, 4)), rng.uniform(0.5, 1, 4), strict=True):
        values += np.exp(-((CELLS - [x, y]) ** 2).sum(-1) / 2 / width**2)
    return values


def at(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Linear interpolation between cell centres, constant beyond the outer ones."""
    places = (points[:, ::-1] + 4) / 8 * len(values) - 0.5
    return map_coordinates(values, places.T, order=1, mode="nearest")


def test_bilinear(calculate):
    values, points = bumps(), np.random.default_rng(1).uniform(-4, 4, (60, 2))
    found = calculate("A[1].map(([x, y]) => M.bilinear(A[0], 64, x, y))", values.ravel(), points)
    np.testing.assert_allclose(found, at(values, points), atol=1e-9)


@pytest.mark.parametrize("level", [0.15, 0.5, 0.9])
def test_contours_lie_on_the_level_and_close(calculate, level):
    values = bumps(2)
    pieces = np.array(calculate("M.contour(A[0], 64, A[1])", values.ravel(), level)).reshape(-1, 4)
    assert len(pieces) > 20
    ends = pieces.reshape(-1, 2)
    np.testing.assert_allclose(at(values, ends), level, atol=1e-6)
    # Within the box every end is the end of two pieces.
    _, counts = np.unique(ends.round(6), axis=0, return_counts=True)
    assert (counts == 2).mean() > 0.99
    # They enclose as much as the cells above the level have (Green's theorem over the pieces).
    inside = (values > level).sum() * (8 / G) ** 2
    length = np.hypot(*(pieces[:, :2] - pieces[:, 2:]).T).sum()
    assert length**2 >= 4 * np.pi * inside * 0.98  # isoperimetric


def test_a_saddle_is_cut_by_its_mean(calculate):
    corners = "M.contour([1, 0, 0, A[0]], 2, 0.5)"  # rows from below: 1 0 / 0 a
    together = np.array(calculate(corners, 1.6)).reshape(-1, 4)
    apart = np.array(calculate(corners, 0.8)).reshape(-1, 4)
    assert len(together) == len(apart) == 2
    assert not np.allclose(sorted(together.tolist()), sorted(apart.tolist()))


def test_a_finer_grid_goes_through_a_smooth_function(calculate):
    values = bumps(3)
    fine = np.array(calculate("M.finer(A[0], 64, 3)", values.ravel())).reshape(192, 192)
    np.testing.assert_allclose(fine[1::3, 1::3], values, atol=1e-6)  # the old centres are kept
    line = -4 + 8 * (np.arange(192) + 0.5) / 192
    points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    exact = map_coordinates(values, ((points[:, ::-1] + 4) / 8 * G - 0.5).T, order=3)
    inner = (np.abs(points) < 3.7).all(1)
    assert np.abs(fine.ravel() - exact)[inner].max() < 2e-3


def test_a_slice_is_a_density_of_its_own(calculate):
    density = np.exp(stats.multivariate_normal([0.4, -0.3], [[1, 0.6], [0.6, 0.8]]).logpdf(CELLS))
    for x1 in (-1.0, 0.2, 1.3):
        found = np.array(calculate("M.slice(A[0], 64, A[1])", density.ravel(), x1))
        mean, width = -0.3 + 0.6 * (x1 - 0.4), np.sqrt(0.8 - 0.36)
        np.testing.assert_allclose(found, stats.norm(mean, width).pdf(CELLS[:, 0, 1]), atol=4e-3)
        assert found.sum() * 8 / G == pytest.approx(1)


def test_an_ellipse_is_that_of_the_covariance(calculate):
    for xx, xy, yy in ((1, 0.6, 0.8), (0.3, -0.2, 1.4), (1, 0, 1)):
        found = calculate("M.ellipse(...A[0])", [xx, xy, yy])
        turn = np.array([[np.cos(found["turn"]), -np.sin(found["turn"])],
                         [np.sin(found["turn"]), np.cos(found["turn"])]])  # fmt: skip
        again = turn @ np.diag([found["a"] ** 2, found["b"] ** 2]) @ turn.T
        np.testing.assert_allclose(again, [[xx, xy], [xy, yy]], atol=1e-9)


def test_responsibilities_are_posteriors(calculate):
    rows = [[0.5, -1, 0, 0.4, 0.1, 0.3], [0.2, 1, 1, 0.2, 0, 0.2], [0.3, 0, -1, 1, -0.5, 0.9]]
    for point in ((0.2, 0.1), (3, -3)):
        each = np.array([w * stats.multivariate_normal([x, y], [[a, b], [b, c]]).pdf(point)
                         for w, x, y, a, b, c in rows])  # fmt: skip
        found = calculate("M.responsibilities(A[0].flat(), ...A[1])", rows, list(point))
        np.testing.assert_allclose(found, each / each.sum(), rtol=1e-6)


def test_a_streamline_follows_a_turning_field_around(calculate):
    places = grid(20).numpy()
    field = np.stack([-places[:, 1], places[:, 0]], 1)
    line = calculate("M.streamline(A[0], 20, 2, 0, 30, 0.05)", field.ravel())
    points = np.array(line).reshape(-1, 2)
    assert len(points) == 61
    np.testing.assert_allclose(np.hypot(*points.T), 2, atol=1e-3)
    angles = np.unwrap(np.arctan2(points[:, 1], points[:, 0]))
    np.testing.assert_allclose(np.diff(angles), 0.05 / 2, atol=1e-3)


def test_a_film_is_unpacked_as_python_packed_it(calculate):
    rng = np.random.default_rng(5)

    def moment(k):
        arrays = {"samples": rng.normal(size=(40, 2)), "field": rng.normal(size=(3, 5, 5, 2)),
                  "log_density": rng.uniform(-30, 1, (8, 8))}  # fmt: skip
        arrays = {name: each.astype(np.float32) for name, each in arrays.items()}
        measures = {"w1": Measure(0.5 + k, 0.1, "exact")} if k else {}
        return Moment(10 * k, 0.5 * k, {"loss": 3.0 - k}, measures, arrays)

    moments = [moment(k) for k in range(3)]
    fixed = {"true_field": rng.normal(size=(3, 5, 5, 2)).astype(np.float32)}
    packed = base64.b64encode(pack(Film({"times": [0, 1]}, moments, fixed))).decode()
    film = "const f = PLANE.film.of(PLANE.film.bytes(A[0]));"
    told = "[f.steps, f.logs, f.measures, f.header.times]"
    facts = calculate(f"(() => {{ {film} return {told}; }})()", packed)
    assert facts[0] == [0, 10, 20] and facts[1] == {"loss": [3, 2, 1]} and facts[3] == [0, 1]
    assert facts[2]["w1"] == {
        "value": [None, 1.5, 2.5],
        "stderr": [None, 0.1, 0.1],
        "kind": "exact",
    }
    for name, tolerance in (("samples", 2e-4), ("field", 0.03), ("log_density", 1e-3)):
        here = [each.arrays[name].ravel() for each in moments]
        half = calculate(f"(() => {{ {film} return f.at(A[1], 0.5); }})()", packed, name)
        np.testing.assert_allclose(half, (here[0] + here[1]) / 2, atol=tolerance)
        last = calculate(f"(() => {{ {film} return f.at(A[1], 2); }})()", packed, name)
        np.testing.assert_allclose(last, here[2], atol=tolerance)
    same = calculate(f"(() => {{ {film} return f.at('true_field', 1.4); }})()", packed)
    np.testing.assert_allclose(same, fixed["true_field"].ravel(), atol=0.03)
    mixed = calculate(f"(() => {{ {film} return f.density('log_density', 1.25); }})()", packed)
    one, two = (np.exp(moments[k].arrays["log_density"].ravel()) for k in (1, 2))
    np.testing.assert_allclose(mixed, 0.75 * one + 0.25 * two, rtol=2e-3, atol=1e-6)


def test_a_growing_film_is_the_whole_one_and_thins_itself(calculate):
    def packed(k):
        arrays = {"samples": np.full((4, 2), k, np.float32)}
        return base64.b64encode(pack(Film({}, [Moment(k, k, {"loss": k}, {}, arrays)]))).decode()

    grown = calculate(
        """(() => { const f = PLANE.film.make();
             for (const p of A[0]) f.add(PLANE.film.unpack(PLANE.film.bytes(p)));
             return [f.steps, f.logs.loss, f.parts.samples.moments.map(m => m[0])]; })()""",
        [packed(k) for k in range(260)],
    )
    assert len(grown[0]) < 200 and grown[0][0] == 0 and grown[0][-1] == 259
    assert grown[0] == grown[1] == grown[2] == sorted(grown[0])


def test_the_truth_of_a_set(calculate):
    ring = dataset("ring", 60)
    packed = base64.b64encode(pack(truth_of(ring))).decode()
    found = calculate("PLANE.film.unpack(PLANE.film.bytes(A[0])).arrays", packed)
    np.testing.assert_allclose(found["data"]["data"], ring.points.numpy().ravel(), atol=2e-4)
    log_p = ring.density.log_density(grid(G)).clamp(min=-30)
    np.testing.assert_allclose(found["log_density"]["data"], log_p.numpy(), atol=1e-3)


def test_the_mixture_that_is_edited_is_the_one_that_is_trained_on(calculate):
    parts = [[-1, 0.5, 0.4, 0.3], [1.2, -1, 0.7, 0.6]]
    found = calculate("PLANE.mixture(A[0], 4000, 0)", parts)
    ours = dataset("mixture", 60, means=[[-1, 0.5], [1.2, -1]], widths=[0.4, 0.7],
                   weights=[0.3, 0.6])  # fmt: skip
    log_p = ours.density.log_density(grid(G)).clamp(min=-30).numpy()
    np.testing.assert_allclose(found["log"], log_p, atol=1e-4)
    points = np.array(found["data"]).reshape(-1, 2)
    means = ours.density.sample(200_000, torch.Generator().manual_seed(0)).numpy()
    np.testing.assert_allclose(points.mean(0), means.mean(0), atol=0.07)
    np.testing.assert_allclose(np.cov(points.T), np.cov(means.T), atol=0.12)


def test_points_of_a_picture_lie_where_it_is_dark(calculate):
    grey = np.ones((20, 40))
    grey[2:6, 30:38] = 0.0
    found = calculate("PLANE.fromPicture(A[0], 40, 20, 500, 0)", grey.ravel())
    points = np.array(found).reshape(-1, 2)
    scale = 6.4 / 40
    assert (points[:, 0] >= (30 - 20) * scale - 1e-3).all()
    assert (points[:, 0] <= (38 - 20) * scale + 1e-3).all()
    assert (points[:, 1] >= (10 - 6) * scale - 1e-3).all()
    assert (points[:, 1] <= (10 - 2) * scale + 1e-3).all()
    drawn = "PLANE.fromPicture(A[0], 2, 2, 50, 0)"
    said = calculate(f"(() => {{ try {{ {drawn} }} catch (e) {{ return e.message }} }})()", [1] * 4)
    assert "no dark pixels" in said


def test_a_link_carries_the_state_and_refuses_nonsense(calculate):
    change = {"methods": ["ddpm", "gan"], "set": "own", "points": [0.5, -0.25, 3.999, -4, 1, 1],
              "config": {"gan": {"width": 32, "kind": "a", "on": True}}, "moment": 0.25,
              "layers": ["mesh"], "point": [1.5, -2]}  # fmt: skip
    again = calculate("PLANE.state.read(PLANE.state.write({ ...PLANE.state.fresh(), ...A[0] }))",
                      change)  # fmt: skip
    for key, value in change.items():
        if key == "points":
            pairs = sorted(zip(again[key][::2], again[key][1::2], strict=True))
            wanted = sorted(zip(value[::2], value[1::2], strict=True))
            np.testing.assert_allclose(pairs, wanted, atol=1.1e-3)
        else:
            assert again[key] == value, key
    first = calculate("PLANE.state.fresh()")
    assert calculate("PLANE.state.write(PLANE.state.fresh())") == ""
    for text in ("m:<script>;u:7;s:../x", "d:A;g:1,2;p:9,9", "c:%%;l:nothing;n:1e9", "x" * 20_000):
        told = calculate("PLANE.state.read(A[0])", text)
        told["layers"] = first["layers"] if told["layers"] == [] else told["layers"]
        assert told == first, text


@pytest.mark.parametrize("count", [2, 60, 1000, 1001, 4000, 5000])
@pytest.mark.parametrize("kind", ["strokes", "anywhere", "one place"])
def test_every_point_of_ones_own_is_in_the_link(calculate, count, kind):
    """However many: whole addresses may have 8 kB, of which the rest of the state has little."""
    rng = np.random.default_rng(count)
    if kind == "strokes":
        angle = rng.uniform(0, 6.28, count)
        points = 2.5 * np.stack([np.cos(angle), np.sin(2 * angle)], 1)
        points = points + 0.09 * rng.normal(size=(count, 2))
    else:
        points = rng.uniform(-4, 4, (count, 2)) if kind == "anywhere" else np.ones((count, 2))
    text = calculate("PLANE.points.write(A[0])", points.ravel())
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(text) < 7500
    again = np.reshape(calculate("PLANE.points.read(A[0])", text), (-1, 2))
    # Each is matched to one as near as the cells are small, whatever the order.
    cell = 8 / {2: 4096, 60: 4096, 1000: 4096, 1001: 2048, 4000: 1024, 5000: 512}[count]
    order = [np.lexsort(np.floor((each + 4) / cell).T) for each in (points, again)]
    assert np.abs(points[order[0]] - again[order[1]]).max() <= 0.5 * cell + 1e-6
    assert calculate("PLANE.points.write(A[0])", again.ravel()) == text


def test_letters_that_are_no_points_are_refused(calculate):
    for text in ("", "A", "#" * 20, "AAAAAAAA", "BAA"):
        assert calculate("PLANE.points.read(A[0])", text) is None
