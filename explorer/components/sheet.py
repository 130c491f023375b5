"""The style sheet as Gradio would have it, were it given to Gradio.

Every rule stands twice, the second time for what lies within the page, and so with more weight than
the rules that Gradio's own components bring.
"""

from __future__ import annotations

import re

# Three classes, as in what Gradio puts before the rules of an app.
WITHIN = ".gradio-container.gradio-container .contain"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PIECE = re.compile(r"([^{}]*)([{}])")
_COMMAS = re.compile(r",(?![^()]*\))")


def twice(css: str) -> str:
    """The sheet, then its rules again with ``WITHIN`` before every selector; frames of animations
    have none."""
    css = _COMMENT.sub("", css)
    pieces, names = [], []  # names: of the blocks that are open, outermost first
    for before, brace in _PIECE.findall(css):
        text = before.strip()
        if brace == "{":
            if not text.startswith("@") and "@keyframes" not in "".join(names):
                text = ",\n".join(_within(each) for each in _COMMAS.split(text))
            names.append(text)
        else:
            names.pop()
        pieces.append(f"{text}{brace}\n")
    return css + "\n" + "".join(pieces)


def _within(selector: str) -> str:
    selector = selector.strip()
    dark = selector.startswith(".dark ")
    return f"{'.dark ' if dark else ''}{WITHIN} {selector.removeprefix('.dark ')}"
