"""Figures hold what they were given."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from explorer.tabs.map.figure import map_figure

COLOURS = ("#111111", "#222222", "#333333")
RNG = np.random.default_rng(0)


def decoded(array: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])


def test_every_point_is_in_its_class_with_its_row_and_colour():
    coordinates = RNG.normal(size=(40, 2)).astype(np.float32)
    labels = np.arange(40) % 3
    figure = map_figure(coordinates, labels, ["cat", "dog", "owl"], COLOURS)
    traces = json.loads(figure.to_json())["data"]
    assert [trace["name"] for trace in traces] == ["cat", "dog", "owl"]
    for k, trace in enumerate(traces):
        rows = decoded(trace["customdata"])
        assert rows.tolist() == np.flatnonzero(labels == k).tolist()
        assert np.array_equal(decoded(trace["x"]), coordinates[rows, 0])
        assert np.array_equal(decoded(trace["y"]), coordinates[rows, 1])
        assert trace["marker"]["color"] == COLOURS[k]
        assert trace["type"] == "scattergl"


def test_three_dimensions_are_drawn_as_such():
    coordinates = RNG.normal(size=(12, 3)).astype(np.float32)
    figure = map_figure(coordinates, None, [], COLOURS, axes=["PC 1", "PC 2", "PC 3"])
    (trace,) = json.loads(figure.to_json())["data"]
    assert trace["type"] == "scatter3d"
    assert np.array_equal(decoded(trace["z"]), coordinates[:, 2])
    assert figure.layout.scene.zaxis.title.text == "PC 3"


def test_axes_are_shown_only_where_they_mean_something():
    coordinates = RNG.normal(size=(12, 2))
    bare = map_figure(coordinates, None, [], COLOURS)
    named = map_figure(coordinates, None, [], COLOURS, axes=["z1", "z2"])
    assert bare.layout.xaxis.visible is False and named.layout.xaxis.visible is True
    assert named.layout.yaxis.title.text == "z2"
    assert bare.layout.yaxis.scaleanchor == named.layout.yaxis.scaleanchor == "x"


def test_classes_without_a_name_or_a_colour_of_their_own_have_one_all_the_same():
    figure = map_figure(RNG.normal(size=(10, 2)), np.arange(10) // 2, ["a"], COLOURS)
    assert [trace.name for trace in figure.data] == ["a", "1", "2", "3", "4"]
    assert figure.data[3].marker.color == COLOURS[0]


@pytest.mark.parametrize(
    ("shape", "labels", "words"),
    [((5, 4), None, "2 or 3 coordinates"), ((5, 2), np.zeros(4, int), "4 labels")],
)
def test_arrays_that_do_not_fit_are_refused(shape, labels, words):
    with pytest.raises(ValueError, match=words):
        map_figure(np.zeros(shape), labels, [], COLOURS)
