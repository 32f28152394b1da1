"""Connection attempts from one host to another."""

from __future__ import annotations

import json
from collections.abc import Sequence

import testinfra.host

SCRIPT = (
    "import socket,sys,json;from concurrent.futures import ThreadPoolExecutor as T\n"
    "def t(p):\n"
    " s=socket.socket();s.settimeout(float(sys.argv[2]));r=s.connect_ex((sys.argv[1],p));s.close();return r==0\n"
    "ps=list(map(int,sys.argv[3:]));print(json.dumps([p for p,o in zip(ps,T(16).map(t,ps)) if o]))"
)


def probe_command(address: str, ports: Sequence[int], timeout: float) -> str:
    """A shell command that prints, as a JSON list, the ports that take a TCP connection within ``timeout`` seconds."""
    return f'python3 -c "{SCRIPT}" {address} {timeout:g} {" ".join(map(str, ports))}'


def reached(host: testinfra.host.Host, address: str, ports: Sequence[int], timeout: float) -> set[int]:
    """Ports of an address that ``host`` can connect to."""
    return set(json.loads(host.check_output(probe_command(address, ports, timeout))))
