"""Lays the accounts' home directories and web sites, each page telling which site it is."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import NOBODY, Layout
from origin_pulls.sandbox.userdata import document_root, server_name

USER = "alice"
PASSWORD = "wonderland"  # noqa: S105 - a page to try things on, known to every reader

FRONT_CGI = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' "$REQUEST_URI"
"""
FRONT_CONTROLLER = """RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule . index.html [L]
"""
OPEN_TO_ALL = "Order deny,allow\nAllow from all\nSatisfy Any\n"


def lay(layout: Layout, account: Account, number: int) -> None:
    """Make the home of an account and the document roots of its domains."""
    own = (number, number)
    home = files.folder(layout.home(account.user), mode=0o711, owner=own)
    files.folder(home / "public_html", mode=0o750, owner=(number, NOBODY))
    for domain in account.vhost_domains:
        root = document_root(layout, account, domain)
        if root != home / "public_html":
            files.folder(root, owner=own)
        name = server_name(domain)
        files.lay(root / "index.html", f"<h1>{name}</h1>\n", owner=own)
        if account.has_cgi:
            files.folder(root / "cgi-bin", owner=own)
            files.lay(root / "cgi-bin/front.cgi", FRONT_CGI, mode=0o755, owner=own)
        if account.has_protected_folders:
            _lay_protected_folders(root, home, name, own)


def _lay_protected_folders(root: Path, home: Path, name: str, own: tuple[int, int]) -> None:
    """What a tenant may have below a site: a password, a deny, an opening, a front controller."""
    passwords = home / ".htpasswd"
    digest = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()
    line = f"{USER}:{{SHA}}{base64.b64encode(digest).decode()}\n"
    files.lay(passwords, line, mode=0o640, owner=(own[0], NOBODY))
    folders = {
        "secret": f'AuthType Basic\nAuthName "secret"\nAuthUserFile "{passwords}"\n'
        "Require valid-user\n",
        "denied": "Require all denied\n",
        "satisfy": OPEN_TO_ALL,
        "app": FRONT_CONTROLLER,
    }
    for folder, access in folders.items():
        files.folder(root / folder, owner=own)
        files.lay(root / folder / ".htaccess", access, owner=own)
        files.lay(root / folder / "index.html", f"<h1>{folder} of {name}</h1>\n", owner=own)
