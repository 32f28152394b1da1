"""A file system of kernel settings that behave like the kernel's own, one folder of them for each host.

Run as a program, ``kernel_files.py FOLDER ENTRY...`` mounts itself at FOLDER and serves until it is unmounted. A host's
folder is there as soon as someone asks for it; in it each ENTRY (a path below /proc/sys or /sys, commas for slashes)
begins with what the machine's kernel has and then keeps what the host writes. Writing to the file ``boot`` begins
afresh. A number takes only a number, a choice such as ``always [madvise] never`` only one of its words, and a write
replaces what was there whether it truncates or not; which plain files, bound over /proc/sys, would all get wrong.

Speaks the kernel's FUSE protocol by itself: it is small, and the standard library is all it needs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import stat
import struct
import sys
from collections.abc import Callable

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS = 1, 2, 3, 4, 14, 15, 16, 17
RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 18, 20, 25, 26, 27, 28, 29, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT = 1
DIRECT_IO = 1
MAX_WRITE = 65536
BOOT = "boot"

Answer = tuple[int, bytes]


class RefusedError(Exception):
    """An operation that fails with ``errno``, as the kernel would fail it."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.errno = number


def changed(present: str, written: str) -> str:
    """What a setting shows after a write.

    Raises:
        RefusedError: the kernel would not take such a value here (EINVAL).
    """
    words = written.split()
    if "[" in present:
        choices = [word.strip("[]") for word in present.split()]
        if len(words) != 1 or words[0] not in choices:
            raise RefusedError(errno.EINVAL)
        return " ".join(f"[{choice}]" if choice == words[0] else choice for choice in choices)
    if re.fullmatch(r"(-?\d+\s*)+", present):
        if not words or not all(re.fullmatch(r"-?\d+", word) for word in words) or len(words) > len(present.split()):
            raise RefusedError(errno.EINVAL)
        return "\t".join([*words, *present.split()[len(words) :]])
    return written.partition("\n")[0]


class Tree:
    """Folders of settings by host."""

    def __init__(self, entries: list[str]) -> None:
        self._entries = [*entries, BOOT]
        self._nodes: list[tuple[str, str]] = [("", "")]
        self._values: dict[str, dict[str, str]] = {}

    def lookup(self, parent: int, name: str) -> int:
        """Node of a name in a folder."""
        host = self._host(parent)
        if parent != ROOT and name not in self._entries:
            raise RefusedError(errno.ENOENT)
        key = (host, name) if host else (name, "")
        if not host and name not in self._values:
            self._begin(name)
        if key not in self._nodes:
            self._nodes.append(key)
        return self._nodes.index(key) + 1

    def names(self, node: int) -> list[str]:
        """What is in a folder."""
        return self._entries if node != ROOT else list(self._values)

    def is_folder(self, node: int) -> bool:
        """Whether a node is a folder."""
        return not self._nodes[node - 1][1]

    def read(self, node: int) -> bytes:
        """Content of a file."""
        host, name = self._nodes[node - 1]
        return b"" if name == BOOT else f"{self._values[host][name]}\n".encode()

    def write(self, node: int, written: str) -> None:
        """Set a file's value, or begin the host's values afresh."""
        host, name = self._nodes[node - 1]
        if name == BOOT:
            self._begin(host)
        else:
            self._values[host][name] = changed(self._values[host][name], written)

    def _host(self, node: int) -> str:
        return self._nodes[node - 1][0]

    def _begin(self, host: str) -> None:
        self._values[host] = {name: _machine_value(name) for name in self._entries if name != BOOT}


def _machine_value(entry: str) -> str:
    with open("/" + entry.replace(",", "/"), encoding="ascii", errors="replace") as file:  # noqa: PTH123  (self-contained)
        return file.read().rstrip("\n")


class Server:
    """Answers the kernel's requests about a tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._answers: dict[int, Callable[[int, bytes], bytes]] = {
            INIT: lambda node, body: struct.pack("<4I2H2I2HI28x", 7, 31, 0, 0, 8, 8, MAX_WRITE, 1, 16, 0, 0),
            LOOKUP: self._lookup,
            GETATTR: lambda node, body: self._attributes(node),
            SETATTR: lambda node, body: self._attributes(node),
            OPEN: lambda node, body: struct.pack("<QII", 0, DIRECT_IO, 0),
            OPENDIR: lambda node, body: struct.pack("<QII", 0, 0, 0),
            READ: self._read,
            WRITE: self._write,
            READDIR: self._list,
            STATFS: lambda node, body: struct.pack("<5Q3I28x", 0, 0, 0, 0, 0, 4096, 255, 4096),
            RELEASE: lambda node, body: b"",
            RELEASEDIR: lambda node, body: b"",
            FLUSH: lambda node, body: b"",
            FSYNC: lambda node, body: b"",
        }

    def serve(self, device: int) -> None:
        """Answer until the file system is unmounted."""
        while True:
            try:
                request = os.read(device, MAX_WRITE + 65536)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                raise
            opcode, unique, node = struct.unpack_from("<4xIQQ", request)
            if opcode in UNANSWERED:
                continue
            code, body = self.answer(opcode, node, request[40:])
            try:
                os.write(device, struct.pack("<IiQ", 16 + len(body), -code, unique) + body)
            except OSError as error:
                if error.errno != errno.ENOENT:  # the asker was killed meanwhile
                    raise

    def answer(self, opcode: int, node: int, body: bytes) -> Answer:
        """Error number (0 for success) and body of the reply."""
        if opcode not in self._answers:
            return errno.ENOSYS, b""
        try:
            return 0, self._answers[opcode](node, body)
        except RefusedError as refused:
            return refused.errno, b""

    def _lookup(self, parent: int, body: bytes) -> bytes:
        node = self._tree.lookup(parent, body.rstrip(b"\0").decode(errors="replace"))
        return struct.pack("<QQQQII", node, 0, 60, 60, 0, 0) + self._attr(node)

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", 60, 0, 0) + self._attr(node)

    def _attr(self, node: int) -> bytes:
        mode = stat.S_IFDIR | 0o755 if self._tree.is_folder(node) else stat.S_IFREG | 0o644
        return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        offset, size = struct.unpack_from("<8xQI", body)
        return self._tree.read(node)[offset : offset + size]

    def _write(self, node: int, body: bytes) -> bytes:
        offset, size = struct.unpack_from("<8xQI", body)
        if offset == 0:  # what follows a first write to a kernel setting is ignored, too
            self._tree.write(node, body[40 : 40 + size].decode(errors="replace"))
        return struct.pack("<II", size, 0)

    def _list(self, node: int, body: bytes) -> bytes:
        offset, size = struct.unpack_from("<8xQI", body)
        listed = b""
        for number, name in enumerate(self._tree.names(node)[offset:], start=offset + 1):
            raw = name.encode()
            entry = struct.pack("<QQII", number + 1, number, len(raw), stat.S_IFREG >> 12 if node != ROOT else 4) + raw
            entry += b"\0" * (-len(entry) % 8)
            if len(listed) + len(entry) > size:
                break
            listed += entry
        return listed


def mount(folder: str) -> int:
    """Mount at a folder and return the device to serve."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"greenfield-lab", folder.encode(), b"fuse.greenfield", 2 | 4 | 8, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"can't mount at {folder}")
    return device


if __name__ == "__main__":
    Server(Tree(sys.argv[2:])).serve(mount(sys.argv[1]))
