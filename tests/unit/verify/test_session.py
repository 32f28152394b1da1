"""The connection to a host: the real agent, reached through a stand-in for ssh that runs it on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_ssh import stand_in

from greenfield.model.site import Access
from greenfield.verify import session as sessions
from greenfield.verify.session import Fleet, Session, UnreachableError, ssh_options

ACCESS = Access("ops", "/spec/known_hosts", "/spec/id_ed25519")


@pytest.fixture
def local_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ssh that runs commands on this machine."""
    return stand_in(tmp_path, monkeypatch)


@pytest.fixture
def session(local_ssh: Path) -> Iterator[Session]:
    opened = Session("r1-h1", "10.0.0.1", ACCESS)
    yield opened
    opened.close()


def test_commands_share_one_connection(session: Session, local_ssh: Path) -> None:
    answers = [session.run(f"echo {number}; exit {number}") for number in range(3)]
    assert [(answer.rc, answer.stdout) for answer in answers] == [(0, b"0\n"), (1, b"1\n"), (2, b"2\n")]
    assert len((local_ssh / "calls").read_text().splitlines()) == 1


def test_input_and_environment_reach_the_command(session: Session) -> None:
    answer = session.run('cat; echo "$WORD"', stdin="first\n", env={"WORD": "second"})
    assert answer.stdout == b"first\nsecond\n"


def test_a_command_past_its_deadline_is_killed_with_its_children(session: Session, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    answer = session.run(f"(sleep 2; touch {mark}) & sleep 30", timeout=0.3)
    assert answer.timed_out and answer.seconds < 5
    time.sleep(2.2)
    assert not mark.exists()


def test_commands_run_side_by_side(session: Session) -> None:
    session.run("true")
    began = time.monotonic()
    for _ in range(4):
        session.ask_ahead("sleep 0.5")
    for _ in range(4):
        assert session.run("sleep 0.5").ahead
    assert time.monotonic() - began < 1.5


def test_an_answer_fetched_ahead_is_used_once_and_only_for_the_same_command(session: Session, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    command = f"echo x >> {counter}; wc -l < {counter}"
    session.ask_ahead(command)
    assert not session.run("true").ahead
    first, second = session.run(command), session.run(command)
    assert (first.ahead, first.stdout.strip()) == (True, b"1")
    assert (second.ahead, second.stdout.strip()) == (False, b"2")


def test_answers_nobody_used_are_forgotten(session: Session) -> None:
    session.ask_ahead("date +%N")
    session.forget_ahead()
    assert not session.run("date +%N").ahead


def test_an_unreachable_host_says_why(local_ssh: Path) -> None:
    lost = Session("r1-h9", "10.0.0.9", ACCESS)
    with pytest.raises(UnreachableError, match=r"r1-h9 \(10.0.0.9\) can't be judged: ssh: connect: No route to host"):
        lost.run("true")
    lost.close()


def test_a_lost_connection_fails_whoever_waits(session: Session) -> None:
    with pytest.raises(UnreachableError, match="r1-h1"):
        session.run("kill -9 $PPID")
    with pytest.raises(UnreachableError):
        session.run("true")


def test_a_host_where_sudo_gives_no_root_is_not_judged(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "ROOT_UID", 12345)
    with pytest.raises(UnreachableError, match="sudo did not give root"):
        session.run("true")


def test_the_first_host_shows_the_others_the_way(local_ssh: Path) -> None:
    fleet = Fleet.connect({"r1-h1": "10.0.0.1", "r1-h2": "10.0.0.2", "r1-h9": "10.0.0.9"}, ACCESS)
    fleet.ask_others("r1-h1", "echo same")
    assert not fleet.sessions["r1-h2"].run("echo same").ahead, "nobody is scouting"
    fleet.scouting = "r1-h1"
    fleet.ask_others("r1-h2", "echo same")
    assert not fleet.sessions["r1-h1"].run("echo same").ahead, "another host is"
    fleet.ask_others("r1-h1", "echo same")
    assert fleet.sessions["r1-h2"].run("echo same").ahead
    assert not fleet.sessions["r1-h9"].answers()
    fleet.close()


def test_host_keys_are_pinned_and_nobody_is_asked() -> None:
    words = " ".join(ssh_options(ACCESS))
    for wanted in ("StrictHostKeyChecking=yes", "BatchMode=yes", "UserKnownHostsFile=/spec/known_hosts"):
        assert wanted in words
