"""Pictures of all shapes brought to one: squares of one size, the transparent ones on one ground.

What is lost on the way is counted, so that it can be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.data.collection import counted
from models.data.framing import best_ground, cut_share, laid_on

if TYPE_CHECKING:
    from PIL.Image import Image


def square(picture: Image, size: int) -> Image:
    """The picture's central square, size x size."""
    from PIL import Image

    if picture.size == (size, size):
        return picture
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    # Cropped first: what lies outside the square must not ring into it.
    picture = picture.crop((left, top, left + side, top + side))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


class Grounds:
    """Lays the transparent pictures of a set on one ground, which is known once all were seen."""

    def __init__(self, given: str = "") -> None:
        self.given = given
        self.light = 0  # pictures that would be lost on white
        self.on_black: dict[int, Image] = {}

    def lay(self, row: int, picture: Image, size: int | None) -> Image:
        """The picture on white in RGB, as a square of that size where one is given."""

        def brought(picture: Image) -> Image:
            return picture if size is None else square(picture, size)

        if picture.mode != "RGBA":
            return brought(picture.convert("RGB"))
        self.light += best_ground(picture) == "black" and picture.getbbox() is not None
        self.on_black[row] = brought(laid_on(picture, "black"))
        return brought(laid_on(picture, "white"))

    def resize(self, size: int) -> None:
        self.on_black = {row: square(picture, size) for row, picture in self.on_black.items()}

    @property
    def ground(self) -> str:
        """ "white", "black", or "" where no picture is transparent."""
        if not self.on_black:
            return ""
        return self.given or ("black" if 2 * self.light > len(self.on_black) else "white")

    def settle(self, stacked: Any) -> str:
        """Puts the pictures that were laid on white on black where that is the ground of all.
        stacked: what takes a picture by its row. Returns the ground."""
        if self.ground == "black":
            for row, picture in self.on_black.items():
                stacked[row] = picture
        return self.ground

    def notes(self) -> tuple[str, ...]:
        if not self.on_black:
            return ()
        n = len(self.on_black)
        return (f"{counted(n)} {'is' if n == 1 else 'are'} transparent: laid on {self.ground}.",)


class Cut:
    """Counts what is cropped away where pictures are made square."""

    def __init__(self) -> None:
        self.count, self.lost = 0, 0.0

    def saw(self, size: tuple[int, int]) -> None:
        lost = 1 - cut_share(size, (1, 1))
        if lost >= 0.02:
            self.count, self.lost = self.count + 1, self.lost + lost

    def notes(self, size: int | None) -> tuple[str, ...]:
        if not self.count:
            return ()
        verb = "is" if self.count == 1 else "are"
        return (
            f"{counted(self.count)} {verb} not square: cut to the middle {size}x{size}, which "
            f"leaves out {self.lost / self.count:.0%} of each on average.",
        )
