"""Waiting, against an API that answers what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Api, UnreachableError
from greenfield.kubernetes_provider.waiting import Waiter

PATH = "/api/v1/namespaces/shop"
DOWN = UnreachableError("the cluster does not answer")


class _Answers(Api):
    """Answers of the namespace's path, the last one again and again; events are none."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("")
        self._answers = list(answers)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        if path != PATH:
            return {"items": []}
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return found


def _namespace(phase: str, uid: str = "u", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"uid": uid, **metadata}, "status": {"phase": phase}}


def _ready(*answers: Any, seconds: float = 5) -> tuple[str, ...]:
    waiter = Waiter(_Answers(*answers))
    return asyncio.run(waiter.until_ready(PATH, _namespace(""), "Namespace shop", seconds, lambda _: None)).reasons


def _gone(*answers: Any, seconds: float = 5) -> None:
    asyncio.run(Waiter(_Answers(*answers)).until_gone(PATH, "u", "Namespace shop", seconds, lambda _: None))


def test_a_server_that_restarts_meanwhile_is_waited_for() -> None:
    assert _ready(DOWN, _namespace("Active")) == ()
    _gone(_namespace("Terminating"), DOWN, None)


def test_the_last_thing_seen_is_told() -> None:
    assert _ready(_namespace("Odd"), seconds=0.1) == ("Namespace shop is not ready after 0 s: it is Odd",)
    with pytest.raises(ProviderError, match="is not gone after 0 s; finalizers: x/hold"):
        _gone(_namespace("Terminating", finalizers=["x/hold"]), seconds=0.1)
    with pytest.raises(ProviderError, match="is not gone after 0 s; the cluster does not answer"):
        _gone(DOWN, seconds=0.1)


def test_one_that_is_deleted_meanwhile_is_not_waited_for() -> None:
    assert _ready(None) == ("Namespace shop was deleted by someone else while it was waited for",)


def test_another_of_the_same_name_is_not_it() -> None:
    _gone(_namespace("Active", uid="another"))
