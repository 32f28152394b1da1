"""Evidence: what is kept, and what must never be."""

from __future__ import annotations

from greenfield.verify.recorder import EXCERPT, Recorder
from greenfield.verify.session import Answer


def answer(text: str) -> Answer:
    return Answer(0, text.encode(), b"", 1_800_000_000.0, 0.01)


def test_secrets_stay_out_of_output_and_command() -> None:
    recorder = Recorder()
    recorder.keep_secret(["hunter2hunter2"])
    recorder.command("r1-h1", "echo hunter2hunter2", 0, answer("password hunter2hunter2"))
    (kept,) = recorder.evidence
    assert "hunter2" not in kept.command + kept.stdout
    assert kept.stdout == "password [secret]"


def test_a_secret_that_contains_another_goes_whole() -> None:
    recorder = Recorder()
    recorder.keep_secret(["abcdef", "abcdefghij"])
    assert recorder.clean("abcdefghij") == "[secret]"


def test_private_keys_stay_out_though_nobody_named_them() -> None:
    recorder = Recorder()
    text = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\nnext"
    assert recorder.clean(text) == "[private key]\nnext"


def test_long_output_keeps_both_ends() -> None:
    recorder = Recorder()
    recorder.command("r1-h1", "cat", 0, answer("a" * EXCERPT + "b" * EXCERPT))
    kept = recorder.evidence[0].stdout
    assert kept.startswith("aaa") and kept.endswith("bbb")
    assert f"{EXCERPT} characters left out" in kept


def test_times_are_utc() -> None:
    recorder = Recorder()
    recorder.command("r1-h1", "true", 0, answer(""))
    assert recorder.evidence[0].started == "2027-01-15T08:00:00.000+00:00"


def test_each_check_starts_with_an_empty_record() -> None:
    recorder = Recorder()
    recorder.command("r1-h1", "true", 0, answer(""))
    recorder.figure("offset_seconds", 0.1)
    recorder.note("recorded, shared kernel")
    recorder.start()
    assert (recorder.evidence, recorder.figures, recorder.notes) == ([], {}, [])
