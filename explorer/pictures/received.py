"""A picture as the browser sends it, framed for a model."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def read_picture(value: Any, header: Any) -> Any:
    """What a pad's value holds, framed for a model (``images.Prepared``); None for None.

    header: the model's, for its image size and its data set's convention. Raises
    ``explorer.pictures.images.ImageError`` with one sentence where the picture cannot be used.
    """
    from explorer.pictures import images

    if value is None or value == "":  # what the framework makes of None on the way, at times
        return None
    if not isinstance(value, Mapping):
        raise images.ImageError("The picture came garbled; reload the page and try again.")
    if value.get("kind") == "file":
        name = str(value.get("name") or "picture")
        try:
            data = base64.b64decode(str(value.get("b64") or ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise images.ImageError(f"'{name}' came garbled; upload it again.") from error
        picture = images.open_upload(data, name=name, ground=header.data.get("ground", ""))
    else:
        picture = images.from_drawing(value)
    polarity = value.get("polarity")
    polarity = polarity if polarity in ("auto", "keep", "invert") else "auto"
    shape = tuple(header.config["image"])
    return images.prepare(picture, shape, header.data.get("name", ""), polarity)
