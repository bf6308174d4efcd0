"""One HTTP request and its answer, bounded in time and size; what fails is told as a value."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NewConnectionError

from origin_pulls.secret import Secret

LARGEST = 8 * 1024 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came: status, headers in lower case, the body as bytes."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came that can be built on. ``is_sent`` false: the request did not leave here."""

    reason: str
    is_sent: bool = True


class Bearer(AuthBase):
    """Puts the token on a request at the last moment; it stands in no session's headers."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "Bearer " + self._token.reveal().decode("ascii")
        return request


def new_session() -> requests.Session:
    """A session that takes nothing from the environment: no .netrc, no proxy, no CA file."""
    session = requests.Session()
    session.trust_env = False
    return session


def exchange(
    session: requests.Session,
    request: requests.Request,
    *,
    connect_timeout: float,
    read_timeout: float,
) -> Reply | NoReply:
    """Send one request and read its answer whole. Redirects are not followed.

    Only reasons of our own are told: what ``requests`` raises holds the request, and so its
    token. ``read_timeout`` bounds each silence and, again, all of the body.
    """
    request.headers.setdefault("Accept-Encoding", "identity")
    prepared = session.prepare_request(request)
    try:
        answer = session.send(
            prepared,
            timeout=(connect_timeout, read_timeout),
            allow_redirects=False,
            stream=True,
            verify=True,
        )
        with answer:
            body = _body(answer, time.monotonic() + read_timeout)
    except requests.exceptions.SSLError:
        return NoReply("its TLS certificate is not good", is_sent=False)
    except requests.exceptions.ConnectTimeout:
        return NoReply("no connection in time", is_sent=False)
    except requests.exceptions.ConnectionError as error:
        cause = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(cause, NewConnectionError):
            return NoReply("no connection", is_sent=False)
        return NoReply("the connection broke")
    except (requests.RequestException, HTTPError, OSError, zlib.error) as error:
        return NoReply(f"no whole answer ({type(error).__name__})")
    if body is None:
        return NoReply(f"an answer larger than {LARGEST} bytes, or too slow")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status_code, body, headers)


def _body(answer: requests.Response, end: float) -> bytes | None:
    """The body, or ``None`` when it is larger than ``LARGEST`` or takes too long."""
    raw = bytearray()
    while piece := answer.raw.read(PIECE, decode_content=False):
        raw += piece
        if len(raw) > LARGEST or time.monotonic() > end:
            return None
    if answer.headers.get("Content-Encoding", "identity") not in ("gzip", "deflate"):
        return bytes(raw)
    # Unpacked here and not by the library, which would follow a bomb to its end.
    opened = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(bytes(raw), LARGEST + 1)
    return opened if len(opened) <= LARGEST else None
