"""Settings answer writes the way the kernel's own do."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from greenfield.lab.kernel_files import GETATTR, LOOKUP, READ, ROOT, WRITE, RefusedError, Server, Tree, changed


@pytest.mark.parametrize(
    ("present", "written", "shown"),
    [
        ("60", "1\n", "1"),
        ("60", " 7 ", "7"),
        ("-1", "-12\n", "-12"),
        ("4096\t87380\t6291456", "1 2 3\n", "1\t2\t3"),
        ("4096\t87380\t6291456", "1\n", "1\t87380\t6291456"),
        ("always [madvise] never", "never", "always madvise [never]"),
        ("always [madvise] never", "madvise\n", "always [madvise] never"),
        ("core", "|/bin/false\n", "|/bin/false"),
        ("core", "\n", ""),
    ],
)
def test_a_write_replaces_the_value(present: str, written: str, shown: str) -> None:
    assert changed(present, written) == shown


@pytest.mark.parametrize(
    ("present", "written"),
    [("60", "many"), ("60", "\n"), ("60", "1 2"), ("60", "1.5"), ("always [madvise] never", "maybe"), ("[a] b", "a b")],
)
def test_what_the_kernel_refuses_is_refused(present: str, written: str) -> None:
    with pytest.raises(RefusedError) as refused:
        changed(present, written)
    assert refused.value.errno == errno.EINVAL


class Client:
    """Asks a server as the kernel would."""

    def __init__(self, *entries: str) -> None:
        self.server = Server(Tree(list(entries)))

    def node(self, parent: int, name: str) -> int:
        code, body = self.server.answer(LOOKUP, parent, name.encode() + b"\0")
        if code:
            raise RefusedError(code)
        return int(struct.unpack_from("<Q", body)[0])

    def write(self, node: int, text: str, offset: int = 0) -> int:
        data = text.encode()
        return self.server.answer(WRITE, node, struct.pack("<QQIIQII", 0, offset, len(data), 0, 0, 0, 0) + data)[0]

    def read(self, node: int) -> str:
        return self.server.answer(READ, node, struct.pack("<QQI", 0, 0, 4096))[1].decode()


@pytest.fixture
def entry(tmp_path: Path) -> str:
    setting = tmp_path / "swappiness"
    setting.write_text("60\n")
    return str(setting).lstrip("/").replace("/", ",")


def test_hosts_have_values_of_their_own_until_they_boot_again(entry: str) -> None:
    client = Client(entry)
    a, b = (client.node(client.node(ROOT, host), entry) for host in ("a", "b"))
    assert client.write(a, "1\n") == 0
    assert (client.read(a), client.read(b)) == ("1\n", "60\n")
    assert client.write(client.node(client.node(ROOT, "a"), "boot"), "\n") == 0
    assert client.read(a) == "60\n"


def test_a_shorter_value_leaves_nothing_of_a_longer_one(entry: str) -> None:
    client = Client(entry)
    node = client.node(client.node(ROOT, "a"), entry)
    for value in ("123456\n", "5"):
        assert client.write(node, value) == 0
    assert client.read(node) == "5\n"
    assert client.write(node, "9", offset=1) == 0
    assert client.read(node) == "5\n"


def test_other_names_are_not_there_and_other_questions_are_not_known(entry: str) -> None:
    client = Client(entry)
    with pytest.raises(RefusedError) as refused:
        client.node(client.node(ROOT, "a"), "proc,sys,vm,other")
    assert refused.value.errno == errno.ENOENT
    assert client.server.answer(999, ROOT, b"") == (errno.ENOSYS, b"")
    assert len(client.server.answer(GETATTR, ROOT, b"")[1]) == 104
