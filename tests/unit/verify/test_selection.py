"""``--only``: what it leaves, and what it refuses."""

from __future__ import annotations

import pytest
from spec_shape import write_spec

from greenfield.errors import VerifyError
from greenfield.verify.selection import Selection, hosts_of, targets
from greenfield.verify.subject import Subject


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject.of(write_spec(tmp_path_factory.mktemp("spec")))


def selected(subject: Subject, *words: str) -> list[tuple[str, str]]:
    selection = Selection(words, subject.standard, subject.plan)
    return [
        (control.id, target)
        for control in subject.standard.controls.values()
        for target in targets(subject.plan, control)
        if (control, target) in selection
    ]


def test_nothing_named_leaves_everything(subject: Subject) -> None:
    assert len(selected(subject)) == 2 * 3 + 1


def test_words_of_one_sort_add_up_and_sorts_narrow(subject: Subject) -> None:
    assert selected(subject, "HOST-001", "r1-h1", "r2-h1") == [("HOST-001", "r1-h1"), ("HOST-001", "r2-h1")]
    assert selected(subject, "etcd") == [("ETCD-001", "kv")]
    assert selected(subject, "kv") == [("ETCD-001", "kv")]


def test_a_word_that_names_nothing_is_refused_with_the_nearest(subject: Subject) -> None:
    with pytest.raises(VerifyError, match='did you mean "HOST-001"'):
        Selection(["HOST-01"], subject.standard, subject.plan)


def test_an_engine_check_concerns_the_hosts_of_its_members(subject: Subject) -> None:
    control = subject.standard.controls["ETCD-001"]
    assert set(hosts_of(subject.plan, control, "kv")) == {"r1-h1", "r2-h1", "r3-h1"}
