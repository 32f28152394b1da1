"""The SSH server's configuration as it is in force."""

from __future__ import annotations

import testinfra.host


def effective(host: testinfra.host.Host) -> dict[str, str]:
    """Every keyword of ``sshd -T`` in lower case to its value; of a repeated one the last."""
    text = host.check_output("sshd -T")
    return {words[0].lower(): words[2] for line in text.splitlines() if (words := line.partition(" "))[2]}
