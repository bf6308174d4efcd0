"""What is asked and changed about client certificates: a zone's own, and single names'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from origin_pulls.cloudflare import reading
from origin_pulls.cloudflare.calls import Calls, certain, zone_path
from origin_pulls.cloudflare.transport import Answer
from origin_pulls.cloudflare.values import GONE, Association, EdgeCertificate
from origin_pulls.errors import EdgeRefused, Unusable
from origin_pulls.secret import Secret

READ = "SSL and Certificates: Read"
EDIT = "SSL and Certificates: Edit"
PAGE = 50
MOST_ASSOCIATIONS = 5000
WRONG_ID = 1415

Wanted = tuple[str, str, bool | None]


class CertificateCalls:
    """Zone-level and per-hostname authenticated origin pulls."""

    _calls: Calls

    # -- zone level -------------------------------------------------------------------------

    def zone_aop_is_on(self, zone_id: str) -> bool:
        """Whether the zone's own certificate is presented."""
        answer = self._calls.read(f"{_aop(zone_id)}/settings", needs=READ)
        return certain(reading.switch(answer.result), "whether it is on")

    def set_zone_aop(self, zone_id: str, *, enabled: bool) -> None:
        """Present the zone's own certificate from now on, or do not."""

        def is_so() -> bool | None:
            return self.zone_aop_is_on(zone_id) is enabled or None

        self._calls.write(
            "PUT",
            f"{_aop(zone_id)}/settings",
            lambda: {"enabled": enabled},
            needs=EDIT,
            taken=lambda answer: reading.switch(answer.result) is enabled or None,
            read_back=is_so,
        )

    def zone_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The zone's certificates; deleted ones may still be among them (``is_live``)."""
        return self._certificates(_aop(zone_id))

    def upload_zone_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf with its key, or adopt it where it is there already."""
        return self._upload(_aop(zone_id), pem, key)

    def delete_zone_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate; one that is gone already is no error."""
        self._delete(_aop(zone_id), cert_id)

    # -- single names -----------------------------------------------------------------------

    def hostname_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The certificates for single names: another store than the zone's, with its own ids."""
        return self._certificates(_names_store(zone_id))

    def upload_hostname_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf with its key to the store for single names, or adopt it there."""
        return self._upload(_names_store(zone_id), pem, key)

    def delete_hostname_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate from the store for single names; void its associations first."""
        self._delete(_names_store(zone_id), cert_id)

    def association(self, zone_id: str, hostname: str) -> Association | None:
        """What is set for one name; ``None`` when nothing is, so that the zone's setting counts."""
        name = quote(reading.host_name(hostname), safe="")
        try:
            answer = self._calls.read(f"{_aop(zone_id)}/hostnames/{name}", needs=READ)
        except EdgeRefused as error:
            if error.is_absent:
                return None
            raise
        return next(iter(reading.associations(answer.result)), None)

    def associations(self, zone_id: str, names: Sequence[str] = ()) -> list[Association]:
        """What is set for the single names of a zone, those with ``enabled`` false included.

        ``names`` are asked one by one where Cloudflare does not offer the list.
        """
        pages = self._calls.pages(
            f"{_aop(zone_id)}/hostnames",
            {"status": "all"},
            needs=READ,
            size=PAGE,
            most=MOST_ASSOCIATIONS // PAGE,
        )
        try:
            found = [one for page in pages for one in reading.associations(page.result)]
        except EdgeRefused as error:
            if error.status not in (404, 405) or error.code:
                raise
            asked = (self.association(zone_id, name) for name in names)
            found = [one for one in asked if one]
        # What is being voided stays in this list for a while, beside what came in its place.
        found.sort(key=lambda one: one.status not in GONE)
        return list({one.hostname: one for one in found}.values())

    def associate(self, zone_id: str, wanted: Sequence[Wanted]) -> list[Association]:
        """Set (host name, certificate id, enabled) for names; ``None`` voids.

        What is void is left out of the answer. A void may take minutes until ``association``
        reads ``None``.
        """
        if not wanted:
            return []
        try:
            return self._associate(zone_id, wanted)
        except EdgeRefused as error:
            if error.code != WRONG_ID or all(enabled is not None for _, _, enabled in wanted):
                raise
        if len(wanted) == 1:
            # The certificate is gone already: what refers to it has no effect any more.
            return []
        return [one for single in wanted for one in self.associate(zone_id, [single])]

    # -- both -------------------------------------------------------------------------------

    def _associate(self, zone_id: str, wanted: Sequence[Wanted]) -> list[Association]:
        def taken(answer: Answer) -> list[Association] | None:
            if not isinstance(answer.result, list | dict):
                return None
            return reading.associations(answer.result)

        def read_back() -> list[Association] | None:
            found = [self.association(zone_id, name) for name, _, _ in wanted]
            pairs = zip(found, wanted, strict=True)
            if all(_is_as_wanted(one, want) for one, want in pairs):
                return [one for one in found if one]
            return None

        config = [
            {"hostname": reading.host_name(name), "cert_id": cert_id, "enabled": enabled}
            for name, cert_id, enabled in wanted
        ]
        return self._calls.write(
            "PUT",
            f"{_aop(zone_id)}/hostnames",
            lambda: {"config": config},
            needs=EDIT,
            taken=taken,
            read_back=read_back,
        )

    def _certificates(self, store: str) -> list[EdgeCertificate]:
        # Both lists come in one page, whatever is asked.
        return reading.certificates(self._calls.read(store, needs=READ).result)

    def _upload(self, store: str, pem: str, key: Secret) -> EdgeCertificate:
        digest = reading.sha256(pem)
        if not digest:
            raise Unusable(
                "The certificate to upload is no PEM certificate",
                hint="Make it anew, or import another.",
            )

        def body() -> Mapping[str, object]:
            return {"certificate": pem, "private_key": key.reveal().decode("ascii")}

        def taken(answer: Answer) -> EdgeCertificate | None:
            found = reading.certificates(answer.result)
            return next((one for one in found if _is_same(one, pem, digest)), None)

        def read_back() -> EdgeCertificate | None:
            found = [
                one
                for one in self._certificates(store)
                if one.is_live and _is_same(one, pem, digest)
            ]
            return next(iter(sorted(found, key=lambda one: not one.is_active)), None)

        return self._calls.write("POST", store, body, needs=EDIT, taken=taken, read_back=read_back)

    def _delete(self, store: str, cert_id: str) -> None:
        place = f"{store}/{quote(cert_id, safe='')}"

        def read_back() -> bool | None:
            try:
                answer = self._calls.read(place, needs=READ)
            except EdgeRefused as error:
                if error.is_absent:
                    return True
                raise
            found = reading.certificates(answer.result)
            return True if found and not found[0].is_live else None

        self._calls.write(
            "DELETE",
            place,
            needs=EDIT,
            taken=lambda _: True,
            read_back=read_back,
            gone=True,
        )


def _is_same(one: EdgeCertificate, pem: str, digest: str) -> bool:
    """By the DER; by the text where Cloudflare's copy cannot be parsed."""
    return one.sha256 == digest if one.sha256 else reading.same_text(one.pem, pem)


def _is_as_wanted(found: Association | None, wanted: Wanted) -> bool:
    _, cert_id, enabled = wanted
    if enabled is None or found is None:
        return enabled is None and found is None
    return found.cert_id == cert_id and found.enabled is enabled


def _aop(zone_id: str) -> str:
    return f"{zone_path(zone_id)}/origin_tls_client_auth"


def _names_store(zone_id: str) -> str:
    return f"{_aop(zone_id)}/hostnames/certificates"
