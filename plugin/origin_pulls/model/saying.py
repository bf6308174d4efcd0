"""What a change means for visitors, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from origin_pulls.model.inventory import Kind, Proxied, Vhost
from origin_pulls.model.policy import Mode, Policy, Port80, Trust

MOST_NAMED = 5
# In observe Apache itself refuses these (docs/ARCHITECTURE.md, what Apache does).
UNFIT = "Only who shows an expired certificate, or one for another purpose, is refused."
TRUSTS = {
    Trust.OWN: "a certificate made here, for this site or its whole zone",
    Trust.CLOUDFLARE: "Cloudflare's shared certificate, which every customer of theirs can present",
    Trust.CUSTOM: "a certificate of the CA that was brought",
}


def words(
    vhost: Vhost, before: Policy, wanted: Policy, states: Mapping[str, Proxied]
) -> Iterator[str]:
    """What will be different for those who visit the vhost, sentence by sentence."""
    if before == wanted:
        yield "It is so already; nothing changes."
        return
    yield from _mode(before, wanted)
    if wanted.mode is Mode.ENFORCE:
        yield from _names(vhost, wanted, states)
    yield from _exemptions(before, wanted)
    yield from _port80(before, wanted)


def services(vhost: Vhost, wanted: Policy) -> list[str]:
    """cPanel's own service names that are demanded the certificate too."""
    if wanted.mode is not Mode.ENFORCE:
        return []
    return [
        name.name
        for name in vhost.names
        if name.kind is Kind.SERVICE and name.name not in wanted.exempt_names
    ]


def known(vhost: Vhost, states: Mapping[str, Proxied]) -> dict[str, Proxied]:
    """Each name of a vhost with what is known of it: noted states before the inventory's own."""
    return {name.name: states.get(name.name, name.proxied) for name in vhost.names}


def is_shut(vhost: Vhost, wanted: Policy, states: Mapping[str, Proxied]) -> bool:
    """Whether nobody could get in: it is demanded, and Cloudflare stands before no name."""
    demanded = [
        state for name, state in known(vhost, states).items() if name not in wanted.exempt_names
    ]
    is_demanding = wanted.mode is Mode.ENFORCE and bool(demanded)
    return is_demanding and all(state is Proxied.DIRECT for state in demanded)


@dataclass(frozen=True, slots=True)
class AtCloudflare:
    """A zone that presents to a vhost; ``needed_by`` is a vhost for which it goes on doing so."""

    zone: str
    needed_by: str = ""


def left(zones: Sequence[AtCloudflare], *, removes: bool) -> list[str]:
    """What becomes of Cloudflare's side where nothing is demanded any more."""
    needed = [
        f"The zone {one.zone} goes on presenting its certificate, because {one.needed_by} needs it."
        for one in zones
        if one.needed_by
    ]
    free = [one.zone for one in zones if not one.needed_by]
    if not free:
        return needed
    verb = "zone" if len(free) == 1 else "zones"
    after = "and the certificate is deleted there" if removes else "the certificate stays there"
    said = (
        "Afterwards Authenticated Origin Pulls is turned off at Cloudflare where nobody needs it "
        f"any longer ({verb} {named(free)}); {after}."
    )
    return [said, *needed]


def _mode(before: Policy, wanted: Policy) -> Iterator[str]:
    if wanted.mode is Mode.OFF and before.mode is not Mode.OFF:
        yield "Nobody is asked for a certificate any more: every visitor is served."
    elif wanted.mode is Mode.OBSERVE and before.mode is Mode.ENFORCE:
        yield (
            "Nobody needs the certificate any more; the server still asks for it and logs who has "
            f"it. {UNFIT}"
        )
    elif wanted.mode is Mode.OBSERVE and before.mode is Mode.OFF:
        yield (
            "Visitors notice nothing: the server asks for the certificate and logs who has it. "
            f"{UNFIT}"
        )
    elif wanted.mode is Mode.ENFORCE and before.mode is not Mode.ENFORCE:
        yield "Who does not come through Cloudflare is refused from now on."
    if wanted.mode is not Mode.OFF and (
        before.mode is Mode.OFF or (before.trust, before.ca) != (wanted.trust, wanted.ca)
    ):
        yield f"What counts is {TRUSTS[wanted.trust]}."


def _names(vhost: Vhost, wanted: Policy, states: Mapping[str, Proxied]) -> Iterator[str]:
    found = {
        name: state
        for name, state in known(vhost, states).items()
        if name not in wanted.exempt_names
    }
    direct = [name for name, state in found.items() if state is Proxied.DIRECT]
    if direct:
        verb = "is" if len(direct) == 1 else "are"
        yield f"{named(direct)} {verb} not behind Cloudflare: whoever visits there is refused."
    unknown = [name for name, state in found.items() if state is Proxied.UNKNOWN]
    if unknown:
        verb = "stands" if len(unknown) == 1 else "stand"
        yield f"Nobody knows yet whether {named(unknown)} {verb} behind Cloudflare."
    # Those of which that was said already need not be named again; the table names them all.
    others = [name for name in services(vhost, wanted) if name not in {*direct, *unknown}]
    if others:
        yield (
            f"cPanel's own services are meant too: {named(others)} (exempt them, or use their "
            "ports)."
        )


def _exemptions(before: Policy, wanted: Policy) -> Iterator[str]:
    if wanted.mode is not Mode.ENFORCE:
        return
    for what, old, new in (
        ("names", before.exempt_names, wanted.exempt_names),
        ("paths", before.exempt_paths, wanted.exempt_paths),
        ("networks", before.exempt_networks, wanted.exempt_networks),
    ):
        if new and (old != new or before.mode is not Mode.ENFORCE):
            yield f"Open to everybody without a certificate: the {what} {named(new)}."
        elif old and not new and before.mode is Mode.ENFORCE:
            yield f"No {what} are exempt any more."


def _port80(before: Policy, wanted: Policy) -> Iterator[str]:
    if before.port80 is wanted.port80:
        return
    match wanted.port80:
        case Port80.LEAVE:
            yield "Plain HTTP on port 80 is left as the site has it."
        case Port80.REDIRECT:
            yield "Plain HTTP on port 80 is sent on to HTTPS."
        case Port80.CLOUDFLARE:
            yield "Plain HTTP on port 80 is served to Cloudflare's networks alone."


def named(listed: Sequence[str]) -> str:
    """The first of them by name, the others as a number."""
    shown = ", ".join(listed[:MOST_NAMED])
    left = len(listed) - MOST_NAMED
    return f"{shown} and {left} more" if left > 0 else shown
