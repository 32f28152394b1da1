"""What an etcd member without data may do."""

from __future__ import annotations

import sys

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.module_utils.etcd_decision import View, decide, to_judge

URL = "https://10.0.0.{}:2380"


def entry(number, *, name=None, ran=True, address=None):
    return {
        "ID": number,
        "name": f"member-{number}" if name is None else name,
        "peerURLs": [URL.format(address or number)],
        "clientURLs": [f"https://10.0.0.{number}:2379"] if ran else [],
    }


def judged(view, *, started=False):
    return decide(view, "member-3", URL.format(3), 3, started)


def test_nobody_answers_a_member_that_never_ran():
    assert judged(View(None, False, 0)).kind == "new"


@pytest.mark.parametrize(("formed", "started"), [(True, False), (False, True), (True, True)])
def test_without_a_quorum_no_second_cluster(formed, started):
    decision = judged(View(None, formed, 0, "member-1 listens"), started=started)
    assert decision.kind == "refuse"
    assert "member-1 listens" in decision.reason


def test_the_last_to_start_in_a_new_cluster_begins_too():
    view = View([entry(1), entry(2), entry(3, ran=False)], False, 2)
    assert judged(view).kind == "new"


@pytest.mark.parametrize(
    ("own", "formed", "started"),
    [
        (entry(3), False, False),  # It ran, so its entry has a memory that this disk has not.
        (entry(3), True, True),
        (entry(3, ran=False), True, False),
        (entry(3, ran=False), False, True),
        (entry(3, name="", ran=False), True, False),  # Added by a run that was ended.
        (entry(3, address=9), True, False),  # The same member on another host before.
    ],
)
def test_lost_data_means_removed_then_added(own, formed, started):
    decision = judged(View([entry(1), entry(2), own], formed, 2), started=started)
    assert (decision.kind, decision.remove) == ("add", [3])


def test_an_entry_removed_by_a_run_that_was_ended_is_added():
    decision = judged(View([entry(1), entry(2)], True, 2), started=True)
    assert (decision.kind, decision.remove) == ("add", [])


def test_never_at_the_price_of_the_quorum():
    decision = judged(View([entry(1), entry(2), entry(3)], True, 1, "member-2: down"), started=True)
    assert decision.kind == "refuse"
    assert "member-2: down" in decision.reason


def test_two_of_five_can_be_replaced_one_by_one():
    view = View([entry(number) for number in range(1, 6)], True, 3)
    assert judged(view, started=True).remove == [3]


def planned(*numbers):
    return {f"member-{number}": f"10.0.0.{number}" for number in numbers}


@pytest.mark.parametrize(
    ("wanted", "there", "judged_by"),
    [
        ((1, 2, 3), (1, 2, 3), (1, 2, 3)),
        ((1, 2, 3, 4, 5), (1, 2, 3), (1, 2, 3)),
        ((1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
        ((1, 2, 3), (1,), (1,)),
        ((1, 2, 3), (1, 2), (1, 2, 3)),
        ((1,), (1, 2), (1, 2)),
    ],
    ids=["as planned", "to grow", "to shrink", "to grow from one", "one was lost", "the last to go"],
)
def test_a_cluster_that_changes_is_judged_by_the_members_it_has(wanted, there, judged_by):
    assert to_judge(planned(*wanted), [entry(number) for number in there]) == planned(*judged_by)


def test_a_member_that_has_been_added_but_not_started_is_waited_for():
    entries = [entry(1), entry(2), entry(3), entry(4, name="")]
    assert to_judge(planned(1, 2, 3, 4, 5), entries) == planned(1, 2, 3, 4, 5)
