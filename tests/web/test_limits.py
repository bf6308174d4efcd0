"""One person's requests never become everybody's trouble."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.web.browsing import PYTHON
from tests.web.conftest import Served

pytestmark = pytest.mark.apache

# Opens many connections, says a little on each, keeps them, and says so.
SLOW = """
import socket, sys
path, many = sys.argv[1], int(sys.argv[2])
kept = []
for _ in range(many):
    one = socket.socket(socket.AF_UNIX)
    one.setblocking(True)
    one.connect(path)
    try:
        one.sendall(b"POST /?r=/stage HTTP/1.0\\r\\nContent-Length: 100000\\r\\n")
    except OSError:
        pass
    kept.append(one)
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def many_open(served: Served, user: str, many: int) -> Iterator[None]:
    """An account that holds many slow connections to its socket."""
    path = served.account(user).socket
    uid = served.uid(user)
    with subprocess.Popen(
        [PYTHON, "-I", "-c", SLOW, str(path), str(many)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        user=uid,
        group=uid,
        extra_groups=[],
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.stdin.close()


def test_ten_megabytes_are_refused(served: Served) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"token=x&pad=" + b"a" * 10_000_000
    for visitor in (served.whm, served.account("shop")):
        answer = visitor.send("POST", "r=/stage", body, headers)
        assert answer.status == 413
        assert "Nothing" in answer.text or "nothing" in answer.text


def test_slow_connections_of_one_account_stop_nobody_else(served: Served) -> None:
    with many_open(served, "shop", 60):
        assert served.account("blog").get().status == 200
        assert served.whm.get().status == 200
        # Its own next request is told why it has to wait.
        assert served.account("shop").get().status == 429
    assert served.account("blog").get().status == 200


def test_a_flood_is_told_to_slow_down_and_whm_goes_on(served: Served) -> None:
    dedi = served.account("dedi")
    statuses = flood(served, "dedi", 150)
    assert 429 in statuses
    assert served.whm.get().status == 200
    assert served.account("blog").get().status == 200
    assert dedi.socket.exists()


FLOOD = """
import socket, sys
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(sys.argv[1])
        one.sendall(b"GET /?r=/help HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n")
        text = b""
        try:
            while part := one.recv(65536):
                text += part
        except ConnectionResetError:
            pass
    print(text.split()[1].decode())
"""


def flood(served: Served, user: str, many: int) -> set[int]:
    """The statuses that an account gets that asks as fast as it can."""
    uid = served.uid(user)
    ran = subprocess.run(
        [PYTHON, "-I", "-c", FLOOD, str(served.account(user).socket), str(many)],
        capture_output=True,
        text=True,
        user=uid,
        group=uid,
        extra_groups=[],
        timeout=120,
        check=True,
    )
    return set(map(int, ran.stdout.split()))


def test_a_connection_that_says_nothing_is_let_go_of(served: Served) -> None:
    path = served.whm.socket
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(90)
        silent.connect(str(path))
        silent.sendall(b"GET /?r=/help HTTP/1.0\r\n")
        with contextlib.suppress(ConnectionResetError):
            while silent.recv(4096):
                pass
    assert served.whm.get().status == 200


# Under each of these user ids two connections whose request never ends, a byte each second.
DRIP = """
import os, socket, sys, time
path, ids = sys.argv[1], [int(one) for one in sys.argv[2].split(",")]
kept = []
for uid in ids:
    os.seteuid(uid)
    for text in (b"GET /?r=/help HTTP/1.0\\r\\nX-A: ", b"GET /?r=/help HTTP/1.0\\r\\nX-B: "):
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        one.sendall(text)
        kept.append(one)
    os.seteuid(0)
print("open", flush=True)
while kept:
    time.sleep(1)
    for one in list(kept):
        try:
            one.sendall(b"x")
        except OSError:
            kept.remove(one)
print("ended", flush=True)
"""


def test_requests_that_never_end_keep_nobody_out_for_long(served: Served) -> None:
    path = served.account("shop").socket
    users = [user for user in served.sandbox.accounts if user not in ("blog", "root")]
    ids = [served.uid(user) for user in users[:7]] + [64000]
    with subprocess.Popen(
        [PYTHON, "-I", "-c", DRIP, str(path), ",".join(map(str, ids))],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"open\n"
            assert served.account("blog").get("r=/help").status == 200
            # They are ended, not waited for: all of them, though none is ever silent.
            assert process.stdout.readline() == b"ended\n"
        finally:
            process.kill()
    assert served.account("blog").get("r=/help").status == 200
