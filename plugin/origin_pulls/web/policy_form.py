"""The form of a vhost's policy: what it says, read and checked before it is staged."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Request
from werkzeug.datastructures import FileStorage

from origin_pulls.errors import Unusable
from origin_pulls.model import certificates
from origin_pulls.model.policy import LONGEST_CA, Trust, read_policy

LISTS = ("exempt_names", "exempt_paths", "exempt_networks")
CHOICES = ("trust", "port80", "on_drift")
PASTED, UPLOADED = "What was pasted", "The CA file"


def policy_record(request: Request, *, may_bring_ca: bool) -> dict[str, object]:
    """The parts of a policy that a form says; ``Unusable`` for what cannot be meant.

    Who may not bring a CA keeps the one that an administrator brought, unless they choose another
    kind of trust. Browsers send lines with CR LF.
    """
    record = typed_policy(request)
    if record.get("trust") != Trust.CUSTOM:
        read_policy(record)
        # Else a CA that is in force would be left over, and belong to nothing.
        return {**record, "ca": ""}
    if not may_bring_ca:
        del record["trust"]
        read_policy(record)
        return record
    record["ca"] = _authority(request.files.get("ca_file"), request.form.get("ca", ""))
    read_policy(record)
    return record


def typed_policy(request: Request) -> dict[str, object]:
    """What a form says, as it was typed but for a CA: somebody may have pasted a key with it."""
    form = request.form
    record: dict[str, object] = {"mode": form.get("mode", "")}
    record |= {name: form[name] for name in CHOICES if name in form}
    # One a line: what holds a blank is one thing that was typed, and said to be wrong as it is.
    lines = {name: map(str.strip, form.get(name, "").splitlines()) for name in LISTS}
    return record | {name: list(filter(None, found)) for name, found in lines.items()}


def _authority(uploaded: FileStorage | None, pasted: str) -> str:
    """The certificates of a CA as PEM: those of the file where one was given."""
    is_file = uploaded is not None and bool(uploaded.filename)
    where = UPLOADED if is_file else PASTED
    text = pasted.replace("\r\n", "\n").encode("utf-8", "replace")
    if uploaded is not None and is_file:
        text = uploaded.stream.read(LONGEST_CA + 1)
    if not text.strip():
        raise Unusable(
            "There is no certificate authority", hint="Choose its file, or paste its certificates."
        )
    if len(text) > LONGEST_CA:
        raise Unusable(
            f"{where} is larger than {LONGEST_CA:,} bytes",
            hint="Give the CA's own certificates alone, as PEM.",
        )
    found = certificates.anchors(text, now=datetime.now(UTC), where=where)
    return "".join(one.pem for one in found)
