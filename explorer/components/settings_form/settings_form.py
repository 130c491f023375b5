"""Controls made of a model's settings: each with the help and the limits that it states itself."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source


class SettingsForm(NamedTuple):
    """view: the controls; its value::

        {"key": names what the settings are of; another key makes the controls anew,
         "locked": whether only those that are ``live`` may be changed,
         "given": what is changed already when the controls are made, by key (optional),
         "groups": [{"title": words, "open": whether it is unfolded at first, None for always,
                     "fields": [{"key", "label", "help", "kind": "int", "float", "bool" or "str",
                                 "low", "high", "choices", "value", "live"}, ...]}, ...]}

    given: invisible; its value is a JSON object of what a person has changed, by key, and it
    triggers ``changed`` when they do.
    """

    view: gr.HTML
    given: gr.HTML


def settings_form(form_id: str) -> SettingsForm:
    """form_id: unique on the page."""
    view = component("settings_form", None, form=form_id)
    script = f"const FORM = {form_id!r};\n" + source("settings_given.js")
    given = component("settings_given", "{}", html="", script=script, elem_classes=["ge-hidden"])
    return SettingsForm(view, given)
