"""What stands in the way at Cloudflare, found and explained before anything is touched there."""

from __future__ import annotations

from collections.abc import Iterator

from origin_pulls.errors import Refused
from origin_pulls.model.edge import TLS_MODES, Form, ZoneSeen
from origin_pulls.model.edge_steps import Aim, Next, step_on

MOST_HOSTNAME_CERTIFICATES = 10  # of one zone (developers.cloudflare.com, per-hostname limits)


def next_on(aim: Aim, seen: ZoneSeen) -> Next:
    """The next step on the way to presenting; what stands in the way is raised."""
    problem = next(hindrances(aim, seen), None)
    if problem is not None:
        raise problem
    return step_on(aim, seen)


def hindrances(aim: Aim, seen: ZoneSeen) -> Iterator[Refused]:
    """What stands in the way at the edge, before anything is touched there."""
    yield from _of_zone(seen)
    yield from _of_names(aim, seen)
    match aim.form:
        case Form.SHARED:
            yield from _of_shared(seen)
        case Form.ZONE:
            yield from _of_zone_store(aim, seen)
        case Form.HOSTNAME:
            yield from _of_slots(aim, seen)


def _of_zone(seen: ZoneSeen) -> Iterator[Refused]:
    if seen.status != "active":
        yield Refused(
            f"The zone {seen.name} is {seen.status} at Cloudflare: it stands before no name yet",
            hint="Let the domain's name servers point to Cloudflare, and wait until it is active.",
        )
    if seen.is_paused:
        yield Refused(
            f"The zone {seen.name} is paused at Cloudflare: visitors come straight to this server",
            hint="Enable Cloudflare on the zone again (dashboard, Overview).",
        )
    if seen.ssl_mode not in TLS_MODES:
        yield Refused(
            f"The encryption mode of {seen.name} is {seen.ssl_mode}: Cloudflare comes by plain "
            "HTTP, and no certificate is presented there",
            hint="Set SSL/TLS to Full (strict) in Cloudflare's dashboard first.",
        )


def _of_names(aim: Aim, seen: ZoneSeen) -> Iterator[Refused]:
    ids = {one.id for one in seen.hostname_certificates if one.sha256 in aim.ours | {aim.leaf}}
    for host in aim.hosts:
        association = seen.association(host)
        if association is None:
            continue
        if not association.enabled:
            yield Refused(
                f"Cloudflare is told to present no certificate to {host} (per-hostname "
                "Authenticated Origin Pulls, enabled: false)",
                hint="Remove that setting in the dashboard (SSL/TLS, Origin Server).",
            )
        elif association.cert_id not in ids:
            yield Refused(
                f"Somebody else's certificate is set for {host} at Cloudflare",
                hint="Remove it there (SSL/TLS, Origin Server); or trust its CA: `--trust custom "
                "--ca FILE --edge-ready`.",
            )
        if aim.form is Form.HOSTNAME and host.startswith("*."):
            yield Refused(
                f"{host} is proxied, and a certificate cannot be set for a wildcard",
                hint="Give its names records of their own at Cloudflare, or exempt them.",
            )


def _of_zone_store(aim: Aim, seen: ZoneSeen) -> Iterator[Refused]:
    known = aim.ours | {aim.leaf}
    foreign = [one for one in seen.live(Form.ZONE) if one.sha256 not in known]
    if foreign:
        yield Refused(
            f"The zone {seen.name} holds a certificate for origin pulls that is not ours "
            f"({foreign[0].id}); a second one would push it aside",
            hint="Delete it at Cloudflare (SSL/TLS, Origin Server) if nobody needs it; or trust "
            "its CA: `--trust custom --ca FILE --edge-ready`.",
        )


def _of_slots(aim: Aim, seen: ZoneSeen) -> Iterator[Refused]:
    live = seen.live(Form.HOSTNAME)
    if any(one.sha256 == aim.leaf for one in live):
        return
    most = MOST_HOSTNAME_CERTIFICATES - (0 if aim.may_fill else 1)
    if len(live) >= most:
        yield Refused(
            f"The zone {seen.name} holds {len(live)} of {MOST_HOSTNAME_CERTIFICATES} certificates "
            "for single names; one place is kept free, for rotation",
            hint="Delete one that nobody uses at Cloudflare (SSL/TLS, Origin Server).",
        )


def _of_shared(seen: ZoneSeen) -> Iterator[Refused]:
    if not seen.shared_switch:
        yield Refused(
            f"Cloudflare's shared certificate is not on for {seen.name}",
            hint="Turn Authenticated Origin Pulls (global) on in the dashboard, or better use the "
            "certificate of your own: `--trust own`. The shared one proves Cloudflare, not you.",
        )
    if seen.zone_switch and any(one.is_active for one in seen.live(Form.ZONE)):
        yield Refused(
            f"{seen.name} presents a certificate of its own, not Cloudflare's shared one",
            hint="Use `--trust own`.",
        )
