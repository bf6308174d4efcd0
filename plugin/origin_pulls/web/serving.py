"""Serves the pages on a UNIX socket: gunicorn with threads, as the user without privileges."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.server import files, users
from origin_pulls.web import assets
from origin_pulls.web.app import create_app
from origin_pulls.web.assets import Assets
from origin_pulls.web.caller import Side, peer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FIRST_PASSED = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
AT_ONCE = 2  # connections of one account: one is answered, one waits
# What gunicorn and Flask load late: it must be there before root's privileges are given up, for
# the tree and its Python may lie where only root can read (a sandbox below /root).
NEEDED = (
    *("gunicorn.arbiter", "gunicorn.glogging", "gunicorn.http.wsgi", "gunicorn.workers.workertmp"),
    *("concurrent.futures.thread", "encodings.idna", "encodings.punycode", "http.client"),
    *("encodings.unicode_escape", "encodings.latin_1", "encodings.ascii", "encodings.utf_8_sig"),
    *("multiprocessing", "werkzeug.debug", "werkzeug.formparser", "unicodedata", "stringprep"),
)
SOCKET_MODES = {Side.ADMIN: (0o700, 0o600), Side.ACCOUNT: (0o755, 0o666)}
BUSY = (
    b"HTTP/1.0 429 Too Many Requests\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"X-Origin-Pulls-Frame: Origin%20Pulls\r\nRetry-After: 3\r\nCache-Control: no-store\r\n"
    b"Connection: close\r\n\r\n"
    b'<div class="origin-pulls"><h2>One thing at a time</h2><p>Another request of yours is still '
    b'being answered. Wait a few seconds; nothing was changed.</p><p><a href="?r=/">Domains</a>'
    b"</p></div>\n"
)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A thread worker in which no account can take all threads, not even before it is heard.

    On the accounts' socket it counts connections by the user id that the kernel names. A
    client that falls silent is let go of, and so is one that does not come to an end: its
    silences are short, and each read would begin to count anew.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.busy: dict[int, int] = {}
        self.counting = threading.Lock()

    def enqueue_req(self, conn: TConn) -> None:
        """Let a thread answer this connection, unless its owner has enough of them."""
        uid = peer(conn.sock)
        if not self._enter(uid):
            _turn_away(conn)
            self.nr_conns -= 1
            return
        limit = struct.pack("ll", int(self.app.silence), 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        future = self.tpool.submit(self.handle, conn)
        future.add_done_callback(lambda _: self._leave(uid))
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def handle(self, conn: TConn) -> Any:
        """Answer a connection; what has not arrived after some seconds is not waited for."""
        end = threading.Timer(self.app.arrival, _hear_no_more, [conn.sock])
        end.daemon = True
        end.start()
        try:
            return super().handle(conn)
        finally:
            end.cancel()

    def _enter(self, uid: int) -> bool:
        with self.counting:
            here = self.busy.get(uid, 0)
            if here >= self.app.at_once:
                return False
            self.busy[uid] = here + 1
            return True

    def _leave(self, uid: int) -> None:
        with self.counting:
            self.busy[uid] -= 1
            if not self.busy[uid]:
                del self.busy[uid]


def _hear_no_more(connection: socket.socket) -> None:
    """End the request where it is; a whole one is answered all the same."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _turn_away(conn: TConn) -> None:
    """Say "too many" without waiting for anything, not even for the request."""
    try:
        conn.sock.setblocking(False)
        conn.sock.send(BUSY)
    except OSError:
        pass
    conn.close()


class Service(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One side's pages in gunicorn."""

    def __init__(self, config: Config, side: Side, loaded: Assets) -> None:
        self.config = config
        self.loaded = loaded
        self.side = side
        self.silence = config.page_silence
        self.arrival = config.page_arrival
        self.at_once = AT_ONCE if side is Side.ACCOUNT else config.page_threads
        super().__init__()

    def load_config(self) -> None:
        """Settings of gunicorn: few processes, short headers, no connection kept."""
        settings = {
            "worker_class": "origin_pulls.web.serving.Worker",
            "threads": self.config.page_threads,
            "workers": 1,
            "keepalive": 0,
            "limit_request_line": 4094,
            "limit_request_fields": 40,
            "limit_request_field_size": 4096,
            "graceful_timeout": 20,
            "timeout": 120,
            "control_socket_disable": True,
            # gunicorn took down who we were when it was loaded.
            "user": os.geteuid(),
            "group": os.getegid(),
            "proc_name": f"origin-pulls-web-{self.side}",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """The application, made in the process that answers."""
        return create_app(self.config, self.side, self.loaded)


def serve(config: Config, side: Side) -> None:
    """Answer on this side's socket until SIGTERM.

    systemd passes the socket; started by hand as root, it is made here, and root's privileges
    are given up before the first request.
    """
    os.chdir("/")
    loaded = assets.load()
    for module in NEEDED:
        importlib.import_module(module)
    if not _is_passed():
        _pass_on(_bind(config, side))
    if os.geteuid() == 0:
        _step_down(config)
    Service(config, side, loaded).run()


def _is_passed() -> bool:
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and "LISTEN_FDS" in os.environ


def _bind(config: Config, side: Side) -> socket.socket:
    path = config.admin_socket if side is Side.ADMIN else config.account_socket
    if os.geteuid() != 0:
        raise Refused(f"{path} is root's to make", hint="Start the service by systemd, or as root.")
    directory_mode, mode = SOCKET_MODES[side]
    files.make_directory(path.parent.parent)
    files.make_directory(path.parent, mode=directory_mode)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o777 & ~mode)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    listener.listen(128)
    return listener


def _pass_on(listener: socket.socket) -> None:
    """Hand the socket to gunicorn as systemd would (sd_listen_fds(3))."""
    os.dup2(listener.fileno(), FIRST_PASSED)
    if listener.fileno() != FIRST_PASSED:
        listener.close()
    else:
        listener.detach()
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}


def _step_down(config: Config) -> None:
    """Become the web service's user, for good."""
    found = users.ids(config.passwd, config.web_user)
    if found is None or 0 in found:
        raise Refused(
            f"There is no user {config.web_user}, as whom the pages are served",
            hint=f"useradd --system --no-create-home --shell /sbin/nologin {config.web_user}",
        )
    uid, gid = found
    files.make_directory(config.pages_directory.parent)
    files.make_directory(config.pages_directory, mode=0o700)
    os.chown(config.pages_directory, uid, gid)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    os.environ["HOME"] = str(config.pages_directory)
