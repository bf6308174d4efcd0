"""Addresses: panels have one entry script, so the page travels in the query as ``r``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import current_app, redirect, url_for
from markupsafe import escape
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST = 400
ROUTE = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*)?")
ONWARD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Origin Pulls</title>'
    '<meta http-equiv="refresh" content="0;url={address}"></head>'
    '<body><p><a href="{address}">Go on</a></p></body></html>\n'
)
NOWHERE = "/-"  # no page has this address: it ends as "not found"


class PageInQuery:
    """WSGI middleware: ``/?r=/jobs/7&after=3`` is asked of the application as ``/jobs/7``."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request under the address that its query names."""
        pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        routes = [value for name, value in pairs if name == "r"]
        others = [(name, value) for name, value in pairs if name != "r"]
        environ["PATH_INFO"] = _route(environ.get("PATH_INFO", "/"), routes)
        environ["SCRIPT_NAME"] = ""
        environ["QUERY_STRING"] = urlencode(others)
        return self.application(environ, start_response)


def _route(path: str, routes: list[str]) -> str:
    """The page that is asked for; nothing is routed after the entry script's own name."""
    if path not in ("", "/") or len(routes) > 1:
        return NOWHERE
    route = routes[0] if routes else "/"
    return route if len(route) <= LONGEST and ROUTE.fullmatch(route) else NOWHERE


def link(endpoint: str, **values: Any) -> str:
    """The address of a page as a bare query string, which needs no knowledge of the panel's."""
    split = urlsplit(url_for(endpoint, **values))
    query = f"&{split.query}" if split.query else ""
    return f"?r={quote(split.path, safe='/')}{query}"


def fields(endpoint: str, **values: Any) -> Mapping[str, str]:
    """The same address as the hidden fields of a form that asks with GET."""
    split = urlsplit(url_for(endpoint, **values))
    return {"r": split.path, **dict(parse_qsl(split.query))}


def go(endpoint: str, **values: Any) -> Response:
    """Send the browser on to a page, as the panel at hand lets it be done."""
    address = f"{current_app.config['ENTRY']}{link(endpoint, **values)}"
    answer = redirect(address, code=303)
    # A panel may lose the redirect and show its body: then that leads on.
    answer.set_data(ONWARD.format(address=escape(address)))
    return answer
