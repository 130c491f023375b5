"""Pictures in and out for the command line; the page reads uploads by the same gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.data.framing import Prepared, prepare
from models.data.picture_files import decoded
from models.machine.files import write_atomically

LARGEST = 200 << 20  # bytes of a picture file


def to_bytes(images: Tensor) -> np.ndarray:
    """(N, C, H, W) in [0, 1] -> (N, H, W, C) uint8."""
    pixels = (images.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """N images as one, row by row, without gaps; as square as N allows. (N, C, H, W) in [0, 1]."""
    pixels = to_bytes(images)
    N, H, W, C = pixels.shape
    columns = columns or int(np.ceil(np.sqrt(N)))
    rows = -(-N // columns)
    sheet = np.zeros((rows * columns, H, W, C), np.uint8)
    sheet[:N] = pixels
    sheet = sheet.reshape(rows, columns, H, W, C).swapaxes(1, 2).reshape(rows * H, columns * W, C)
    return Image.fromarray(sheet[:, :, 0] if C == 1 else sheet)


def read(
    path: str | Path,
    shape: tuple[int, int, int],
    convention: str = "",
    polarity: str = "auto",
    ground: str = "",
) -> Prepared:
    """A picture file as a model reads it, framed as its data set was (``framing.prepare``).

    convention: the data set's name. ground: what its transparent pictures lie on, where that is
    known. The page takes uploads the same way. Raises ValueError with one sentence.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"There is no file '{path}'.") from None
    except OSError:
        raise ValueError(f"'{path}' is not a picture that can be read.") from None
    picture = decoded(data, f"'{path}'", ground=ground, most=LARGEST)
    return prepare(picture, shape, convention, polarity)


def fitted(images: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Pictures of another size or colour as a model of ``shape`` (C, H, W) reads them.

    images: (N, 1 or 3, h, w) uint8. Returns (N, C, H, W) uint8: grey by luminance where C is 1,
    resized like picture files.
    """
    pixels = images.permute(0, 2, 3, 1).numpy()
    mode = "L" if shape[0] == 1 else "RGB"
    return torch.stack([
        _fitted(Image.fromarray(p[..., 0] if p.shape[-1] == 1 else p).convert(mode), shape)
        for p in pixels
    ])  # fmt: skip


def _fitted(image: Image.Image, shape: tuple[int, int, int]) -> Tensor:
    C, H, W = shape
    if image.size != (W, H):
        image = image.resize((W, H), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(image, np.uint8))
    return pixels[None] if C == 1 else pixels.permute(2, 0, 1)


def check_writable(path: Path) -> None:
    """Raises ValueError where Pillow cannot write such a file, before any work is done."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"'{path.name}' names no picture format; use a name such as grid.png.")
    if path.is_dir():
        raise ValueError(
            f"'{path}' is a folder; give the name of a file, such as {path / 'grid.png'}."
        )
    if not path.resolve().parent.is_dir():
        raise ValueError(f"There is no folder '{path.resolve().parent}' to write to.")


def save(image: Image.Image, path: Path) -> None:
    """Writes a picture in the format that its name asks for; it appears whole or not at all."""
    kind = Image.registered_extensions()[path.suffix.lower()]
    write_atomically(path, lambda temporary: image.save(temporary, format=kind))


def nearest(images: Tensor, queries: Tensor, block: int = 8192) -> tuple[Tensor, Tensor]:
    """The image nearest to each query, by root mean square difference.

    images: (N, C, H, W) uint8. queries: (n, C, H, W), as bytes too. Returns rows of ``images``,
    (n,), and the differences, (n,), where black to white is 1.
    """
    queries = queries.flatten(1).float()
    parts = []
    for some in images.flatten(1).split(block):
        some = some.float()
        parts.append(some.square().sum(1)[None] - 2 * queries @ some.T)
    squared, rows = torch.cat(parts, 1).min(1)
    squared = (squared + queries.square().sum(1)).clamp(min=0) / queries.shape[1]
    return rows, squared.sqrt() / 255
