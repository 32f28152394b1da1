"""Which hosts of a cell change, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cell_shape import AUTHORITY, DAY, OTHER_AUTHORITY, failed, host, inputs, pair

from greenfield.configure import HostResult
from greenfield.provider.cell_state import batch_of, desired_hosts, reasons, state_of

NOW = 1_800_000_000


def converged(wanted: dict[str, Any], now: int = NOW) -> dict[str, Any]:
    """The state after every host of the inputs was converged."""
    desired = desired_hosts({}, wanted, now)
    return state_of(wanted, {}, desired, {name: HostResult(name, "changed") for name in desired})


def why(state: dict[str, Any], wanted: dict[str, Any], now: int = NOW) -> dict[str, str]:
    return reasons(state, wanted, desired_hosts(state, wanted, now))


def test_nothing_new_changes_nothing() -> None:
    wanted = inputs("h1", "h2")
    assert why(converged(wanted), wanted, NOW + 59 * DAY) == {}


def test_only_the_host_whose_variable_changes_changes() -> None:
    state = converged(inputs("h1", "h2"))
    wanted = inputs("h1", "h2")
    wanted["hosts"]["h2"] = host("h2", etcd_member="h2", etcd_quota=2)
    assert why(state, wanted) == {"h2": "etcd_quota 1 → 2"}


def test_a_common_variable_changes_every_host() -> None:
    state = converged(inputs("h1", "h2"))
    wanted = inputs("h1", "h2", common=json.dumps({"etcd_quota": 3}))
    assert why(state, wanted) == {"h1": "etcd_quota 1 → 3", "h2": "etcd_quota 1 → 3"}


def test_a_value_that_moves_between_common_and_own_changes_nothing() -> None:
    state = converged(inputs("h1", "h2"))
    own = inputs("h1", "h2", common="{}")
    own["hosts"] = {name: host(name, etcd_member=name, etcd_quota=1) for name in ("h1", "h2")}
    assert why(state, own) == {}
    assert why(converged(own), inputs("h1", "h2")) == {}


def test_a_certificate_is_due_exactly_at_renew_before() -> None:
    wanted = inputs("h1")
    state = converged(wanted)
    assert why(state, wanted, NOW + 60 * DAY - 1) == {}
    assert why(state, wanted, NOW + 60 * DAY) == {"h1": "certificate renewed"}


def test_another_lifetime_renews() -> None:
    state = converged(inputs("h1"))
    assert why(state, inputs("h1", lifetimeSeconds=60 * DAY), NOW + 1) == {"h1": "certificate renewed"}


def test_an_expired_certificate_is_not_renewed_by_a_look() -> None:
    wanted = inputs("h1")
    state = converged(wanted)
    assert desired_hosts(state, wanted, 0)["h1"].digest == state["digests"]["h1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"authority": pair(OTHER_AUTHORITY)}, "new certificate authority"),
        ({"content": "decade"}, "the roles themselves changed"),
        ({"secrets": {"etcd_passwords": {"root": "new"}}}, "secrets changed"),
    ],
)
def test_what_all_hosts_share_changes_them_all(changes: dict[str, Any], reason: str) -> None:
    state = converged(inputs("h1", "h2"))
    assert why(state, inputs("h1", "h2", **changes), NOW) == {"h1": reason, "h2": reason}


def test_a_reason_never_tells_a_secret() -> None:
    state = converged(inputs("h1", secrets={"etcd_passwords": {"root": "old-word"}}))
    text = str(why(state, inputs("h1", secrets={"etcd_passwords": {"root": "new-word"}})))
    assert "word" not in text


def test_hosts_join_and_leave() -> None:
    assert why(converged(inputs("h1", "h2")), inputs("h2", "h3")) == {"h3": "joins", "h1": "leaves"}


def test_a_host_in_quarantine_keeps_its_digest_and_does_not_leave() -> None:
    state = converged(inputs("h1", "h2"))
    without = inputs("h1", quarantined=["h2"])
    assert why(state, without) == {}
    after = state_of(without, state, desired_hosts(state, without, NOW), {})
    assert after["digests"] == state["digests"]
    assert after["issued"] == state["issued"]


def test_a_host_comes_back_from_quarantine_as_it_went() -> None:
    """Whatever else the run without it did to the cell."""
    state = converged(inputs("h1", "h2"))
    without = inputs("h1", quarantined=["h2"])
    without["hosts"]["h1"] = host("h1", etcd_member="new")
    after = state_of(without, state, desired_hosts(state, without, NOW + 1), {"h1": HostResult("h1", "changed")})
    again = inputs("h1", "h2")
    again["hosts"]["h1"] = without["hosts"]["h1"]
    assert why(after, again, NOW + 2) == {}


def test_a_host_that_is_removed_while_in_quarantine_leaves_afterwards() -> None:
    state = converged(inputs("h1", "h2"))
    without = inputs("h1", quarantined=["h2"])
    after = state_of(without, state, desired_hosts(state, without, NOW), {})
    assert why(after, inputs("h1")) == {"h2": "leaves"}


def test_a_failed_host_keeps_no_digest_and_is_tried_again() -> None:
    wanted = inputs("h1", "h2")
    desired = desired_hosts({}, wanted, NOW)
    state = state_of(wanted, {}, desired, {"h1": HostResult("h1", "ok"), "h2": failed("h2", "no space\nlong story")})
    assert list(state["digests"]) == ["h1"]
    assert state["faults"] == {"h2": "no space"}
    assert why(state, wanted) == {"h2": "failed before: no space"}


def test_a_host_that_failed_an_update_loses_the_digest_it_had() -> None:
    state = converged(inputs("h1"))
    wanted = inputs("h1", content="decade")
    after = state_of(wanted, state, desired_hosts(state, wanted, NOW), {"h1": failed("h1")})
    assert after["digests"] == {}


def test_a_host_that_was_not_reached_in_this_run_keeps_only_a_digest_that_still_holds() -> None:
    state = converged(inputs("h1", "h2"))
    wanted = inputs("h1", "h2")
    wanted["hosts"]["h2"] = host("h2", etcd_member="other")
    after = state_of(wanted, state, desired_hosts(state, wanted, NOW), {})
    assert list(after["digests"]) == ["h1"]


def test_no_state_holds_the_authoritys_key() -> None:
    state = converged(inputs("h1"))
    assert "authority" not in state
    assert "PRIVATE KEY" not in json.dumps(state)


def test_a_batch_carries_certificates_and_passwords_to_the_hosts() -> None:
    wanted = inputs("h1", secrets={"etcd_passwords": {"root": "word"}})
    desired = desired_hosts({}, wanted, NOW)
    batch = batch_of("urn", wanted, desired, ["h1"], frozenset())
    assert batch.common["etcd_passwords"] == {"root": "word"}
    assert batch.common["etcd_authority"].startswith("-----BEGIN CERTIFICATE")
    assert "PRIVATE KEY" not in batch.common["etcd_authority"]
    assert "PRIVATE KEY" in batch.targets[0].variables["etcd_private_key"]


@pytest.mark.parametrize(("entry", "said"), [("main", None), ("drain", True), ("remove", True)])
def test_only_taking_away_speaks_of_wiping(entry: str, said: bool | None) -> None:
    wanted = inputs("h1")
    batch = batch_of("urn", wanted, desired_hosts({}, wanted, NOW), ["h1"], frozenset(), entry=entry, retire=True)
    assert batch.common.get("etcd_wipe") is said


def test_another_engines_new_authority_makes_new_certificates() -> None:
    wanted = inputs("h1", authorities={"etcd": pair(AUTHORITY)})
    state = converged(wanted)
    assert why(state, wanted) == {}
    assert why(state, inputs("h1", authorities={"etcd": pair(OTHER_AUTHORITY)})) == {"h1": "new certificate authority"}
    assert not {"authority", "authorities"} & state.keys()
