"""What programs may ask of the page: a few functions with names, over HTTP and as MCP tools.

``gr.api`` endpoints, by a model's capabilities alone; every other event of the page is private.
``.github/PROGRAMS.md`` shows how they are called. What a function gets and gives is told once, in
its docstring: "Use via API" and MCP clients show the sentences of it.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.context import get_blocks_context
from gradio.utils import get_function_description, get_function_params
from gradio_client.utils import python_type_to_json_schema
from starlette.middleware import Middleware

from explorer.page.part import UNEXPECTED, sentence_of
from explorer.programs.files import Files
from explorer.programs.functions import Functions, serves
from explorer.programs.gate import Gate, visitor_of
from explorer.programs.named import NamedCalls
from explorer.programs.values import NOT_UPLOADED
from explorer.server.inputs import one_line

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)

# What MCP needs is optional: a dozen packages more, for what few use.
WITHOUT_MCP = "--mcp needs the package 'mcp', before its version 2; get it by: pip install 'mcp<2'"
NAMES = ("list_models", "sample", "decode", "encode", "complete", "denoise", "score")
# A picture of four pixels, in base64.
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNg+M/wnwEABgAB/4/x/JoAAAAASUVORK5C"
    "YII="
)
# What the functions' answers are, by the names that their docstrings give them.
ANSWERS = {
    "sheet": gr.FileData, "facts": dict, "codes": dict, "models": list[dict], "scores": list[dict],
}  # fmt: skip


def install(context: Context) -> None:
    """Adds the functions to the page that is being built."""
    files, gate = Files(), Gate()
    functions = Functions(context, files)
    for name in NAMES:
        _add(context, getattr(functions, name), gate, files)


def refuse(error: Exception) -> gr.Error:
    """The error that a program is told: our sentence. What was not foreseen is in the log."""
    if isinstance(error, gr.Error):
        return error
    if (text := sentence_of(error)) == UNEXPECTED:
        log.error("A call of a program failed.", exc_info=error)
    return gr.Error(text, print_exception=False)


def check_inputs(fn: Any, inputs: list[Any]) -> None:
    """Raises gr.Error where a call of a program has too few or too many values, or names a file
    by an address, which nobody here fetches."""
    expected = len(fn.inputs)
    if len(inputs) != expected:
        raise gr.Error(
            f"'{fn.api_name}' takes {expected} values, not {len(inputs)}; "
            f"/gradio_api/call/v2/{fn.api_name} takes them by name.",
            print_exception=False,
        )
    for each in inputs:
        for value in each if isinstance(each, list) else [each]:
            path = value.get("path") if isinstance(value, Mapping) else None
            if path is not None and (not isinstance(path, str) or "://" in path):
                raise gr.Error(NOT_UPLOADED, print_exception=False)


def refused_inputs(error: Exception) -> gr.Error:
    """The error of a call whose values were refused before it was run: the framework looks at
    files alone by then."""
    if isinstance(error, gr.Error):
        return error
    log.info("A file that a program named was refused: %s", one_line(error))
    return gr.Error(NOT_UPLOADED, print_exception=False)


def calls_by_name(page: gr.Blocks) -> Middleware:
    """What lets programs call the functions of a page by the names of their values."""
    calls = {
        fn.api_name: [each[:3] for each in get_function_params(fn.fn)]
        for fn in page.fns.values()
        if is_program(fn)
    }
    return Middleware(NamedCalls, calls=calls)


def has_mcp() -> bool:
    """Whether the functions can be tools of MCP here."""
    if importlib.util.find_spec("mcp") is None:
        return False
    from gradio.mcp import GradioMCPServer

    return hasattr(GradioMCPServer, "StreamableHTTPSessionManager")


def is_program(fn: Any) -> bool:
    """Whether an event of the page is one of these functions."""
    return getattr(fn.fn, "program", False)


def _add(context: Context, function: Callable, gate: Gate, files: Files) -> None:
    """What ``gr.api`` does, with names and sentences for the values in place of their numbers."""
    called = _called(context, function, gate, files)
    called.__doc__ = unwrapped(inspect.getdoc(function))
    about, sentences, returns = get_function_description(called)
    about += f" It gives {'; '.join(line.rstrip('.') for line in returns)}."
    inputs = []
    for name, has_default, default, kind in get_function_params(function):
        schema = {**_schema(kind), "additional_description": sentences[name]}
        value = default if has_default else None
        example = _example(context, function.__name__, name)
        inputs.append(_value(value, schema, name, value if example is None else example))
    outputs = []
    for line in returns:
        name, _, sentence = line.partition(": ")
        outputs.append(_value(None, {**_schema(ANSWERS[name]), "description": sentence}, name))
    called.outputs = outputs
    get_blocks_context().set_event_trigger(
        [], called, inputs, outputs, preprocess=False, postprocess=False, show_progress="hidden",
        api_name=function.__name__, api_description=about, queue=False, concurrency_limit=None,
        api_visibility="public",
    )  # fmt: skip


def _value(value: Any, schema: dict[str, Any], label: str, example: Any = None) -> Api:
    """A value that a function takes or gives. example: what "Use via API" shows of it."""
    shown = Api(value, schema, label)
    # No class of its own: the framework writes a file beside each that extends a component.
    shown.example_payload = shown.example_value = lambda: example
    return shown


def _example(context: Context, function: str, name: str) -> Any:
    """An example of a value that has no default: of a model here that the function serves."""
    store = context.store
    able = [store.header(each) for each in store.names]
    able = [header for header in able if serves(header, function)]
    if name == "model":
        first = store.first if store.first in [header.name for header in able] else None
        return first or (able[0].name if able else "vae-mnist")
    return {"codes": [0.0, 0.0], "picture": PICTURE, "pictures": PICTURE}.get(name)


def unwrapped(doc: str) -> str:
    """A docstring with each value's sentences on one line, as the framework reads them: what goes
    on, on further lines, is indented further."""
    lines: list[str] = []
    for line in doc.splitlines():
        if line.startswith(" " * 8) and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return "\n".join(lines)


def _schema(kind: Any) -> dict[str, Any]:
    return dict(python_type_to_json_schema(kind))


def _called(context: Context, function: Callable, gate: Gate, files: Files) -> Callable:
    """The function as an event's: within its limits, and wrong only in our words."""

    @functools.wraps(function)
    def called(*given: Any) -> Any:
        bound = inspect.signature(function).bind(*given)
        request = bound.arguments.get("request")
        _close_session(context, request)
        for output in called.outputs:  # paths that nobody will ask for by this list
            output.temp_files.clear()
        try:
            with gate.entered(visitor_of(request)):
                return function(*given)
        except Exception as error:
            raise refuse(error) from None
        finally:
            _keep_uploads(given, files)

    called.program = True
    return called


def _close_session(context: Context, request: Any) -> None:
    """A call has a session of its own, which nobody comes back to: it must not push out those of
    open pages."""
    sessions = getattr(getattr(context.page, "app", None), "state_holder", None)
    key = getattr(request, "session_hash", None)
    if sessions is not None and key and key in sessions.session_data:
        sessions.session_data[key].is_closed = True


def _keep_uploads(given: tuple[Any, ...], files: Files) -> None:
    """Files that came with a call are removed with those that went, the oldest first."""
    for each in given:
        for value in each if isinstance(each, list) else [each]:
            path = value.get("path") if isinstance(value, Mapping) else None
            if isinstance(path, str) and Path(path).resolve().is_relative_to(files.folder):
                files.keep(Path(path))
