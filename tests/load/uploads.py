"""Files that nobody saved: pictures, archives and models, mutated and made up, through every gate.

    python -m tests.load.uploads                   # 10,000 files
    python -m tests.load.uploads --files 500 --seed 3

A gate answers with what it read, or raises a ValueError of one sentence. Reported by gate: how many
were read and refused; the slowest; the most memory. Fails where another error comes out, where one
takes more than five seconds of a processor, or where a stack is logged.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from PIL import Image

SECONDS = 5.0
KINDS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "PPM")
MOVING = ("PNG", "GIF", "WEBP", "TIFF", "AVIF")
# Names that climb, that are none, that are another system's.
NAMES = (
    "a.png", "model.safetensors", "../../etc/passwd", "/etc/passwd", "..\\..\\a.png", "C:\\a.png",
    "train/0/a.png", "test/0/a.png", "model/recipe.toml", "a" * 300 + ".png", "\x00.png", "..", ".",
    "__MACOSX/a.png", "ä/\u202e.png", "model.safetensors/x", "con.png", "",
)  # fmt: skip
SYMLINK = 0o120777 << 16


# -- what files are made of ------------------------------------------------------------------------


@lru_cache
def picture(kind: str, size: int = 12, frames: int = 1) -> bytes:
    pixels = np.random.default_rng(size).integers(0, 256, (frames, size, size, 3), np.uint8)
    first, *rest = (Image.fromarray(each) for each in pixels)
    more = {"save_all": True, "append_images": rest} if rest and kind in MOVING else {}
    file = io.BytesIO()
    first.save(file, kind, **more)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@lru_cache
def bomb(side: int) -> bytes:
    """A small PNG that claims side x side pixels, all of them there up to some megabytes."""
    rows = zlib.compress(bytes(min((side + 7) // 8 + 1, 5000)) * min(side, 40_000), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def tensors(header: object, body: bytes, length: int | None = None) -> bytes:
    """A safetensors file whose header says what it says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def described(**changes: object) -> dict[str, str]:
    """What stands in the metadata of a checkpoint, with changes."""
    facts = {
        "family": "vae", "name": "a", "title": "A", "about": "", "version": "1", "seed": 0,
        "config": {"image": [1, 8, 8], "latent": 2, "width": 8, "blocks": 1, "hidden": 8},
        "capabilities": ["Samples"], "parameters": 10, "recipe": {}, "data": {"name": "digits"},
        "training": {}, "metrics": {}, **changes,
    }  # fmt: skip
    return {"format": "generative-explorer", "format_version": "1", "header": json.dumps(facts)}


def archive(entries: list[tuple[str, bytes, bool, bool]]) -> bytes:
    """A zip. entries: (name, content, whether it is packed, whether it is a link)."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as target:
        warnings.simplefilter("ignore")  # one name twice
        for name, content, packed, link in entries:
            info = zipfile.ZipInfo(name or "x", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            info.external_attr = SYMLINK if link else 0
            target.writestr(info, content)
    return file.getvalue()


@lru_cache
def packed_bomb(megabytes: int) -> bytes:
    return archive([("a.png", bytes(megabytes << 20), True, False)])


@lru_cache
def model() -> bytes:
    """A real checkpoint's file."""
    from tests import toys

    with tempfile.TemporaryDirectory() as folder:
        target = toys.write(Path(folder), "toy", "vae", "digits", image=[1, 8, 8], latent=2,
                            width=8, blocks=1, hidden=8, halvings=1)  # fmt: skip
        return (target / "model.safetensors").read_bytes()


def mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """The file with some of it flipped, cut, doubled, or replaced by what lengths are made of."""
    place = st.one_of(st.integers(0, min(len(data), 400)), st.integers(0, len(data)))
    telling = st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\0\0"])
    change = st.tuples(
        st.sampled_from(["flip", "put", "cut", "drop", "double", "add"]), place,
        st.one_of(telling, st.binary(min_size=1, max_size=8)),
    )  # fmt: skip
    return st.lists(change, min_size=1, max_size=5).map(lambda changes: _changed(data, changes))


def _changed(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, at, new in changes:
        if how == "flip":
            data = data[:at] + bytes(b ^ 0x55 for b in data[at : at + 1]) + data[at + 1 :]
        elif how == "put":
            data = data[:at] + new + data[at + len(new) :]
        elif how == "cut":
            data = data[:at]
        elif how == "drop":
            data = data[:at] + data[at + len(new) :]
        elif how == "double":
            data = data[:at] + data[max(0, at - 64) : at] * 3 + data[at:]
        else:
            data = data[:at] + new + data[at:]
    return data


def pictures() -> st.SearchStrategy[bytes]:
    whole = st.builds(
        picture, st.sampled_from(KINDS), st.sampled_from([1, 12, 70]), st.sampled_from([1, 1, 3])
    )
    return st.one_of(
        whole.flatmap(mutated),
        whole.flatmap(mutated),
        whole,
        st.sampled_from([1, 5000, 40_000, 2**31 - 1]).map(bomb),
        st.sampled_from(["<svg/>", "%PDF-1.4", "II*\0", "RIFF\0\0\0\0WEBP", "GIF89a", ""]).map(
            str.encode
        ),
        st.binary(max_size=200),
    )


def models() -> st.SearchStrategy[bytes]:
    number = st.sampled_from([0, 1, -1, 8, 2**31, 2**63, 10**20, 1.5, None, "x", [], {}, True])
    shape = st.lists(st.sampled_from([0, 1, 4, 2**20, 2**40, -1]), max_size=4)
    tensor = st.fixed_dictionaries({
        "dtype": st.sampled_from(["F32", "F16", "I64", "F8_E4M3", "X", ""]),
        "shape": shape,
        "data_offsets": st.lists(st.sampled_from([0, 4, 64, 2**40, -1]), min_size=2, max_size=2),
    })  # fmt: skip
    facts = st.dictionaries(
        st.sampled_from(
            ["family", "name", "config", "capabilities", "parameters", "recipe", "data", "metrics"]
        ),
        st.one_of(number, st.sampled_from(["vae", "toy", "../x", "__import__", "gan"])),
        max_size=3,
    )
    config = st.dictionaries(
        st.sampled_from(["image", "latent", "width", "blocks", "hidden", "x"]),
        st.one_of(number, st.just([1, 8, 8]), st.just([3, 2**20, 2**20]), st.just([1, 0, 8])),
        max_size=3,
    )
    header = st.one_of(
        facts.map(lambda changes: described(**changes)),
        config.map(lambda changes: described(config=changes)),
        st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3),
    )
    made = st.builds(
        lambda metadata, table, body, length: tensors(
            {"__metadata__": metadata, **table}, body, length
        ),
        header,
        st.dictionaries(st.sampled_from(["a", "encoder.weight", ""]), tensor, max_size=2),
        st.binary(max_size=64),
        st.sampled_from([None, None, None, 0, 2**40, 2**63]),
    )
    return st.one_of(
        st.builds(model).flatmap(mutated), made, st.builds(model),
        st.sampled_from([b"", b"\0" * 8, b"\x80\x04\x95pickle", tensors(b"[" * 9000, b"")]),
    )  # fmt: skip


def archives() -> st.SearchStrategy[bytes]:
    content = st.one_of(
        pictures(), models(), st.just(archive([("a.png", picture("PNG"), True, False)])),
        st.just(b'name = "x"\nfamily = "vae"'), st.just(b"../../../etc/passwd"),
    )  # fmt: skip
    entry = st.tuples(st.sampled_from(NAMES), content, st.booleans(), st.booleans())
    made = st.lists(entry, max_size=5).map(archive)
    return st.one_of(
        made, made.flatmap(mutated), st.sampled_from([1, 60, 250]).map(packed_bomb),
        packed_claims(), st.just(b"PK\x05\x06" + bytes(18)), st.just(b"PK\x01\x02" * 2000),
    )  # fmt: skip


def packed_claims() -> st.SearchStrategy[bytes]:
    """A zip that says of its entry that it unpacks to nothing, or to four gigabytes."""
    whole = bytearray(archive([("model/model.safetensors", picture("PNG") * 20, True, False)]))
    central = whole.rindex(b"PK\x01\x02")

    def claims(size: int, packed: int) -> bytes:
        data = bytearray(whole)
        for start, offset in ((0, 18), (central, 20)):
            struct.pack_into("<II", data, start + offset, packed, size)
        return bytes(data)

    sizes = st.sampled_from([0, 1, 100, 2**31, 2**32 - 2])
    return st.builds(claims, sizes, st.sampled_from([0, 50, 2**32 - 2]))


# -- the gates -------------------------------------------------------------------------------------


def as_picture(data: bytes, folder: Path) -> None:
    from explorer.pictures import images

    images.open_upload(data, name="\u202ea.png")


def as_drawing(data: bytes, folder: Path) -> None:
    """What the page's pad sends, and what somebody could in its place."""
    import base64

    from explorer.pictures.received import read_picture
    from explorer.server.inputs import Garbled

    header = type("Header", (), {"config": {"image": [1, 8, 8]}, "data": {"name": "mnist"}})
    text = base64.b64encode(data).decode()
    for value in ({"kind": "file", "name": "a", "b64": text}, {"b64": text, "H": 8, "W": 8, "C": 1},
                  {"kind": "file", "name": "a", "b64": data.decode("latin-1")}):  # fmt: skip
        try:
            read_picture(value, header)
        except Garbled:
            raise
        except ValueError as error:
            _sentence(error)


def as_pictures(data: bytes, folder: Path) -> None:
    from explorer.pictures import images

    path = folder / "files.zip"
    path.write_bytes(data)
    for _, sentence in images.open_many([path, path])[1]:
        assert sentence and "\n" not in sentence, sentence


def as_own_data(data: bytes, folder: Path) -> None:
    from explorer.tabs.train import pictures as own

    path = folder / "own.zip"
    path.write_bytes(data)
    own.bring([str(path)], 16, False, folder)


def as_data_set(data: bytes, folder: Path) -> None:
    from models.data import sources

    path = folder / "set.zip"
    path.write_bytes(data)
    with sources.open_pictures(path) as collection:
        entries = collection.entries[:20]
        if entries:
            sources.ground_of(entries)
            sources.decode_pictures(iter(entries), len(entries), 16)


def as_idx(data: bytes, folder: Path) -> None:
    from models.data import sources

    path = folder / "idx"
    for head in (b"", bytes([0, 0, 8, 3]) + bytes(11), b"\x1f\x8b\x08"):
        path.write_bytes(head + data)
        try:
            sources.read_idx(path, 3)
        except ValueError as error:
            _sentence(error)


def as_model(data: bytes, folder: Path) -> None:
    from explorer.tabs.train import keep
    from models.checkpoints import weights

    path = folder / "model"
    path.write_bytes(data)
    inner = keep._unpacked(path, folder / "brought")
    assert inner.resolve().is_relative_to(folder.resolve())
    weights.load(inner)


GATES: dict[str, tuple[Callable[[bytes, Path], None], Callable[[], st.SearchStrategy[bytes]]]] = {
    "picture": (as_picture, pictures),
    "drawing": (as_drawing, pictures),
    "pictures and zips": (as_pictures, lambda: st.one_of(archives(), pictures())),
    "pictures to train on": (as_own_data, lambda: st.one_of(archives(), pictures())),
    "a data set": (as_data_set, archives),
    "IDX": (as_idx, lambda: st.binary(max_size=80)),
    "a model": (as_model, lambda: st.one_of(models(), archives())),
}


# -- how they are asked ----------------------------------------------------------------------------


@dataclass
class Result:
    """counts: of what was read and refused. slowest: seconds."""

    counts: Counter = field(default_factory=Counter)
    slowest: float = 0.0


class Stacks(logging.Handler):
    """Whatever is logged with a stack, from INFO on."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or "\n" in record.getMessage():
            self.records.append(record.getMessage())


def _sentence(error: ValueError) -> None:
    """Raises the error where it is no sentence of ours for a person."""
    from explorer.page.part import UNEXPECTED, sentence_of

    text = sentence_of(error)
    if text == UNEXPECTED or "\n" in text or len(text) > 1000 or not text.isprintable():
        raise AssertionError(f"no sentence: {text!r}") from error


def ask(gate: str, files: int, seed: int = 0) -> Result:
    """Puts so many files through a gate. Raises what should not have come out of it."""
    import explorer.page.part
    import explorer.pictures.images
    import explorer.tabs.train.keep  # noqa: F401 - what takes seconds is not of the first file

    through, made = GATES[gate]
    result = Result()

    @seeded(seed)
    @settings(
        max_examples=files, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(made())
    def one(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder, "a", "b", "c")
            top.mkdir(parents=True)
            start = time.process_time()  # others may be using this machine
            try:
                through(data, top)
                result.counts["read"] += 1
            except ValueError as error:
                _sentence(error)
                result.counts["refused"] += 1
            took = time.process_time() - start
            # Nothing has climbed out of its folder.
            assert [p.name for p in Path(folder).iterdir()] == ["a"]
            assert [p.name for p in Path(folder, "a", "b").iterdir()] == ["c"]
        result.slowest = max(result.slowest, took)
        assert took < SECONDS, f"{took:.1f} s"

    one()
    return result


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="of all gates (default: 10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gate", choices=GATES, action="append")
    args = parser.parse_args(argv)
    stacks, status = Stacks(), 0
    logging.getLogger().addHandler(stacks)
    logging.getLogger().setLevel(logging.INFO)
    import torch

    torch.set_num_threads(1)
    gates = args.gate or list(GATES)
    for gate in gates:
        start = time.monotonic()
        try:
            result = ask(gate, args.files // len(gates), args.seed)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            traceback.print_exc()
            status = 1
            continue
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{gate}: {result.counts.total()} files, {dict(result.counts)}, slowest "
            f"{result.slowest:.2f} s, {time.monotonic() - start:.0f} s, {peak:.0f} MB at most",
            flush=True,
        )
    print(f"stacks in the log: {len(stacks.records)}", *stacks.records[:5], sep="\n  ")
    return 1 if stacks.records else status


if __name__ == "__main__":
    sys.exit(main())
