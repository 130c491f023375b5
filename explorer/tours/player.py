"""Puts the tours on the page: the panel that plays one, and the list of the lectures."""

from __future__ import annotations

from typing import Any

from explorer.components import component
from explorer.page.context import Context
from explorer.tours import library


def install(context: Context) -> None:
    """Adds the player and the list. The browser asks for a lecture when it is begun."""

    def tour(key: Any) -> dict[str, Any]:
        return library.prepared(library.lecture(str(key)), context.store)

    component("tour", server_functions=[tour], elem_id="ge-tour")
    component("tour_list", tours=library.listed(), elem_id="ge-tour-list")
