"""The pictures that are offered to be judged."""

from __future__ import annotations

import numpy as np
from safetensors.numpy import save_file

import explorer
from explorer.page import examples
from explorer.page.snippet import snippet
from tests import toys


def test_the_first_example_is_a_test_picture_where_models_brought_some(tmp_path):
    folder = toys.write(tmp_path, "grey", data="mnist")
    real = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    save_file({"pictures": real}, folder / "codes.safetensors")
    context = explorer.Context.create(tmp_path, device="cpu")
    found = examples.examples(context, "grey")
    assert [each.words for each in found[:3]] == ["test picture 1", "test picture 2",
                                                  "its own sample 1"]  # fmt: skip
    assert len(found) <= 16 and np.array_equal(found[1].pixels, real[1])
    scope: dict = {}
    exec(snippet(found[1].code), scope)
    assert np.array_equal((scope["x"][0] * 255).round().byte().numpy(), real[1])
