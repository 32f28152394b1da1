"""``greenfield probe`` as people call it; a stand-in for ssh runs the host's side on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_ssh import ends, stand_in
from loopback_service import LoopbackService
from spec_shape import write_spec

MAIN = "from greenfield.cli.main import main; main()"
PATIENCE_SECONDS = 30.0
URL = ("--url", "http://127.0.0.1:9/")


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("bin", "spec"):
        (tmp_path / name).mkdir()
    stand_in(tmp_path / "bin", monkeypatch)
    return write_spec(tmp_path / "spec")


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    running = LoopbackService()
    yield running
    running.stop()


def begin(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["env", "--default-signal=INT,TERM", sys.executable, "-c", MAIN, "probe", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def greenfield(*words: object) -> tuple[int, str, str]:
    process = begin(*words)
    said, complained = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, said, " ".join(complained.split())


def record(spec: Path, name: str = "shop") -> dict[str, Any]:
    path = spec.parent / "state/greenfield/probes/tiny/tiny" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def until_asked(spec: Path, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while record(spec).get("asked", 0) < times:
        assert time.monotonic() < deadline, record(spec)
        time.sleep(0.05)


def loop_ends(spec: Path) -> bool:
    (group,) = map(int, (spec.parent / "bin" / "pids").read_text().split())
    return ends(group)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_asks_until_it_is_told_to_stop(spec: Path, service: LoopbackService, number: int) -> None:
    process = begin(spec, "shop", "--from", "r2-h1", "--url", service.url)
    until_asked(spec, 5)
    assert "running, last asked" in greenfield(spec, "--list")[1]
    assert 'a probe "shop" of tiny on tiny is running' in greenfield(spec, "shop", "--from", "r1-h1", *URL)[2]
    os.killpg(process.pid, number)  # as the terminal does: to all of the group
    said, complained = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, complained
    assert re.fullmatch(r"asked \d+ · failed 0 · longest gap \d\.\d s · \d+ s\n", said)
    assert f"r2-h1 asks {service.url} every 0.2 s; Ctrl-C ends it" in complained
    found = record(spec)
    assert found["ended"] and found["asked"] == len(service.paths)
    assert (found["name"], found["target"], found["from"]) == ("shop", service.url, "r2-h1")
    assert (found["every_seconds"], found["timeout_seconds"]) == (0.2, 1.0)
    assert loop_ends(spec)
    listed = greenfield(spec, "--list")[1]
    assert listed.startswith(f"shop  {service.url} from r2-h1  ended, last asked {found['last']}\n  asked ")


def test_one_that_is_killed_leaves_its_record_and_no_loop(spec: Path, service: LoopbackService) -> None:
    process = begin(spec, "shop", "--from", "r1-h1", "--tcp", f"127.0.0.1:{service.port}")
    until_asked(spec, 5)
    process.kill()
    process.wait(PATIENCE_SECONDS)
    process.stdout.close()
    process.stderr.close()
    assert loop_ends(spec)
    assert record(spec)["asked"] >= 5 and not record(spec)["ended"]
    assert "broken off, last asked" in greenfield(spec, "--list")[1]


def test_failures_are_told_and_a_new_probe_replaces_the_record(spec: Path, service: LoopbackService) -> None:
    service.status = 503
    words = (spec, "shop", "--from", "r1-h1", "--url", service.url, "--every", "50ms", "--for", "1s")
    code, said, _ = greenfield(*words)
    assert code == 0
    asked = record(spec)["asked"]
    assert said.startswith(f"asked {asked} · failed {asked} (100.00 %) · longest gap ")
    assert f"{asked} × HTTP 503" in greenfield(spec, "--list")[1]
    service.status = 200
    assert greenfield(*words)[0] == 0
    assert record(spec)["failed"] == 0 and record(spec)["errors"] == {}
    code, said, _ = greenfield(spec, "--forget", "shop")
    assert (code, said, record(spec)) == (0, "forgot shop\n", {})
    assert greenfield(spec, "--list")[1] == "no probe of tiny on tiny has a record\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("shop", "--from", "r2-h2", *URL), r'"r2-h2" is no host of site tiny fix: did you mean "r\d-h1"\?'),
        (("shop", *URL), "which host shall ask\\? fix: --from HOST, one of: r1-h1, r2-h1, r3-h1"),
        (("shop", "--from", "r1-h1"), "what shall be asked\\?"),
        (("shop", "--from", "r1-h1", *URL, "--tcp", "10.0.0.1:80"), "both --url and --tcp"),
        (("--from", "r1-h1", *URL), "the probe has no name"),
        (("No Name", "--from", "r1-h1", *URL), '"No Name" is no name for a probe'),
        (("shop", "--from", "r1-h1", "--url", "10.0.0.1/health"), "is no URL fix: write it like http://"),
        (("shop", "--from", "r1-h1", "--url", "ftp://10.0.0.1/"), "is no URL"),
        (("shop", "--from", "r1-h1", "--url", "http://10.0.0.1:99999/"), "is no URL"),
        (("shop", "--from", "r1-h1", "--url", "http://a b/"), "is no URL"),
        (("shop", "--from", "r1-h1", "--url", "http://me:word@10.0.0.1/"), "holds a user or a password"),
        (("shop", "--from", "r1-h1", "--tcp", "10.0.0.1"), "is no ADDRESS:PORT fix: write it like 10.112.7.9:5432"),
        (("shop", "--from", "r1-h1", "--tcp", "10.0.0.1:0"), "is no ADDRESS:PORT"),
        (("shop", "--from", "r1-h1", "--tcp", "http://10.0.0.1:80"), "is no ADDRESS:PORT"),
        (("shop", "--from", "r1-h1", *URL, "--every", "0.2"), '--every: "0.2" has no unit'),
        (("shop", "--from", "r1-h1", *URL, "--every", "1ms"), "--every 1ms is too short fix: at least 0.05s"),
        (("shop", "--from", "r1-h1", *URL, "--timeout", "5m"), "--timeout 5m is too long fix: at most 60s"),
        (("shop", "--from", "r1-h1", *URL, "--for", "0s"), "--for 0s is too short"),
        (("--forget", "shop"), 'there is no record of a probe "shop" of tiny on tiny'),
        (("--list", "shop"), "--list and --forget ask nothing"),
        (("shop", "--from", "r1-h1", *URL, "--cluster", "tinny"), 'did you mean "tiny"'),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(spec: Path, words: tuple[str, ...], complaint: str) -> None:
    code, _, complained = greenfield(spec, *words)
    assert code == 1
    assert re.search(complaint, complained), complained
    assert record(spec) == {} and not (spec.parent / "bin" / "calls").exists()


def test_a_state_that_can_not_be_written_to_stops_it_before_it_connects(spec: Path) -> None:
    (spec.parent / "state").write_text("a file where a folder should be")
    code, _, complained = greenfield(spec, "shop", "--from", "r1-h1", *URL)
    assert code == 1 and "make the folder writable, or set XDG_STATE_HOME" in complained
    assert not (spec.parent / "bin" / "calls").exists()


def test_a_host_that_can_not_be_reached_keeps_the_record_of_before(spec: Path, service: LoopbackService) -> None:
    words = (spec, "shop", "--from", "r1-h1", "--url", service.url, "--for", "1s")
    assert greenfield(*words)[0] == 0
    before = record(spec)
    (spec.parent / "bin" / "down").touch()
    code, _, complained = greenfield(*words)
    assert code == 1 and "r1-h1 (10.99.1.11) can't be asked from: ssh: connect: No route to host" in complained
    assert record(spec) == before


def test_help_teaches_with_examples() -> None:
    code, said, _ = greenfield("--help")
    assert code == 0 and "greenfield probe examples/kubernetes web --from r1-h1" in said
