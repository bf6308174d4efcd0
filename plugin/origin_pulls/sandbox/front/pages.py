"""The pages that are the panel's own: sign-in, home, refusals; small, and without frames."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def sign_in(panel: str, hostname: str, problem: str = "") -> bytes:
    """The form that asks for name and password."""
    said = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        f"{panel} Login",
        f"""<h1>{panel} on {escape(hostname)}</h1>{said}
<form id="login_form" action="/login/" method="post">
<p><label for="user">Username</label><br><input id="user" name="user" autocomplete="username"></p>
<p><label for="pass">Password</label><br>
<input id="pass" name="pass" type="password" autocomplete="current-password"></p>
<p><button id="login_submit" type="submit">Log in</button></p>
</form>""",
    )


def home(panel: str, user: str, token: str, entries: Sequence[tuple[str, str]]) -> bytes:
    """What stands behind the sign-in: the applications that this person may open."""
    items = "".join(
        f'<li><a href="{escape(token + url)}">{escape(title)}</a></li>' for title, url in entries
    )
    shown = f"<ul>{items}</ul>" if items else "<p>There is no application for you here.</p>"
    leave = f'<p><a href="{escape(token)}/logout/">Log out</a></p>'
    return _page(f"{panel} - Home", f"<h1>{panel}: {escape(user)}</h1>{shown}{leave}")


def refusal(status: int, reason: str) -> bytes:
    """Why a page is not there for this person."""
    return _page(f"HTTP error {status}", f"<h1>HTTP error {status}</h1><p>{escape(reason)}</p>")


def _page(title: str, body: str) -> bytes:
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>
</head><body><main>{body}</main></body></html>
"""
    return text.encode()
