"""Generative Explorer: deep generative models, really trained, behind one page in the browser."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before gradio is imported: nothing is reported anywhere, and the queue keeps no statistics, which
# would slow every event down the longer the page is up.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
# Before torch is: its threads sleep at a barrier instead of spinning. On a small machine that also
# shows the page, spinning threads take the processor from the very one they wait for; that made a
# sample in 20 steps five times slower while the browser was busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

log = logging.getLogger(__name__)

UPLOADS = "GRADIO_TEMP_DIR"  # where Gradio puts what is uploaded


def port(text: str) -> int:
    """A port number, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; ports go from 1 to 65535")
    return int(text)


def whole(text: str) -> int:
    """A number from 1 on, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 to 10000")
    return int(text)


def root_path(text: str) -> str:
    """Where a proxy serves the page, for argparse."""
    from explorer.server.sub_path import sub_path

    try:
        return sub_path(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description=__doc__)
    add = parser.add_argument
    add("--host", help="address to listen on (default: this machine only)")
    add("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    add(
        "--root-path",
        type=root_path,
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        help="where a proxy serves the page, as /models or https://example.edu/models",
    )
    add("--share", action="store_true", help="also make a public link through Gradio's tunnel")
    add("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    add("--data-dir", type=Path, help="folder of data sets: mnist/, fashion-mnist/, ...")
    add("--checkpoints", type=Path, help="folder of models (default: the shipped ones)")
    add(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="models beside those: folders, or owner/name on the Hugging Face Hub",
    )
    add("--no-hub", action="store_true", help="nothing goes to the Hub or comes from there")
    add(
        "--engine",
        default="local",
        help="where models compute: local (here; what takes long in processes beside the page's), "
        "ray (its workers here) or ray://HOST:PORT (those of a cluster)",
    )
    add(
        "--class",
        dest="classroom",
        action="store_true",
        help="questions may be asked that a class answers on phones; nothing is stored",
    )
    add("--mcp", action="store_true", help="the functions for programs are tools of MCP, too")
    add("--no-training", action="store_true", help="nobody may train a model on the page")
    add("--max-jobs", type=whole, default=1, help="training runs at a time (default: 1)")
    add("--max-train-minutes", type=whole, default=10, help="minutes a run may take (default: 10)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serves the page until interrupted. Returns 2, after one line, where that cannot be done."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for chatty in ("httpx", "httpx2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    args = arguments(argv)
    with _uploads(), _ended_by_signals():
        return _serve(args)


@contextlib.contextmanager
def _uploads() -> Iterator[None]:
    """A folder for uploads that is this process's alone, and goes with it.

    Gradio's own is one for all users of the machine: it belongs to the first, and the second cannot
    upload.
    """
    from models.machine.folders import OwnFolder, remove_left

    remove_left("generative-explorer-")  # by servers that were killed
    if os.environ.get(UPLOADS):
        yield
        return
    with OwnFolder("generative-explorer-uploads-") as folder:
        os.environ[UPLOADS] = str(folder)
        try:
            yield
        finally:
            os.environ.pop(UPLOADS, None)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A server that is told to end (SIGTERM) ends as it does by Ctrl-C: what visitors had here is
    removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _serve(args: argparse.Namespace) -> int:
    import explorer
    from explorer.server.sessions import limit_arenas

    if args.mcp and not explorer.programs.has_mcp():
        print(f"app.py: {explorer.programs.WITHOUT_MCP}", file=sys.stderr)
        return 2
    limit_arenas()
    try:
        limits = explorer.Limits(
            jobs=0 if args.no_training else args.max_jobs, minutes=args.max_train_minutes
        )
        context = explorer.Context.create(
            args.checkpoints,
            args.data_dir,
            args.device,
            limits,
            args.models,
            not args.no_hub,
            args.engine,
        )
        page = explorer.build(context)
    except ValueError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    try:
        page.launch(
            server_name=args.host,
            server_port=args.port,
            share=args.share,
            prevent_thread_lock=True,
            mcp_server=args.mcp or None,  # else as the framework's own setting says
            **explorer.launch_options(args.classroom, args.root_path),
        )
    except ValueError:  # Gradio asks its own server whether it is there, for some seconds
        log.debug("The page could not be served.", exc_info=True)
        page.close(verbose=False)
        context.visitors.close()
        print(
            "app.py: the page was started but did not answer in time, because the machine is busy "
            "or a proxy takes what is meant for it; try again, or set NO_PROXY=localhost.",
            file=sys.stderr,
        )
        return 2
    except OSError:
        place = f"port {args.port}" if args.port else "ports 7860 to 7959"
        print(
            f"app.py: {place} cannot be listened on, perhaps because another program does; "
            "choose another with --port.",
            file=sys.stderr,
        )
        return 2
    try:
        context.warm_up()
        page.block_thread()
    finally:
        context.visitors.close()
        context.ask.engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
