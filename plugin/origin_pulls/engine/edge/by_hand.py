"""Who trusts a certificate of ours by hand, so that taking it away would lock visitors out."""

from __future__ import annotations

from collections.abc import Iterator

from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.certificates import anchors
from origin_pulls.model.policy import Mode, Policy, Trust
from origin_pulls.server import certificates
from origin_pulls.store.rollouts import EdgeStore

ANOTHER = "another account's site on this server"


def trusting(server: Server, number: str, user: str) -> list[str]:
    """Who demands the certificate of this number by its CA, which a person gave them.

    Nothing that is known of Cloudflare says so: their policy is ``--trust custom``, or
    ``--edge-ready`` with this very certificate. The vhosts of ``user`` come by name; what other
    accounts have is nobody else's to read.
    """
    kept = certificates.kept(server.config.keys_directory / number) if number else None
    if kept is None:
        return []
    wanted = certificates.fingerprint(kept.authority)
    known = {one.place for one in EdgeStore(server.store).valid() if one.material == number}
    return sorted(
        place[2] if place[0] == user else ANOTHER
        for place, applied in server.store.policies().items()
        if wanted in _demanded(server, applied.policy)
        or (place not in known and number in _by_word(server, place, applied.policy))
    )


def refusals(server: Server, number: str, user: str) -> Iterator[Refused]:
    """Why the certificate of this number cannot be replaced by another, if it cannot."""
    for who in trusting(server, number, user)[:1]:
        yield Refused(
            f"{who} trusts the CA of the present certificate by hand and would refuse the next one",
            hint="Let Origin Pulls look after it too: `origin-pulls enforce NAME --trust own`; or "
            "relax it first. `origin-pulls list` shows who trusts what.",
        )


def _demanded(server: Server, policy: Policy) -> set[str]:
    if policy.mode is not Mode.ENFORCE or policy.trust is not Trust.CUSTOM:
        return set()
    try:
        return {one.sha256 for one in anchors(policy.ca, now=server.clock())}
    except Unusable:
        return set()  # it lets nobody in as it is


def _by_word(server: Server, place: tuple[str, str, str], policy: Policy) -> list[str]:
    """The certificates of ours that a vhost demands by a person's word that they are presented."""
    if policy.mode is not Mode.ENFORCE or not policy.edge_ready or policy.trust is not Trust.OWN:
        return []
    return server.store.material(*place).split()
