"""What the program of ``greenfield up`` does beside declaring: it drops debug messages and lets registrations begin."""

from __future__ import annotations

import asyncio
from unittest import mock

import pulumi
import pytest

from greenfield.resources import begin
from greenfield.resources.debug import VARIABLE, drop_debug_messages


def _sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine is told by the debug, info and error message of a program that drops what it may."""
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    engine = mock.Mock()
    monkeypatch.setattr("pulumi.runtime.settings.get_engine", lambda: engine)
    monkeypatch.setattr("pulumi.log.get_engine", lambda: engine)
    drop_debug_messages()
    pulumi.log.debug("registering", None, stream_id=1)
    pulumi.log.info("told")
    pulumi.log.error("wrong")
    return [call.args[0].message for call in engine.Log.call_args_list]


def test_debug_messages_are_dropped_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert _sent(monkeypatch) == ["told", "wrong"]


def test_debug_messages_are_kept_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    assert _sent(monkeypatch) == ["registering", "told", "wrong"]


def test_what_was_declared_begins_before_the_program_ends() -> None:
    begun = []

    async def register() -> None:
        begun.append("rpc")

    async def program() -> list[str]:
        task = asyncio.ensure_future(register())
        await begin()
        found = list(begun)
        await task
        return found

    assert asyncio.run(program()) == ["rpc"]
