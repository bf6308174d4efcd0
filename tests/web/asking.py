"""Asks a service's socket as a bridge does: one request from stdin, its whole answer to stdout."""

import contextlib
import socket
import sys


def main() -> None:
    """``asking.py SOCKET``; exit code 7 when the socket does not let us in."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(120)
        try:
            connection.connect(sys.argv[1])
        except OSError:
            sys.exit(7)
        # A service that has heard enough still answers.
        with contextlib.suppress(OSError):
            connection.sendall(sys.stdin.buffer.read())
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                sys.stdout.buffer.write(part)


main()
