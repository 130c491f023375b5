"""The page in other languages: a table each, from the English texts as they stand in the code.

A language is a folder of TOML files, ``"English" = "its own"``, and its name in ``NAMES``. In a
key "{}" stands for what differs: a number, a name, or what is bold within a sentence. A lecture's
numbers keep their names, "{kl}". The page is built in English, once for all; ``words.js`` puts the
words in the browser, and comes with its table when a language is first chosen.

Which texts a table lacks, ``python -m tests.languages CODE`` says.
"""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent

# English is none of them: it is what stands in the code. A new one is its folder and its name here.
NAMES = {"de": "Deutsch"}


@lru_cache
def table(code: str) -> dict[str, str]:
    """A language's words by the English ones. Raises ValueError where two of its files have one
    key, or there is no such language."""
    if code not in NAMES:
        raise ValueError(f"There is no language '{code}' here.")
    found: dict[str, str] = {}
    for path in sorted((FOLDER / code).glob("*.toml")):
        words = tomllib.loads(path.read_text(encoding="utf-8"))
        if twice := found.keys() & words.keys():
            raise ValueError(f"{path.name}: '{min(twice)}' stands in another file as well.")
        found.update(words)
    return found


def script(code: str) -> str:
    """What the browser fetches when a language is chosen: how words are put, and the table."""
    words = json.dumps(table(code), ensure_ascii=False, separators=(",", ":"))
    source = (FOLDER / "words.js").read_text(encoding="utf-8")
    return f"{source}\nwindow.GE.learn({json.dumps(code)}, {words});\n"


def menu() -> str:
    """The choice of a language in the page's header; "" where there is English alone."""
    names = {"en": "English", **NAMES}
    options = "".join(f'<option value="{code}">{name}</option>' for code, name in names.items())
    return (
        '<select class="ge-language" aria-label="Language" translate="no" '
        f'onchange="GE.chooseLanguage(this.value)">{options}</select>'
    )
