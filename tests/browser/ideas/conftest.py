"""The laboratories' pure functions, called in the browser that will run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explorer.tabs.ideas import library


@pytest.fixture(scope="session")
def calculate(browser) -> Callable[..., Any]:
    """``calculate("divergences.kl", p, q)``: a function of IDEAS with these arguments; or an
    expression in which D is the laboratory ``lab``, M the shared mathematics and A the arguments.
    """
    page = browser.new_page()
    page.set_content("<!doctype html><title>Laboratories</title>")
    page.add_script_tag(content=library.kit()["script"])
    for name in library.LABS:
        page.add_script_tag(content=library.text(f"labs/{name}/{name}.js"))

    def call(what: str, *arguments: Any, lab: str | None = None) -> Any:
        if lab is None and what.replace(".", "").replace("_", "").isalnum():
            what, lab = f"IDEAS.{what}(...A)", ""
        plain = (
            "const plain = v => ArrayBuffer.isView(v) ? Array.from(v) : Array.isArray(v)"
            " ? v.map(plain) : v && typeof v === 'object'"
            " ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)])) : v;"
        )
        body = f"const D = IDEAS[{lab or ''!r}], M = IDEAS.maths; return plain({what});"
        return page.evaluate(f"(A) => {{ {plain} {body} }}", list(arguments))

    return call


def run_code(name: str) -> Any:
    """What the code beside a laboratory leaves in ``result``."""
    space: dict[str, Any] = {}
    exec(compile(library.about(name)["code"], f"{name}/lab.toml", "exec"), space)
    return space["result"]
