"""What a notebook of "Show the code" begins with: the packages, pinned, and the project itself.

The browser puts these before the lines on screen (``shared/notebook.js``).
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
# What the page alone needs: a notebook shows nothing by it.
OF_PAGE = ("gradio", "plotly")
# Where the project can be had, "https://HOST/PATH" of a git repository; a Space is its own.
SETTING = "GENERATIVE_EXPLORER_REPOSITORY"

FIND = """\
# The project: the checkout that this notebook lies in{else_}.
import os
import sys
from pathlib import Path

folders = [Path.cwd(), *Path.cwd().parents]
root = next((f for f in folders if (f / "models" / "__main__.py").is_file()), None)
if root is None:
{fetch}
os.chdir(root)
sys.path.insert(0, str(root))
"""
OF_SPACE = """\
    from huggingface_hub import snapshot_download

    root = snapshot_download({name!r}, repo_type="space")"""
OF_REPOSITORY = """\
    import subprocess

    root = Path("generative-explorer")
    if not root.exists():
        subprocess.run(["git", "clone", "--depth", "1", {address!r}, str(root)], check=True)"""
OF_CHECKOUT = """\
    raise SystemExit("Put this notebook into a checkout of Generative Explorer first.")"""


def cells() -> dict[str, str]:
    """``install`` and ``project``: the first two cells of code."""
    space, address = os.environ.get("SPACE_ID", ""), os.environ.get(SETTING, "")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", space):
        fetch = OF_SPACE.format(name=space)
    elif re.fullmatch(r"https://[\w.-]+(:\d+)?(/[\w.~-]+)+", address):
        fetch = OF_REPOSITORY.format(address=address)
    else:
        fetch = OF_CHECKOUT
    else_ = "" if fetch is OF_CHECKOUT else ", else a copy of it"
    return {"install": install(), "project": FIND.format(else_=else_, fetch=fetch).rstrip("\n")}


def install() -> str:
    """The line that installs what the project's models need, in the versions it is tested with."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    pins = [pin for pin in pins if re.split(r"[^\w-]", pin)[0] not in OF_PAGE]
    # A shell takes what is more than a version for a file to write to.
    return "%pip install -q " + " ".join(shlex.quote(pin) for pin in pins)
