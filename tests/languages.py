"""Every English text of the page, by group, and what a language's table lacks of them.

``python -m tests.languages de`` says how much of each group is translated, and with ``--missing
GROUP`` lists what is not.

Texts are read where they stand: labels and what else is fixed from the built page's configuration,
sentences from the strings of the Python files, words of scripts from their strings and templates,
lectures and laboratories from their TOML. A text with something put into it ("{n} pictures") is
known by it with the names left out: "{} pictures".
"""

from __future__ import annotations

import argparse
import ast
import html
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EXPLORER = ROOT / "explorer"


def flat(text: str) -> str:
    return " ".join(text.split())


def is_text(text: str) -> bool:
    """Whether it has a word in it, for what stands where only words do: labels, lectures."""
    return len(re.findall(r"[A-Za-z]", re.sub(r"\{[^}]*\}", "", text))) > 1


def is_wordy(text: str) -> bool:
    """Whether a string of the code reads like words for a person, not like a name or a selector."""
    bare = text.replace("{}", "").strip()
    if not is_text(bare) or re.search(r"[<>=#\\]|\w\(|https?:|%[sd.]", bare):
        return False
    if re.search(
        r"^[.\[:-]|--|\w_\w|/\w+/|\w\.(js|py|css|toml|json)\b|\bge-|aria-|\||;$|: \S+; |\); ", bare
    ):
        return False
    words = re.findall(r"[A-Za-z’']+", bare)
    if bare[:1].isupper() and (len(words) == 1 or " " in bare):
        return not re.fullmatch(r"[A-Z_\d ,.-]+|[A-Z][a-z]+[A-Z]\w*|[MLZ] ?-?\d.*", bare)
    return len(words) > 2 and bool(re.search(r"[.?!]$|\b(the|of|a|is|in|to|and|for)\b", bare))


# -- Python ---------------------------------------------------------------------------------------


def _of_node(node: ast.AST) -> str | None:
    """A string, an f-string with its slots as "{}", or several added up."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            each.value if isinstance(each, ast.Constant) else "{}" for each in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = _of_node(node.left), _of_node(node.right)
        if sides != (None, None):
            return "".join("{}" if side is None else side for side in sides)
    return None


def of_python(path: Path) -> Iterator[str]:
    """The strings of a file, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            out.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            out.update(id(each) for each in node.values if isinstance(each, ast.Constant))
        if id(node) in out:
            continue
        text = _of_node(node)
        if text is not None:
            if isinstance(node, ast.BinOp):
                out.update(id(inner) for inner in ast.walk(node) if inner is not node)
            # Markdown and HTML are taken apart as the browser has them.
            yield from pieces(re.sub(r"\{[^{}\n]{0,40}\}", "{}", text))


def pieces(text: str) -> Iterator[str]:
    """What the browser has as texts of their own: of Markdown, of HTML, else the whole."""
    if re.search(r"</?[a-z][^>]*>", text):
        yield from of_html(text)
    elif "\n" in text.strip() or re.search(r"\*\*|`", text):
        yield from of_markdown(text)
    else:
        yield flat(text)


_INLINE = re.compile(
    r"\$\$.+?\$\$|\$[^$]+\$|`([^`]+)`|\*\*(.+?)\*\*|(?<![\w*])\*([^*]+)\*|\[([^\]]+)\]\([^)]*\)"
)


def of_markdown(text: str) -> Iterator[str]:
    """Each paragraph and item with its bold, set and linked pieces as "{}"; then those pieces."""
    for block in re.split(r"\n\s*\n|^\s*(?:[*-]|\d+\.|#+)\s+", text, flags=re.MULTILINE):
        block = flat(block)
        inner: list[str] = []

        def slot(found: re.Match, inner: list[str] = inner) -> str:
            inner.extend(each for each in found.groups()[1:] if each)
            return "{}"

        whole = _INLINE.sub(slot, block)
        if inner or block:
            yield whole
        yield from map(flat, inner)


class _Texts(HTMLParser):
    """Texts between tags; elements within a text are "{}" in it, and texts of their own."""

    WITHIN = {"b", "i", "em", "strong", "small", "code", "kbd", "span", "a", "input", "sub", "sup"}

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[list[str]] = [[]]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [
            v for k, v in attributes if v and k in ("aria-label", "title", "placeholder")
        ]
        if tag in self.WITHIN:
            self.open[-1].append("{}")
            if tag != "input":
                self.open.append([])
        else:
            self._end()

    def handle_endtag(self, tag: str) -> None:
        self._end()
        if tag in self.WITHIN and len(self.open) > 1:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].append(data)
        if data.strip():
            self.found.append(flat(data))

    def _end(self) -> None:
        self.found.append(flat("".join(self.open[-1])))
        self.open[-1] = []


def of_html(text: str) -> list[str]:
    parser = _Texts()
    parser.feed(text)
    parser._end()
    return [html.unescape(each) for each in parser.found]


# -- scripts --------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`|\+|[\s]+|[{}]|[^\s'\"`+{}/]+|/",
    re.DOTALL,
)


def _template(script: str, at: int) -> tuple[str, list[str], int]:
    """A template literal from behind its opening: its text with slots as "{}", texts in the slots,
    and where it ends."""
    text, inner = "", []
    while script[at] != "`":
        if script.startswith("${", at):
            depth, start = 1, at + 2
            at = start
            while depth:
                if script[at] == "`":
                    *_, at = _template(script, at + 1)
                    continue
                depth += {"{": 1, "}": -1}.get(script[at], 0)
                at += 1
            inner += list(of_script(script[start : at - 1]))
            text += "{}"
        elif script[at] == "\\":
            text += _unescaped(script[at : at + 2])
            at += 2
        else:
            text += script[at]
            at += 1
    return text, inner, at + 1


def _unescaped(text: str) -> str:
    def one(found: re.Match) -> str:
        code = found.group(1)
        return chr(int(code[1:].strip("{}"), 16)) if code[0] == "u" and len(code) > 1 else {
            "n": "\n", "t": "\t",
        }.get(code, code)  # fmt: skip

    return re.sub(r"\\(u\{?[0-9a-fA-F]+\}?|.)", one, text, flags=re.DOTALL)


def of_script(script: str) -> Iterator[str]:
    """The strings and templates of a script; those that are added up are one."""
    at, run, plus = 0, "", False
    found: list[str] = []
    while at < len(script):
        token = _TOKEN.match(script, at)
        word = token.group() if token else script[at]
        at += len(word)
        if word.isspace() or word.startswith(("//", "/*")):
            continue
        text = None
        if word == "`":
            text, inner, at = _template(script, at)
            found += inner
        elif word[0] in "'\"":
            text = _unescaped(word[1:-1])
        if text is not None:
            if plus and run:
                run += text
            else:
                found.append(run)
                run = text
            plus = False
        elif word == "+":
            plus = True
        else:
            if plus and run:
                # Something else was added: what stands before it is a beginning.
                run += "{}"
                plus = False
            else:
                found.append(run)
                run, plus = "", False
    found.append(run)
    for text in found:
        yield from pieces(text)


# -- files of words -------------------------------------------------------------------------------

WORDS = {"title", "blurb", "lecture", "words", "question", "choices", "act", "reveal", "why",
         "about", "look", "text", "hint"}  # fmt: skip


def of_toml(path: Path) -> Iterator[str]:
    """The words of a tour or a laboratory; a text with numbers in it as it stands."""

    def walk(value: Any, key: str) -> Iterator[str]:
        if isinstance(value, dict):
            for name, each in value.items():
                if name not in ("numbers", "code"):
                    yield from walk(each, name)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each, key)
        elif isinstance(value, str) and key in WORDS:
            yield flat(value)

    yield from walk(tomllib.loads(path.read_text(encoding="utf-8")), "")


# -- the built page -------------------------------------------------------------------------------


@cache
def page() -> dict[str, Any]:
    """The configuration of the page of the shipped models."""
    from explorer import Context, build

    return build(Context.create()).get_config_file()


def of_page() -> Iterator[str]:
    """Labels, choices, buttons and what else stands on the page when it is built."""
    for component in page()["components"]:
        props, kind = component["props"], component["type"]
        if kind == "api":  # for programs, in English
            continue
        for key in ("label", "info", "placeholder"):
            if isinstance(props.get(key), str) and props.get("show_label", True):
                yield from pieces(props[key])
        for choice in props.get("choices") or ():
            yield str(choice[0])
        value = props.get("value")
        if isinstance(value, str) and kind in ("button", "markdown", "downloadbutton"):
            yield from pieces(value)
        elif isinstance(value, str) and kind == "html" and "<" in value:
            yield from of_html(value)


def of_models() -> Iterator[str]:
    """What the picker and the first page say of models and families."""
    for component in page()["components"]:
        props = component["props"].get("props") or {}
        for card in props.get("models") or ():
            if isinstance(card, dict):
                yield from (card[key] for key in _OF_CARD if card.get(key))
        for part in props.get("parts") or () if isinstance(props.get("parts"), list) else ():
            yield part["title"]
    # What was tried for a model stands in its header under these names.
    for path in sorted((ROOT / "models" / "training" / "tricks").glob("*.toml")):
        yield from (trick["title"] for trick in tomllib.loads(path.read_text("utf-8"))["trick"])


_OF_CARD = ("family", "data", "short", "title", "about")
# Whose arguments, in the files of models, are words for the page.
_SAYING = {"Knob", "setting", "Score", "ValueError", "HubError", "Plan", "Set", "with_default"}


def of_science(path: Path) -> Iterator[str]:
    """Words that the page has from a file of ``models``: titles, settings' help, problems."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        given: list[ast.AST] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in _SAYING:
                given = [*node.args, *(each.value for each in node.keywords)]
        elif isinstance(node, ast.Assign):
            names = {getattr(target, "id", "") for target in node.targets}
            given = [node.value] if names & {"TITLE", "DENSITY"} else []
            if isinstance(node.value, ast.Dict) and names & {"FILMS"}:
                given = node.value.values
        for each in given:
            text = _of_node(each)
            if text:
                yield from pieces(re.sub(r"\{[^{}\n]{0,40}\}", "{}", text))


@cache
def texts() -> dict[str, list[str]]:
    """The texts of each group that read like words, each once."""
    tabs, rest = (
        EXPLORER / "tabs",
        [p for p in EXPLORER.rglob("*") if not p.is_relative_to(EXPLORER / "languages")],
    )
    labs, plane = tabs / "ideas", tabs / "plane"
    # An exported file has no other language, and programs are spoken to in English.
    beside = (EXPLORER / "export", EXPLORER / "programs")
    page_files = [p for p in rest if not any(p.is_relative_to(folder) for folder in beside)]
    own = [p for p in page_files if not p.is_relative_to(labs) and not p.is_relative_to(plane)]

    def of(paths: Iterable[Path]) -> Iterator[str]:
        for path in sorted(paths):
            if path.suffix == ".py":
                yield from of_python(path)
            elif path.suffix == ".js":
                yield from of_script(path.read_text(encoding="utf-8"))
            elif path.suffix == ".html":
                yield from of_html(path.read_text(encoding="utf-8"))
            elif path.suffix == ".toml":
                yield from of_toml(path)

    def kind(paths: Iterable[Path], *endings: str) -> list[Path]:
        return [path for path in paths if path.suffix in endings]

    science = (
        text for path in sorted((ROOT / "models").rglob("*.py")) for text in of_science(path)
    )
    lectures = {f"lecture {p.stem}": of([p]) for p in sorted((EXPLORER / "tours").glob("*.toml"))}
    words = {  # what stands where only words do
        "labels": of_page(),
        "models": of_models(),
        **lectures,
        "laboratories' questions": of(kind(labs.rglob("*"), ".toml")),
    }
    code = {
        "sentences": of(kind(own, ".py")),
        "settings and scores": science,
        "scripts": of(kind(own, ".js", ".html")),
        "plane": of(p for p in page_files if p.is_relative_to(plane)),
        "laboratories": of(
            p for p in kind(page_files, ".py", ".js", ".html") if p.is_relative_to(labs)
        ),
    }
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for groups, holds in ((words, is_text), (code, is_wordy)):
        for group, all_of_it in groups.items():
            found[group] = []
            for text in all_of_it:
                every.update((text, *re.split(", | · ", text)))
                if text not in seen and holds(text):
                    seen.add(text)
                    found[group].append(text)
    return found


# Every string there is, words or not, when ``texts`` has been called.
every: set[str] = set()


# -- what a table has of them ---------------------------------------------------------------------


def has(table: Mapping[str, str], text: str) -> bool:
    """Whether words.js finds a text in a table: whole, by a pattern, or in all its parts."""
    if text in table or not is_text(text):
        return True
    for pattern in patterns(table):
        if found := pattern.fullmatch(text):
            # Of a short pattern what differs is a number or a name, or has words of its own.
            short = len(re.findall("[A-Za-z]", pattern.pattern.replace("(.*?)", ""))) <= 12
            strange = (g for g in found.groups() if re.search("[a-z]{3}", g) and not has(table, g))
            if not (short and any(strange)):
                return True
    parts = next((p for by in (" · ", ", ") if len(p := text.split(by)) > 1), [])
    return bool(parts) and all(has(table, part) for part in parts)


_patterns: dict[int, list[re.Pattern]] = {}


def patterns(table: Mapping[str, str]) -> list[re.Pattern]:
    """The keys of a table that have slots, as words.js reads them."""
    if id(table) not in _patterns:
        found = []
        for key in table:
            if "{}" in key:
                slot = "(.*?)" if len(re.findall("[A-Za-z]", key)) > 3 else "([^A-Za-z]*?)"
                found.append(re.compile(slot.join(map(re.escape, key.split("{}")))))
        _patterns[id(table)] = found
    return _patterns[id(table)]


def missing(table: Mapping[str, str]) -> dict[str, list[str]]:
    """What a table lacks of each group."""
    return {
        group: [text for text in all_of_it if not has(table, text)]
        for group, all_of_it in texts().items()
    }


def main() -> None:
    from explorer import languages

    parser = argparse.ArgumentParser(prog="python -m tests.languages", description=__doc__)
    parser.add_argument("code", choices=languages.NAMES)
    parser.add_argument("--missing", metavar="GROUP", help="list what this group lacks")
    asked = parser.parse_args()
    lacks = missing(languages.table(asked.code))
    if asked.missing:
        print("\n".join(lacks[asked.missing]))
        return
    for group, all_of_it in texts().items():
        there = len(all_of_it) - len(lacks[group])
        print(f"{group:26} {there:4} of {len(all_of_it):4}  {there / len(all_of_it):6.1%}")


if __name__ == "__main__":
    main()
