"""One vhost: its names, its policy, its certificate, its history, and a proof made now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.actions.desk import Proven
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.names import domain
from origin_pulls.web.answers import not_done, page, say, say_not
from origin_pulls.web.drafts import Said, Staged
from origin_pulls.web.pages import addressed, edge
from origin_pulls.web.policy_form import policy_record, typed_policy
from origin_pulls.web.refused import NotFound
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config, drafts

pages = Blueprint("vhost", __name__)
locks = Blueprint("locks", __name__)

NOTHING: Mapping[str, object] = MappingProxyType({})


@pages.get("/vhosts/<user>/<name>")
def vhost(user: str, name: str) -> str:
    """All there is to know about one vhost, and its form."""
    return _page(user, name, None)


@pages.post("/vhosts/<user>/<name>/prove")
def prove(user: str, name: str) -> str:
    """The same page with a proof made just now."""
    row = addressed.vhost(f"{user}/{name}")
    return _page(user, name, desk.prove(config(), asking(), row.user, row.server_name))


@pages.post("/vhosts/<user>/<name>/policy")
def stage(user: str, name: str) -> str | Answer:
    """Stage what the form says and go to the review; what is wrong in it is said above it."""
    row = addressed.vhost(f"{user}/{name}")
    try:
        record = policy_record(request, may_bring_ca=not account())
        change = Staged(row.user, row.server_name, record)
        drafts().stage(asking().user, [change], time.time())
    except (Refused, Unusable) as error:
        wrong = Said(not_done("Not staged", error), is_bad=True)
        return _page(user, name, None, typed=typed_policy(request), said=wrong)
    return go("review.review")


@pages.get("/vhosts/<user>/<name>/ca")
def authority(user: str, name: str) -> Response:
    """The certificate authority that this vhost trusts, as a file; it is no secret."""
    row = addressed.vhost(f"{user}/{name}")
    shown = desk.show(config(), asking(), row.user, row.server_name)
    pem = "".join(str(one["pem"]) for one in shown["trusted"])
    if not pem:
        raise NotFound(f"{row.server_name} has no certificate yet", hint="Observe it first.")
    answer = Response(pem, mimetype="application/x-pem-file")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.server_name}-ca.pem"'
    return answer


@locks.post("/vhosts/<user>/<name>/lock")
def lock(user: str, name: str) -> Answer:
    """Keep the account holder from changing this vhost, for a reason they can read."""
    row = addressed.vhost(f"{user}/{name}")
    reason = request.form.get("reason", "")
    try:
        desk.lock(config(), asking(), row.user, row.server_name, reason)
    except (Refused, Unusable) as error:
        return go("vhost.vhost", user=user, name=name, said=say_not("Not locked", error))
    said = say(f"{domain(row.server_name)} is locked: its account holder cannot change it.")
    return go("vhost.vhost", user=user, name=name, said=said)


@locks.post("/vhosts/<user>/<name>/unlock")
def unlock(user: str, name: str) -> Answer:
    """Let the account holder change this vhost again."""
    row = addressed.vhost(f"{user}/{name}")
    desk.unlock(config(), asking(), row.user, row.server_name)
    return go(
        "vhost.vhost", user=user, name=name, said=say(f"{domain(row.server_name)} is unlocked.")
    )


def _page(
    user: str,
    name: str,
    proven: Proven | None,
    typed: Mapping[str, object] = NOTHING,
    **values: object,
) -> str:
    """The page; ``typed`` is what its form holds in place of what is in force or staged."""
    row = addressed.vhost(f"{user}/{name}")
    shown = desk.show(config(), asking(), row.user, row.server_name)
    staged = drafts().staged_for(asking().user, [(row.user, row.server_name)])
    asked = edge.now(row) if request.args.get("edge") == "now" else {"seen": None, "problem": None}
    return page(
        "vhost.html",
        domain(row.server_name),
        shown=shown,
        **{**asked, "row": row},
        edge=reading.at_edge(config(), row.user, row.server_name, account=account()),
        proven=proven,
        by_itself=reading.by_itself(config(), row.user, row.server_name, account=account()),
        form={**shown["policy"], **(staged[row.key].wish if row.key in staged else {}), **typed},
        is_staged=row.key in staged,
        settings=reading.settings(config()),
        history=reading.job_rows(
            config(), account=account(), vhost=(row.user, row.server_name), most=10
        ),
        **values,
    )
