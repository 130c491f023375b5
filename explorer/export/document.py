"""An HTML file that holds a model: its weights, its forward pass, and a page that shows it."""

from __future__ import annotations

import base64
import json
import math
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from explorer.components import maker, source
from explorer.components.theme import CIVIDIS, PALETTE, variables
from models import __version__
from models.data.datasets import DATASETS
from models.export import packing
from models.export.scripts import worker

if TYPE_CHECKING:
    from models.checkpoints.header import Header
    from models.export.packing import Packed
    from models.export.portable import Portable

PAGE = Path(__file__).parent / "page"
SHARED = ("core", "pixels", "writing", "figures", "latents")
COMPONENTS = (
    "status",
    "image_grid",
    "closeup",
    "latent_pad",
    "traversals",
    "pixel_player",
    "pixel_probe",
    "film",
)
# After the components; the tabs in the order in which they stand on the page.
SCRIPTS = ("shim", "host", "controls", "sample", "latent", "denoise", "pixels", "page")
STYLES = ("page", *(name for name in COMPONENTS))


@cache
def own(name: str) -> str:
    """A file of ``page/``."""
    return (PAGE / name).read_text(encoding="utf-8")


def document(header: Header, packed: Packed, portable: Portable, told: dict[str, Any]) -> str:
    """The whole file. told: what the page knows besides, of JSON: see ``page/``."""
    facts = {
        **told,
        "forward": portable.forward,
        "config": portable.config,
        "table": packed.table,
        "can": list(portable.can),
    }
    body = Template(own("page.html")).substitute(
        title=escape(header.title or header.name),
        about=escape(header.about),
        facts="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
            for name, value in described(header, packed, portable).items()
        ),
        how=escape(
            "The model runs in this browser, from this one file: nothing is sent anywhere, and no "
            f"network is needed. Made by Generative Explorer {__version__}."
        ),
    )
    weights = base64.b64encode(packed.data).decode("ascii")
    # What is seen comes first; the browser shows it while the rest is read.
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(header.title or header.name)}</title>",
            f"<style>\n{style()}</style>\n</head>\n<body>",
            f"<script>\n{own('dark.js')}</script>",
            body,
            f'<script type="application/json" id="model">{_in_script(facts)}</script>',
            f'<script type="text/plain" id="forward">\n{worker()}</script>',
            f'<script type="text/plain" id="weights">{weights}</script>',
            f"<script>\n{script()}</script>\n</body>\n</html>\n",
        ]
    )


def described(header: Header, packed: Packed, portable: Portable) -> dict[str, str]:
    """Facts for the foot of the page, words by what they are about."""
    name = header.data["name"]
    weights = packed.table.keys() - set(portable.whole)
    count = sum(math.prod(packed.table[each]["shape"]) for each in weights)
    return {
        "Trained on": DATASETS[name].title if name in DATASETS else name,
        "Parameters": f"{header.parameters:,}, of which this file has {count:,}",
        "Weights": packing.KINDS[packed.kind],
    }


def _in_script(value: Any) -> str:
    """JSON that ends no script element, whatever its texts say."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def script() -> str:
    """The page's components, then what stands in for their surroundings, then the tabs."""
    constants = {
        "TEMPLATES": {name: source(f"{name}.html") for name in COMPONENTS},
        "PALETTES": {"heat": list(CIVIDIS), "classes": list(PALETTE)},
    }
    said = "".join(f"const {name} = {_in_script(value)};\n" for name, value in constants.items())
    parts = [
        *(source(f"{name}.js") for name in SHARED),
        *(maker(f"{name}.js") for name in COMPONENTS),
        f"{said}const TABS = [];\n",
        *(own(f"{name}.js") for name in SCRIPTS),
    ]
    return "".join(parts)


@cache
def style() -> str:
    """Colours, the page's layout, the components, and what is this file's own."""
    sheets = [source(f"{name}.css") for name in STYLES]
    return "".join([variables(), *sheets, own("page.css")])
