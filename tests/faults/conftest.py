"""A page that the tests of faults share, of a toy and of a model that can be trained on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import toys
from tests.faults.server import Page, Server, served


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    toys.write(folder, "slow", latent=4)
    return folder


@pytest.fixture(scope="session")
def server(models, tmp_path_factory) -> Iterator[Server]:
    """One that no test ends, for whatever does it no lasting harm."""
    with served(models, tmp_path_factory.mktemp("temporary")) as page:
        yield page


@pytest.fixture
def page(server) -> Iterator[Page]:
    with Page(server) as opened:
        yield opened


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk of its own with room for 8 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
