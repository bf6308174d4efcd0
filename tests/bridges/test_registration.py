"""What is registered with the panels: one name everywhere, and files that are there."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

TREE = Path(__file__).parents[2] / "appconfig"


def test_whm_is_told_of_the_script_that_is_laid() -> None:
    lines = (TREE / "whm/originpulls.conf").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines)
    assert said["name"] == "originpulls"
    assert said["service"] == "whostmgr"
    assert said["url"] == f"/cgi/{said['entryurl']}" == "/cgi/addons/originpulls/index.cgi"
    assert (said["user"], said["acls"], said["target"]) == ("root", "all", "_self")
    assert (TREE / "whm" / said["icon"]).is_file()
    assert all(line.isascii() for line in lines)


def test_cpanel_is_told_of_the_page_that_is_laid() -> None:
    (tile,) = json.loads((TREE / "cpanel/install.json").read_text())
    assert tile["id"] == tile["feature"] == "originpulls"
    assert tile["uri"] == "originpulls/index.live.php"
    assert (TREE / "cpanel" / tile["icon"]).is_file()


def test_the_tile_is_as_it_was_drawn_and_48_pixels_wide() -> None:
    laid = (TREE / "cpanel/originpulls.png").read_bytes()
    assert laid == runpy.run_path(str(TREE / "icons.py"))["png"]()
    assert laid[16:24] == (48).to_bytes(4) * 2
