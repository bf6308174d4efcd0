"""What changes at Cloudflare: uploads, deletions, associations, with their life cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from origin_pulls.sandbox.cloudflare import leaves, shapes
from origin_pulls.sandbox.cloudflare.refusals import ApiRefusal, invalid
from origin_pulls.sandbox.cloudflare.shapes import Shape
from origin_pulls.sandbox.cloudflare.state import Association, Certificate, World, Zone

INVENTED_QUOTA = 1492
MAX_HOSTNAMES = 100


@dataclass(frozen=True, slots=True)
class Store:
    """One of the two certificate stores of a zone, and the operations on it."""

    world: World
    zone: Zone
    kind: str

    @property
    def held(self) -> list[Certificate]:
        """Its certificates, tombstones too."""
        return self.zone.certificates(self.kind)

    def listed(self) -> list[Shape]:
        """What the list shows: what is not deleted yet."""
        return [self.shape(one) for one in self.held if one.status != "deleted"]

    def shape(self, one: Certificate) -> Shape:
        """A certificate as this store shows it."""
        return shapes.certificate(one, store=self.kind)

    def find(self, cert_id: str) -> Certificate:
        """A certificate by its id, tombstones too."""
        found = next((one for one in self.held if one.id == cert_id), None)
        if found is None:
            raise ApiRefusal(404, 1551, "certificate not found")
        return found

    def upload(self, body: dict[str, Any]) -> Certificate:
        """Take a certificate; the same one again, once deleted, comes back under its old id."""
        _only(body, "certificate", "private_key")
        pem, key = (str(body.get(name) or "") for name in ("certificate", "private_key"))
        sha256 = leaves.accepted(pem, key)
        same = next((one for one in self.held if one.sha256 == sha256), None)
        if same and (same.is_live or self._is_held_back(same)):
            raise ApiRefusal(400, 1406, "This certificate already exists for this zone.")
        self._check_quota()
        if same:
            self.held.remove(same)
        made = Certificate(
            same.id if same else self.world.new_id(), pem, key, sha256, shapes.now_text()
        )
        self._begin(made)
        self.held.append(made)
        return made

    def delete(self, cert_id: str) -> Certificate:
        """Begin to delete a certificate."""
        found = self.find(cert_id)
        if found.status == "deleted":
            raise ApiRefusal(400, 1552, "Certificate is already deleted.")
        if found.status == "pending_deletion":
            raise ApiRefusal(400, 1414, "Certificate is pending deletion")
        if found.status in ("pending_deployment", "initializing"):
            text = "Cannot delete resource while in pending deployment state"
            raise ApiRefusal(400, 1434, text)
        if self.kind == "hostname" and self._is_in_use(found):
            raise ApiRefusal(400, 1433, "Certificate is in use by one or more hostnames")
        found.status, found.goal = "pending_deletion", "deleted"
        found.due = self.world.now() + self.world.switches.deletion
        return found

    def _is_held_back(self, same: Certificate) -> bool:
        pending = same.status == "pending_deletion"
        return pending and self.world.switches.reupload_while_pending == "1406"

    def _check_quota(self) -> None:
        switches = self.world.switches
        most = switches.zone_certificates if self.kind == "zone" else switches.hostname_certificates
        if sum(one.status != "deleted" for one in self.held) >= most:
            raise ApiRefusal(400, INVENTED_QUOTA, "Certificate quota has been reached.")

    def _begin(self, made: Certificate) -> None:
        switches = self.world.switches
        made.due = self.world.now() + switches.deployment
        if not switches.fate_times:
            return
        switches.fate_times -= 1
        if switches.fate == "deployment_timed_out":
            made.goal = switches.fate
            return
        made.due = None
        if switches.fate != "stuck":
            made.status = switches.fate

    def _is_in_use(self, found: Certificate) -> bool:
        """Whether an association refers to it, the one that is wanted or the one still served."""
        spared = self.world.switches.delete_disabled
        for one in self.zone.associations:
            is_void = one.enabled is None and one.due is None
            if is_void or found.id not in (one.cert_id, one.live_cert_id):
                continue
            if not (spared and one.enabled is False):
                return True
        return False


def associate(world: World, zone: Zone, body: dict[str, Any]) -> list[Shape]:
    """Bind host names to certificates, all of the list or none of it."""
    _only(body, "config")
    config = body.get("config")
    if not isinstance(config, list) or not config or len(config) > MAX_HOSTNAMES:
        raise invalid("config must be a list of 1 to 100 entries")
    checked = [_checked(zone, entry) for entry in config]
    changed = [_bound(world, zone, *entry) for entry in checked]
    return [shape(zone, one) for one in changed]


def shape(zone: Zone, one: Association) -> Shape:
    """An association as it is shown."""
    held = next((held for held in zone.hostname_certificates if held.id == one.cert_id), None)
    return shapes.association(one, held)


def _checked(zone: Zone, entry: object) -> tuple[str, str, bool | None]:
    if not isinstance(entry, dict):
        raise invalid("an entry of config must be an object")
    _only(entry, "hostname", "cert_id", "enabled")
    hostname, cert_id, enabled = (entry.get(name) for name in ("hostname", "cert_id", "enabled"))
    if not isinstance(hostname, str) or not hostname:
        raise invalid("missing hostname")
    if not f".{hostname}".endswith(f".{zone.name}"):
        raise invalid(f"hostname {hostname} is not part of this zone")
    if not cert_id:
        raise ApiRefusal(400, 1404, "Certificate ID required")
    if enabled is not None and not isinstance(enabled, bool):
        raise invalid("enabled must be true, false or null")
    held = next((one for one in zone.hostname_certificates if one.id == cert_id), None)
    if held is None or (enabled is not None and not held.is_live):
        raise ApiRefusal(400, 1415, "Invalid Certificate ID")
    return hostname, held.id, enabled


def _bound(
    world: World, zone: Zone, hostname: str, cert_id: str, enabled: bool | None
) -> Association:
    now = shapes.now_text()
    found = next((one for one in zone.associations if one.hostname == hostname), None)
    if found is None:
        found = Association(hostname, cert_id, enabled, now, now)
        zone.associations.append(found)
    found.cert_id, found.enabled, found.updated_at = cert_id, enabled, now
    switches = world.switches
    is_void = enabled is None
    found.status = "pending_deletion" if is_void else "pending_deployment"
    found.due = world.now() + (switches.voiding if is_void else switches.association)
    return found


def _only(body: dict[str, Any], *known: str) -> None:
    if unknown := sorted(set(body) - set(known)):
        raise invalid(f"unknown field {unknown[0]}")
