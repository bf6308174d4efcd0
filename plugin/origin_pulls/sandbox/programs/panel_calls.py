"""The WHM API 1 calls about plugins: what is registered, which features an account has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import appconfig, userdata
from origin_pulls.sandbox.front import features
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.switches import Switches

Answer = dict[str, Any]


def get_appconfig_application_list(
    layout: Layout, _given: Mapping[str, str], _positions: Switches
) -> Answer:
    """The registered applications by service."""
    return appconfig.listed(layout)


def verify_user_has_feature(
    layout: Layout, given: Mapping[str, str], positions: Switches
) -> Answer:
    """Whether an account has a feature; one that no plugin registered nobody has."""
    user, feature = given.get("user", ""), given.get("feature", "")
    if user not in userdata.users(layout):
        raise Refused(f"The user “{user}” does not exist.")
    is_known = layout.at(f"/usr/local/cpanel/whostmgr/addonfeatures/{feature}").is_file()
    may = positions.features and features.has(layout, user, feature)
    return {"has_feature": int(is_known and may)}


CALLS: Mapping[str, Callable[[Layout, Mapping[str, str], Switches], Answer]] = {
    "get_appconfig_application_list": get_appconfig_application_list,
    "verify_user_has_feature": verify_user_has_feature,
}
