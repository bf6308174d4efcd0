"""An Apache that is down is started outside of the agent's service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from origin_pulls.config import Config
from origin_pulls.server.apache import Apache

NAMES = ("dir_base", "bin_httpd", "file_conf", "dir_conf", "dir_conf_userdata", "dir_run")


@pytest.fixture
def apache(tmp_path: Path) -> Apache:
    """An Apache whose programs write down how they were called."""
    config = Config.at(tmp_path)
    config.paths_conf.parent.mkdir(parents=True)
    config.paths_conf.write_text("".join(f"{name}=/\n" for name in (*NAMES, "dir_logs")))
    for program in (config.restart_program, config.systemd_run_program):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text('#!/bin/sh\necho "$0" "$@"\n')
        program.chmod(0o755)
    return Apache(config)


def test_as_a_service_it_is_started_as_a_unit_of_its_own(
    apache: Apache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOCATION_ID", "0123456789abcdef")
    said = apache.start().output.split()
    config = apache.config
    assert said[0] == str(config.systemd_run_program)
    assert {"--wait", "--pipe"} <= set(said)
    assert said[-2:] == [str(config.restart_program), "--start"]


def test_by_hand_or_without_systemd_run_it_is_started_directly(
    apache: Apache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    direct = [str(apache.config.restart_program), "--start"]
    assert apache.start().output.split() == direct
    monkeypatch.setenv("INVOCATION_ID", "0123456789abcdef")
    without = replace(apache.config, systemd_run_program=Path("/nowhere"))
    assert Apache(without).start().output.split() == direct
