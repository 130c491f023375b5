"""Finds a Chromium for the browser tests, or installs one, and says which.

``python -m tests.browser.chromium`` is part of ``make test``: an installed browser is taken, else
Debian's package (as root), else the one that playwright brings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Keeps the browser from calling home, so that a request that leaves the machine is the page's own.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find() -> str | None:
    """The path of a Chromium, or None. The environment's CHROMIUM comes first."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def install() -> str | None:
    """Installs one, by apt-get as root, else through playwright. Returns its path, or None."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("No Chromium here: installing Debian's package.", flush=True)
        commands = (["apt-get", "-qq", "update"], ["apt-get", "-qq", "-y", "install", "chromium"])
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if all(subprocess.run(c, env=environment, check=False).returncode == 0 for c in commands):
            return find()
    print("No Chromium here: installing the one that playwright brings.", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return find()


def main() -> int:
    path = find() or install()
    if path is None:
        print("No Chromium could be found or installed; set CHROMIUM to the path of one.")
        return 1
    print(f"Browser for the tests: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
