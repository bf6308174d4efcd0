"""What is laid beside the program: the rotation of logs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.documents import TOP

PLACES = {"agent": "/var/log/origin-pulls", "apache": "/etc/apache2/logs"}


@pytest.mark.skipif(os.geteuid() != 0, reason="logrotate takes root's name only from root")
def test_logs_are_rotated_and_who_holds_them_open_goes_on_writing(tmp_path: Path) -> None:
    text = (TOP / "appconfig/systemd/origin-pulls.logrotate").read_text()
    for name, place in PLACES.items():
        (tmp_path / name).mkdir()
        assert f"{place}/" in text
        text = text.replace(f"{place}/", f"{tmp_path / name}/")
    rules = tmp_path / "rules"
    rules.write_text(text)
    rules.chmod(0o644)
    logs = [tmp_path / "agent/agent.log", tmp_path / "apache/origin-pulls.log"]
    held = [log.open("a") for log in logs]
    for round_number in (1, 2):
        for log in held:
            log.write(f"round {round_number}\n")
            log.flush()
        words = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(rules)]
        ran = subprocess.run(words, capture_output=True, text=True, check=True)
        assert ran.stderr == ""
        assert [log.read_text() for log in logs] == ["", ""]
    for log in held:
        log.write("after\n")
        log.close()
    assert [log.read_text() for log in logs] == ["after\n", "after\n"]
    kept = sorted(path.name for path in tmp_path.glob("*/*.log.*"))
    assert kept == [
        "agent.log.1",
        "agent.log.2.gz",
        "origin-pulls.log.1.gz",
        "origin-pulls.log.2.gz",
    ]
