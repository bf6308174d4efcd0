"""Random facts and policies: what servers have and people want, as values."""

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from origin_pulls.model import certificates, include
from origin_pulls.model.certificates import Anchor
from origin_pulls.model.facts import EdgeFacts, File, ServerFacts, VhostFacts
from origin_pulls.model.inventory import Kind, Name, Vhost
from origin_pulls.model.plan import Change, fingerprints
from origin_pulls.model.policy import Mode, Policy, Port80, Trust

NOW = datetime(2026, 11, 23, tzinfo=UTC)
USERDATA = "/etc/apache2/conf.d/userdata"
VERSION = (2, 4, 71)


def anchor(name: str) -> Anchor:
    """An anchor that is only a name; plans never look into it."""
    return Anchor(
        pem=f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n",
        sha256=name,
        subject=f"CN={name}",
        expires=NOW,
        is_authority=True,
        is_self_signed=True,
    )


OWN, SHARED, PROBE = anchor("own"), anchor("shared"), anchor("probe")
ANCHORS = {Trust.OWN: OWN, Trust.CLOUDFLARE: SHARED, Trust.CUSTOM: anchor("custom")}


def trusted(policy: Policy) -> tuple[Anchor, ...]:
    """The anchors of a policy."""
    return () if policy.mode is Mode.OFF else (ANCHORS[policy.trust],)


def vhost(number: int, *, is_included: bool, is_plain_included: bool) -> Vhost:
    """A vhost with a service name that cPanel proxies away."""
    name = f"site{number}.example"
    folder = f"{USERDATA}/ssl/2_4/user{number}/{name}"
    plain = f"{USERDATA}/std/2_4/user{number}/{name}"
    return Vhost(
        user=f"user{number}",
        server_name=name,
        owner="root",
        is_ssl=True,
        names=(
            Name(name, Kind.MAIN),
            Name(f"www.{name}", Kind.WWW),
            Name(f"webmail.{name}", Kind.SERVICE, (f"webmail.{name}", f"webmail.{name}:443")),
        ),
        addresses=("192.0.2.1:443",),
        plain_addresses=("192.0.2.1:80",),
        document_root=f"/home/user{number}/public_html",
        include_directory=folder,
        includes=(f"{folder}/*.conf",) if is_included else (),
        plain_include_directory=plain,
        plain_includes=(f"{plain}/*.conf",) if is_plain_included else (),
    )


modes = st.sampled_from(Mode)
paths = st.sampled_from(("/open", "/wp-json", "/.well-known"))


@st.composite
def policies(draw: st.DrawFn, number: int = 1) -> Policy:
    """Any policy for the vhost of this number."""
    trust = draw(st.sampled_from(Trust))
    return Policy(
        mode=draw(modes),
        trust=trust,
        exempt_names=draw(st.sampled_from(((), (f"webmail.site{number}.example",)))),
        exempt_paths=tuple(sorted(draw(st.sets(paths, max_size=2)))),
        exempt_networks=draw(st.sampled_from(((), ("198.51.100.0/24",)))),
        port80=draw(st.sampled_from(Port80)),
        ca="pem" if trust is Trust.CUSTOM else "",
    )


@st.composite
def changes(draw: st.DrawFn, number: int = 1) -> Change:
    """A vhost in any policy, its files as that policy wrote them, and any wanted one.

    The edge presents what is demanded now (the site is reachable before), and may present more;
    where it is not managed, it presents already what is wanted (``refusals`` sees to that).
    """
    now, wanted = draw(policies(number)), draw(policies(number))
    is_managed = draw(st.booleans())
    presents = draw(st.sets(st.sampled_from([one.sha256 for one in ANCHORS.values()])))
    if now.mode is Mode.ENFORCE:
        presents |= fingerprints(trusted(now))
    if wanted.mode is Mode.ENFORCE and not is_managed:
        presents |= fingerprints(trusted(wanted))
    is_on = now.mode is not Mode.OFF
    site = vhost(
        number,
        is_included=is_on or draw(st.booleans()),
        is_plain_included=now.port80 is not Port80.LEAVE or draw(st.booleans()),
    )
    bundle = Path(f"/etc/origin-pulls/trust/user{number}/{site.server_name}.pem")
    secure = include.secure(now, site, bundle=str(bundle), depth=1, version=VERSION)
    plain = include.plain(now, ranges=("203.0.113.0/24",), https_port=443)
    found = VhostFacts(
        vhost=site,
        policy=now,
        secure=File(Path(site.include_directory, include.FILE_NAME), secure if is_on else None),
        plain=File(
            Path(site.plain_include_directory, include.FILE_NAME),
            plain if now.port80 is not Port80.LEAVE else None,
        ),
        bundle=File(bundle, certificates.bundle((*trusted(now), PROBE)) if is_on else None),
        trusted=trusted(wanted),
        trusted_now=trusted(now),
        probe=PROBE,
        edge=EdgeFacts(presents=frozenset(presents), is_managed=is_managed),
    )
    return Change(found, wanted)


def server(*, is_used_by_others: bool = False) -> ServerFacts:
    """A server in order."""
    modules = {"ssl_module", "rewrite_module", "setenvif_module", "log_config_module"}
    return ServerFacts(
        version=VERSION,
        modules=frozenset(modules),
        server_include=File(Path("/etc/apache2/conf.d/origin-pulls.conf")),
        request_log="/var/log/origin-pulls/requests.log",
        ranges=("203.0.113.0/24",),
        is_used_by_others=is_used_by_others,
    )
