"""What the page shows before anything is computed is what it would compute."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from models.checkpoints import weights
from models.checkpoints.header import SHIPPED, find, read_header
from models.checkpoints.preview import PREVIEW
from models.contract.abilities import Translates
from models.contract.capabilities import Samples
from models.contract.random import generator


@pytest.mark.shipped
@pytest.mark.parametrize("folder", find(SHIPPED), ids=lambda folder: folder.name)
def test_a_shipped_preview_is_what_seed_0_samples(folder):
    """On a processor too, where the page draws: picture k of a seed does not depend on how many."""
    model = weights.load(folder)
    if not isinstance(model, Samples) or read_header(folder).recipe.get("background"):
        # Translations of test pictures, which nobody has here, are not made again.
        assert (folder / PREVIEW).exists() == isinstance(model, Translates)
        return
    C, H, W = model.image_shape
    with Image.open(folder / PREVIEW) as picture:
        sheet = np.asarray(picture.convert("L" if C == 1 else "RGB")).reshape(8, H, 8, W, C)
    shown = sheet.transpose(0, 2, 4, 1, 3).reshape(64, C, H, W)[:2]
    drawn = (model.sample(2, generator(0)) * 255).round().numpy()
    # A rounding may turn out the other way on another processor, not what is to be seen.
    assert np.abs(drawn - shown).mean() < 3
