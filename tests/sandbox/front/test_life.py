"""The panels come and go with their sandbox."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox, processes, services
from origin_pulls.sandbox.front import process
from origin_pulls.sandbox.sandbox import take_down
from tests.conftest import standing
from tests.sandbox.front.browser import Browser

pytestmark = pytest.mark.apache


def urls(sandbox: Sandbox) -> tuple[object, object]:
    """Where the panels answer."""
    said = sandbox.summary()
    return said["whm_url"], said["cpanel_url"]


def test_from_up_to_down() -> None:
    with standing(front=True) as sandbox:
        before, first = urls(sandbox), process.pid(sandbox.layout)
        passwords = sandbox.passwords
        Sandbox.up(sandbox.directory, front=True)
        assert process.pid(sandbox.layout) == first
        assert first is not None
        os.kill(first, signal.SIGKILL)
        processes.end(first, signal.SIGKILL)
        assert "whm_url" not in sandbox.summary()
        Sandbox.up(sandbox.directory, front=True)
        assert urls(sandbox) == before
        assert sandbox.passwords == passwords
        sandbox.reset()
        assert urls(sandbox) == before
        assert Browser(sandbox, whm=True).sign_in("root").get("/").status == 200
        last = process.pid(sandbox.layout)
    assert process.pid(sandbox.layout) is None
    assert last is not None
    assert not Path(f"/proc/{last}").exists()


def test_without_a_mount_namespace_the_bridges_are_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_NO_NAMESPACE", "1")
    with standing(front=True) as sandbox:
        for is_whm, user in ((True, "root"), (False, "shop")):
            shown = Browser(sandbox, whm=is_whm).sign_in(user).open()
            assert "systemctl restart origin-pulls-web" in shown.text
            assert "drawing of a panel" in shown.text


def test_a_sandbox_below_var_has_panels_too() -> None:
    # /var is drawn anew in the panels' namespace, with the sandbox somewhere in it.
    directory = Path(tempfile.mkdtemp(prefix="origin-pulls-", dir="/var/tmp"))
    directory.chmod(0o711)
    try:
        sandbox = Sandbox.up(directory, front=True)
        shown = Browser(sandbox, whm=True).sign_in("root").open()
        assert "systemctl restart origin-pulls-web" in shown.text
    finally:
        take_down(directory)
    assert not directory.exists()


def test_the_agent_is_started_found_and_ended(sandbox: Sandbox) -> None:
    services.start(sandbox.layout, ["agent"])
    first = services.pid(sandbox.layout, "agent")
    services.start(sandbox.layout, ["agent"])
    assert services.pid(sandbox.layout, "agent") == first
    assert services.running(sandbox.layout) == ["agent"]
    services.stop(sandbox.layout)
    assert services.running(sandbox.layout) == []


def test_a_service_that_does_not_start_is_named_with_its_reason(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.SERVICES, "agent", (("no-such-command",), "/run/nothing"))
    with pytest.raises(Refused, match="No such command"):
        services.start(sandbox.layout, ["agent"])
