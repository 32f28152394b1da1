"""The signed statement of a run: an in-toto test result in a DSSE envelope, bound to the spec that was judged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, UnverifiedSignatureError, VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # re-exported without saying so

from greenfield.errors import VerifyError
from greenfield.report.signing_key import public_key_of, signer
from greenfield.verify.results import RunResult

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
RESULTS = {"accepted": "PASSED", "not accepted": "FAILED", "not judged": "FAILED"}
"""The predicate knows no third verdict; what could not be judged has not passed. ``annotations`` tell the two apart."""


def statement(run: RunResult, results: bytes) -> dict[str, Any]:
    """The in-toto statement. Its subjects are the spec and the results file, by SHA-256."""
    identity = run.identity
    tests = {check.control + "/" + check.target: check.outcome for check in run.checks}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": f"{identity.site}/{identity.cluster}", "digest": {"sha256": identity.spec_digest}},
            {"name": f"{identity.cluster}.json", "digest": {"sha256": hashlib.sha256(results).hexdigest()}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": RESULTS[run.verdict] if not identity.selection else "WARNED" if not run.exit_code else "FAILED",
            "configuration": [
                {"name": f"standard/{identity.standard}", "digest": {"sha256": identity.standard_digest}}
            ],
            "passedTests": sorted(name for name, outcome in tests.items() if outcome == "passed"),
            "warnedTests": sorted(name for name, outcome in tests.items() if outcome == "waived"),
            "failedTests": sorted(name for name, outcome in tests.items() if outcome in ("failed", "error")),
            "annotations": {
                "verdict": run.verdict,
                "started": identity.started,
                "finished": identity.finished,
                "by": identity.by,
                "selection": list(identity.selection),
                "versions": dict(identity.versions),
                "waivers": [
                    {
                        "control": check.control,
                        "target": check.target,
                        "owner": check.waiver.owner,
                        "reason": check.waiver.reason,
                        "until": check.waiver.until.isoformat(),
                    }
                    for check in run.waived
                    if check.waiver
                ],
                "notApplicable": [
                    {"control": check.control, "target": check.target, "reason": check.message}
                    for check in run.inapplicable
                ],
            },
        },
    }


def sign(run: RunResult, results: bytes, key: Path) -> bytes:
    """The statement in a DSSE envelope, signed with the site's key (made on first use).

    Raises:
        VerifyError: the key can't be read or made.
    """
    payload = json.dumps(statement(run, results), sort_keys=True).encode()
    envelope = Envelope(payload=payload, payload_type=PAYLOAD_TYPE, signatures={})
    envelope.sign(signer(key))
    return json.dumps(envelope.to_dict(), indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement whose signature holds. ``result`` is the predicate's, ``spec_digest`` what was judged."""

    name: str
    spec_digest: str
    result: str
    verdict: str
    finished: str
    failed: int
    waived: int


def verify(path: Path, public_key: Path) -> Verified:
    """Check the signature of a statement file with the site's public key.

    Raises:
        VerifyError: the file is no such statement, or the signature is not the site's.
    """
    try:
        envelope = Envelope.from_dict(json.loads(path.read_bytes()))
        key = _public(public_key)
        envelope.verify([key], threshold=1)
        document = json.loads(envelope.payload)
        subject, predicate = document["subject"][0], document["predicate"]
        if envelope.payload_type != PAYLOAD_TYPE or document["predicateType"] != PREDICATE_TYPE:
            raise VerifyError(f"{path} is signed, but is no test result: {document['predicateType']}")
        return Verified(
            subject["name"],
            subject["digest"]["sha256"],
            predicate["result"],
            predicate["annotations"]["verdict"],
            predicate["annotations"]["finished"],
            len(predicate["failedTests"]),
            len(predicate["warnedTests"]),
        )
    except (UnverifiedSignatureError, VerificationError) as error:
        raise VerifyError(
            f"{path} was not signed with {public_key}", fix="don't trust it; run the acceptance again"
        ) from error
    except OSError as error:
        raise VerifyError(f"{error.filename}: {error.strerror}", fix="name the statement and the site's key") from error
    except (ValueError, KeyError, TypeError, IndexError, FormatError) as error:
        raise VerifyError(f"{path} is no signed statement: {error}", fix="name a *.intoto.json of a report") from error


def _public(path: Path) -> SSlibKey:
    return public_key_of(load_pem_public_key(path.read_bytes()))
