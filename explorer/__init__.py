"""The page: one Gradio app over the models, one file a tab.

How the page hangs together, for whoever adds to it:

* A tab is a module of ``explorer.tabs`` (see there) and one line in ``TABS``. It names the
  capabilities it NEEDS, never a family; ``explorer.page.context.Context`` is all it is given.
* One picker at the top chooses the model. It is ``context.picker``, a component whose value is the
  model's name: make it an input wherever a handler needs to know the model.
* Handlers are wired by ``explorer.page.part.Part``. ``part.arrives(handler)`` is how a tab learns
  that it has something new to show: it runs when the tab is on screen with a model that it has not
  shown yet, once, and only for a model that has what the tab NEEDS. Do not listen to the picker's
  changes: a tab that nobody looks at must not compute. Every other handler is ``part.on``.
* Models are asked through ``context.ask`` (``explorer.server.ask``): arrays in, arrays out.
* ``context.remember(key, component)`` puts a control into the page's address and takes it from
  there when a link is opened. The key begins with the tab's name. The browser's back and forward
  walk tabs, parts and models; ``GE.visit(query)`` goes to any state while the page is open.
* ``context.code`` carries a latent code from one tab to another; ``context.go(tab)`` changes tabs.
* The store (``context.store``) lists models from their headers, without torch, and loads on first
  use. ``import torch``, ``umap``, ``plotly``, ``pandas`` stand inside functions: the page is up
  before they are.
* Pictures go to the browser as sprites (``images.sprite``: ``{"b64", "n", "h", "w", "c"}``,
  raw bytes) and are drawn by the components of ``explorer.components``.
* Every event is declared with ``api_visibility="private"``, but for the functions that programs
  call (``explorer.programs``); ``queue=False`` where the handler takes
  less than about 50 ms and is no generator.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer import components, languages, programs
from explorer.components import file_controls, menus, theme
from explorer.components.sheet import twice
from explorer.page import address, goodbye, notebook, take_home
from explorer.page.context import Context
from explorer.page.part import UNEXPECTED, sentence_of
from explorer.page.picker import model_picker
from explorer.server import uploads
from explorer.server.assets import Assets
from explorer.server.classroom import Classroom
from explorer.server.classroom_routes import ClassRoutes
from explorer.server.front_end import FrontEnd
from explorer.server.guard import Guard, hosts_of
from explorer.server.inputs import GARBLED, all_checked, one_line
from explorer.server.jobs import Limits
from explorer.server.kept_page import KeptPage
from explorer.server.memory import OutOfMemory, Watch
from explorer.server.rates import FULL, MOST_IN_QUEUE, MOST_WAITING, WAITING
from explorer.server.replica import Replica, new_name
from explorer.server.sessions import Sessions
from explorer.server.sub_path import SubPath
from explorer.server.updates import told
from explorer.tabs import TABS, key_of
from explorer.tabs.train import keep
from explorer.tours import lessons, player

log = logging.getLogger(__name__)

__all__ = ["Context", "Limits", "build", "launch_options"]

DESCRIPTION = "See what deep generative models have learned: sample them, bend them, map them."


THREADS = 400  # of which few compute at a time (explorer.server.engines)
LARGEST_DROP = 1 << 30  # bytes of all the files that are brought at once


class Page(gr.Blocks):
    """A page to which every yield of a handler travels whole.

    Gradio sends the second yield as its changes against the first, and the browser applies them in
    place: to the object of the first yield, which a busy browser may not have shown yet. Of a dict
    that the next yield skips (``gr.skip()``) nothing is left then, and the component never hears of
    it. A change that replaces the whole value leaves the earlier one alone.

    And one on which sliders keep to their ends. A number typed beside one may lie beyond them until
    the field is left; Gradio refuses it in words of its own and then shows the end, which nothing
    was computed for. Here the end is what was asked for from the start.

    routes: what it answers besides itself, at addresses that tabs have added (``Context.routes``).
    """

    routes: tuple[Any, ...] = ()
    memory = Watch()

    def check_memory(self) -> None:
        """Raises an error for the page where nothing more can be begun: no memory is left."""
        try:
            self.memory.check()
        except OutOfMemory as error:
            raise gr.Error(str(error), print_exception=False) from None

    def launch(self, *args: Any, prevent_thread_lock: bool = False, **options: Any) -> Any:
        """Serves the page, with sessions of ours in place of Gradio's."""
        # From the start, and before Gradio's own, one of which takes any word for a page's name.
        of_app = options.get("app_kwargs", {})
        middleware = [*of_app.get("middleware", ()), programs.calls_by_name(self)]
        options["app_kwargs"] = {**of_app, "routes": list(self.routes), "middleware": middleware}
        served = super().launch(*args, prevent_thread_lock=True, **options)
        self.app.state_holder = Sessions(self)
        self._bound_queue()
        if not prevent_thread_lock:
            self.block_thread()
        return served

    def _bound_queue(self) -> None:
        """Nobody has more in the queue than a share of it, and it does not grow without end."""
        queue, push = self._queue, self._queue.push

        async def pushed(body: Any, request: Any, username: Any) -> tuple[bool, Any, str]:
            if len(queue.pending_event_ids_session.get(body.session_hash, ())) >= MOST_WAITING:
                return False, WAITING, "queue_full"
            if len(queue) >= MOST_IN_QUEUE:
                return False, FULL, "queue_full"
            return await push(body=body, request=request, username=username)

        queue.push = pushed

    async def preprocess_data(
        self, block_fn: Any, inputs: list, state: Any, explicit_call: bool = False
    ) -> list:
        if programs.is_program(block_fn):
            try:
                inputs = list(inputs)
                programs.check_inputs(block_fn, inputs)
                return await super().preprocess_data(block_fn, inputs, state, explicit_call)
            except Exception as error:
                raise programs.refused_inputs(error) from None
        try:
            inputs = all_checked(block_fn.inputs, inputs)
            inputs = self._within_ends(block_fn, inputs, state)
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:
            log.info("Refused a call of %s: %s", who(block_fn), one_line(error))
            raise gr.Error(GARBLED, print_exception=False) from None

    async def call_function(self, block_fn: Any, *args: Any, **named: Any) -> Any:
        """What parts do not catch (``explorer.page.part``) goes to the log here, and not to the
        page: a sentence of ours where it is one."""
        if block_fn.queue is not False and block_fn.fn:
            self.check_memory()
        if not block_fn.fn:  # the browser does it alone
            log.info("Refused a call of %s: %s", block_fn._id, None)
            raise gr.Error(GARBLED, print_exception=False)
        try:
            return await super().call_function(block_fn, *args, **named)
        except gr.Error:
            raise
        except Exception as error:
            text = sentence_of(error)
            if text == UNEXPECTED:
                log.error("%s failed.", who(block_fn), exc_info=error)
            else:
                log.info("Refused a call of %s: %s", who(block_fn), one_line(error))
            raise gr.Error(text, print_exception=False) from None

    @staticmethod
    def _within_ends(block_fn: Any, inputs: list, state: Any) -> list:
        for k, (block, value) in enumerate(zip(block_fn.inputs, inputs, strict=False)):
            if isinstance(block, gr.Slider) and isinstance(value, (int, float, type(None))):
                slider = state[block._id] if state and block._id in state else block
                low, high = slider.minimum, slider.maximum
                inputs[k] = low if value is None else min(max(value, low), high)
        return inputs

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        return await told(block_fn, predictions, lambda few, answers: super(
            Page, self).postprocess_data(few, answers, state))  # fmt: skip

    def handle_streaming_diffs(
        self,
        block_fn: Any,
        data: list,
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list:
        later = run is not None and run in self.pending_diff_streams.get(session_hash, {})
        whole = super().handle_streaming_diffs(
            block_fn, data, session_hash, run, final, simple_format=True
        )
        if final or simple_format or not later:
            return whole
        return [[["replace", [], value]] for value in whole]


def who(block_fn: Any) -> str:
    """An event in the log: the part and the handler, or the function."""
    fn = block_fn.fn
    name = getattr(fn, "handler", "") or getattr(getattr(fn, "func", fn), "__name__", "?")
    return f"{place}.{name}" if (place := getattr(fn, "place", "")) else name


def build(context: Context) -> gr.Blocks:
    """The whole page. Imports neither torch nor plotly, loads no model; takes milliseconds."""
    menus.take_any_value()
    file_controls.leave_no_files()
    uploads.leave_no_parts()
    with Page(title="Generative Explorer", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(_HEADER, apply_default_css=False, elem_id="ge-header", js_on_load=None)
        context.page = page
        tabs = [tab for tab in TABS if not hasattr(tab, "offered") or tab.offered(context)]
        context.titles = {key_of(tab): tab.TITLE for tab in tabs}
        context.unnamed = next((key_of(tab) for tab in tabs if tab.NEEDS), "")
        context.picker = model_picker(context, tabs)
        context.code = gr.State(None)
        with gr.Tabs(elem_id="ge-tabs") as context.tabs:
            for tab in tabs:
                _add_tab(tab, context)
        player.install(context)
        lessons.install(context)
        address.install(context)
        programs.install(context)
        page.routes = (*context.routes, take_home.route(context), goodbye.route(context))
        page.memory = Watch(context.let_go)
        if context.visitors is not None:
            context.visitors.uploaded = page.upload_file_set
    return page


def _add_tab(tab, context: Context) -> None:
    key = key_of(tab)
    with gr.Tab(tab.TITLE, id=key) as item:
        components.component("notice", value=key, elem_classes=["ge-notice", f"ge-notice-{key}"])
        with gr.Column(elem_classes=["ge-panel", f"ge-panel-{key}"]):
            context.tab, context.needs = key, frozenset(tab.NEEDS)
            tab.build(context)
    item.select(None, None, None, js=f"() => GE.entered({key!r})", api_visibility="private")


def launch_options(classroom: bool = False, root_path: str = "") -> dict:
    """What belongs to ``launch`` rather than to the page: look, scripts, and what is switched off.

    Run history makes every event ten times slower in the browser, and is of no use here.
    classroom: whether questions can be asked that a class answers on phones. root_path: where a
    proxy serves the page, "/models" or a whole address; "" where it stands by itself.
    """
    names = {
        "RENAMED": address.RENAMED, "HOME": address.home(), "SPACE": address.space(),
        "CLASS": classroom, "NOTEBOOK": notebook.cells(), "REPLICA": new_name(),
    }  # fmt: skip
    assets = {
        "script": components.scripts(),
        "style": twice(components.stylesheet()),
        "settings": " ".join(
            f"window.GE_{key} = {json.dumps(each)};" for key, each in names.items()
        ),
        "languages": {code: languages.script(code) for code in languages.NAMES},
    }
    # A drop of files is one request; each may be as large as a model.
    middleware = [
        Middleware(Guard, largest=LARGEST_DROP, hosts=hosts_of(root_path)),
        Middleware(Replica, name=names["REPLICA"]),
        Middleware(KeptPage),
        Middleware(Assets, **assets),
        Middleware(FrontEnd),
    ]
    if root_path:
        middleware.insert(1, Middleware(SubPath, root=root_path))
    if classroom:
        middleware.append(Middleware(ClassRoutes, classroom=Classroom()))
    return {
        "theme": theme.theme(),
        "footer_links": ["api"],
        "run_history": False,
        "ssr_mode": False,
        # One who waits for long work holds a thread; what is quick must find one all the same.
        "max_threads": THREADS,
        # The largest of what is taken anywhere, a model; what pictures and zips may have is checked
        # file by file, so that a large one refuses itself and not the whole drop.
        "max_file_size": keep.LARGEST,
        "root_path": root_path,
        "app_kwargs": {"middleware": middleware},
    }


_HEADER = f"""
<header class="ge-head">
  <h1>Generative Explorer</h1><p>{DESCRIPTION}</p>
  <button type="button" class="ge-lectures" onclick="GE.lectures()">Lectures</button>
  <button type="button" class="ge-share" onclick="GE.share(this)"
    aria-haspopup="menu" aria-expanded="false">Share</button>
  {languages.menu()}
  <button type="button" class="ge-theme" onclick="GE.toggleTheme()"
    aria-label="Switch between light and dark" title="Switch between light and dark">◐</button>
</header>
"""
