"""The header in which a server that a tenant's file names gets its credential."""

from __future__ import annotations

import base64

from app.core.tenant import Login


def login_header(login: Login, token: str | None) -> dict[str, str]:
    """Empty without *token*, and where the server wants none."""
    if token is None or not login.needs_token:
        return {}
    if login.header is not None:
        return {login.header: token}
    if login.auth == "basic":
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}
