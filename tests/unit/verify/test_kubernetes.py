"""What Kubernetes and its programs write, as checks read it."""

from __future__ import annotations

import struct

import pytest

from greenfield.verify.kubernetes import is_ready, parse_flags, parse_memory, period
from greenfield.verify.onhost.api_client import quantiles
from greenfield.verify.onhost.pod_network import after_name


def test_flags_are_read_with_and_without_a_value() -> None:
    text = "kube-apiserver\n--profiling=false\n--allow-privileged\n--extra=a=b\n--empty=\n"
    assert parse_flags(text) == {"profiling": "false", "allow-privileged": "true", "extra": "a=b", "empty": ""}


@pytest.mark.parametrize(
    ("text", "size"), [("1Gi", 2**30), ("308484Ki", 308484 * 1024), ("5Mi", 5 * 2**20), ("1048576", 2**20)]
)
def test_memory_is_read_in_every_unit(text: str, size: int) -> None:
    assert parse_memory(text) == size


def test_memory_of_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(ValueError, match="5Qi"):
        parse_memory("5Qi")


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_node_is_ready_only_when_it_says_so(status: str, *, ready: bool) -> None:
    assert is_ready({"status": {"conditions": [{"type": "Ready", "status": status}]}}) is ready


@pytest.mark.parametrize(
    ("timer", "seconds"),
    [
        ("[Timer]\nOnActiveSec=60s\nOnUnitActiveSec=3600s\n", 3600),
        ("OnUnitActiveSec=3600s\n# drop-in\nOnUnitActiveSec=60s\n", 60),
        ("[Timer]\nOnCalendar=daily\n", 0),
    ],
)
def test_the_period_of_a_timer(timer: str, seconds: int) -> None:
    assert period(timer) == seconds


def test_the_slowest_hundredth_is_found() -> None:
    found = quantiles([number / 1000 for number in range(200)])
    assert found == {"p50_seconds": 0.099, "p99_seconds": 0.198, "most_seconds": 0.199}


def test_names_in_dns_messages_end_in_a_pointer_or_an_empty_part() -> None:
    message = b"\x03abc\x02de\0" + struct.pack(">H", 0xC000) + b"\x01x" + struct.pack(">H", 0xC004) + b"end"
    assert after_name(message, 0) == 8
    assert after_name(message, 8) == 10
    assert after_name(message, 10) == 14
