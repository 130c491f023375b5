"""What an event says of controls that is for the eye alone, told without making them anew.

Gradio makes a component anew for every update of it, one that skips it included, so that later
events read it by its new settings. That was a third of all the time that events take. How a
control looks is never read: it can go to the browser as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gradio.blocks import Block
from gradio.utils import is_prop_update

# Settings that no component's own code reads when its value comes or goes.
LOOKS = frozenset({"visible", "interactive", "label", "info", "placeholder", "variant"})


def looks(prediction: Any) -> dict[str, Any] | None:
    """The update that goes to the browser as it is; None where it is another."""
    if isinstance(prediction, Block):
        told = prediction.constructor_args
    elif is_prop_update(prediction):
        told = {k: v for k, v in prediction.items() if v is not None or k == "value"}
        del told["__type__"]
    else:
        return None
    return {**told, "__type__": "update"} if told.keys() <= LOOKS else None


async def told(
    block_fn: Any,
    predictions: Any,
    postprocess: Callable[[Any, Any], Awaitable[list[Any]]],
) -> list[Any]:
    """What the browser is told: the looks as they are, the rest by ``postprocess(event, answers)``,
    which is Gradio's own and takes the event with the outputs that are left."""
    outputs: Sequence[Any] = block_fn.outputs
    given = [predictions] if len(outputs) == 1 else predictions
    if not isinstance(given, (list, tuple)) or len(given) != len(outputs) or block_fn.batch:
        return await postprocess(block_fn, predictions)
    plain = {
        k: update
        for k, (block, each) in enumerate(zip(outputs, given, strict=True))
        if not block.stateful and (update := looks(each)) is not None
    }
    if not plain:
        return await postprocess(block_fn, predictions)
    rest = [k for k in range(len(outputs)) if k not in plain]
    if rest:
        few = copy.copy(block_fn)
        few.outputs = [outputs[k] for k in rest]
        answers = [given[k] for k in rest]
        found = await postprocess(few, answers[0] if len(rest) == 1 else answers)
        plain |= dict(zip(rest, found, strict=True))
    return [plain[k] for k in range(len(outputs))]
