"""A way to the switches of a running sandbox's Cloudflare, for tests and demonstrations."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from origin_pulls.errors import Refused

PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Remote:
    """Turns the switches of the Cloudflare whose API has this base address."""

    url: str

    def edge(self, settle: float = 60.0) -> dict[str, dict[str, Any]]:
        """What each place of the edge does, by address and name, after nothing is on its way.

        With a clock that stands still: after all that is due has arrived.
        """
        found = self.ask("GET", f"edge?settle={settle:g}")
        if found["failure"] or not found["settled"]:
            raise Refused(f"The sandbox's edge does not settle: {found['failure'] or 'too slow'}")
        places: dict[str, dict[str, Any]] = found["places"]
        return places

    def clock(self, *, speed: float | None = None, advance: float = 0.0) -> None:
        """Set the clock's speed (0 stops it) and let it leap by so many virtual seconds."""
        body = {"advance": advance} | ({} if speed is None else {"speed": speed})
        self.ask("POST", "clock", body)

    def fault(self, path: str, **what: object) -> None:
        """Let the next call whose path matches go wrong (fields of ``state.Fault``)."""
        self.ask("POST", "faults", {"path": path, **what})

    def end_faults(self) -> None:
        """Forget what was to go wrong, and let calls go on that are being delayed."""
        self.ask("DELETE", "faults")

    def switch(self, **positions: object) -> None:
        """Turn switches (fields of ``state.Switches``)."""
        self.ask("PATCH", "switches", positions)

    def zone(self, name: str, **changes: object) -> None:
        """Change a zone's fields behind everybody's back (fields of ``state.Zone``)."""
        self.ask("PATCH", f"zones/{name}", changes)

    def zones(self) -> dict[str, dict[str, Any]]:
        """All zones by name, as they are."""
        return {zone["name"]: zone for zone in self.ask("GET", "zones")}

    def record(self, zone: str, name: str, content: str, *, proxied: bool, kind: str = "A") -> None:
        """Put a record, in the place of the one of the same name and type."""
        body = {"type": kind, "name": name, "content": content, "proxied": proxied}
        self.ask("PUT", f"zones/{zone}/records", body)

    def token(self, **fields: object) -> dict[str, str]:
        """Make a token (fields of ``state.Token``, zones by name): its id and secret."""
        made: dict[str, str] = self.ask("POST", "tokens", fields)
        return made

    def calls(self) -> list[dict[str, Any]]:
        """The calls so far: method, path, the token's id, the status of the answer."""
        found: list[dict[str, Any]] = self.ask("GET", "calls")
        return found

    def reset(self) -> None:
        """Everything as it was at first."""
        self.ask("POST", "reset")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask for any switch of ``control.py``; its result."""
        target = urlsplit(self.url)
        connection = http.client.HTTPConnection(target.netloc, timeout=PATIENCE)
        text = None if body is None else json.dumps(body)
        try:
            connection.request(method, f"/sandbox/{path}", text)
            with connection.getresponse() as response:
                answer = json.loads(response.read())
        finally:
            connection.close()
        if not answer.get("success"):
            raise Refused(f"The sandbox's Cloudflare: {answer['errors'][0]['message']}")
        return answer["result"]
