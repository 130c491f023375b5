"""Signing in with Hugging Face, on a Space that offers it (``hf_oauth: true`` in README.md).

Gradio keeps who has signed in in a cookie of the browser, and checks it; nothing is kept here.
Elsewhere a token is pasted where one is needed.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

# What a Space with OAuth tells its program, and what Gradio needs to follow it.
SETTINGS = (
    "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL",
)  # fmt: skip
PACKAGES = ("authlib", "itsdangerous")


def offered() -> bool:
    """Whether a visitor can sign in here."""
    from gradio.utils import get_space

    told = get_space() and all(os.environ.get(name) for name in SETTINGS)
    return bool(told) and all(find_spec(name) for name in PACKAGES)


def token_of(request: Any) -> str | None:
    """The token of whoever asks, where they have signed in and it is still valid."""
    from gradio.helpers import _session_from_request
    from gradio.oauth import _get_valid_oauth_info_from_session

    if request is None or not offered():
        return None
    signed_in = _get_valid_oauth_info_from_session(_session_from_request(request))
    token = (signed_in or {}).get("access_token")
    return token if isinstance(token, str) and token else None
