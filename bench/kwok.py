"""kwok on this machine, playing the kubelets of the benchmark's nodes."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.fake import MARK
from bench.process import TAIL, BenchError
from greenfield.artifacts import toolchain
from greenfield.errors import ArtifactError

LEASE_SECONDS = 120
"""kwok renews a node's lease after a quarter of this. A kubelet's is 40 s; 2,000 of those are 200 requests a second,
which two cores that carry hosts, clients and kwok too can't spare. The controllers give up a node after 50 s."""

STATUS_MILLISECONDS = 300_000
"""After which a node's whole status is reported again, as a kubelet does beside its lease (nodeStatusReportFrequency).
kwok 0.7.0 would do it every 20 seconds where leases are on, for its own two stages are the wrong way round."""

CONDITIONS = """
{{ $now := Now }}
{{ $born := .metadata.creationTimestamp }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $born | Quote }}
{{ end }}
"""

AT_ONCE = 8
END_SECONDS = 20


class Kwok:
    """A running kwok."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    def check(self) -> None:
        """See that it runs.

        Raises:
            BenchError: it has ended; with its last words.
        """
        if (code := self._process.poll()) is not None:
            raise BenchError(f"kwok ended with {code}:\n{self._log.read_text(errors='replace')[-TAIL:]}")

    def end(self) -> None:
        """End it, cleanly if it will."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def kwok(folder: Path, kubeconfig: dict[str, Any], say: Callable[[str], None]) -> Iterator[Kwok]:
    """Run kwok against a cluster for as long as the block lasts; files go below ``folder``, which is this user's alone.

    Raises:
        BenchError: kwok can't be built.
    """
    try:
        program = toolchain.build("kwok", progress=say) / "kwok"
    except ArtifactError as error:
        raise BenchError(f"{error.message} ({error.fix})") from error
    access, settings, log = folder / "kwok.kubeconfig", folder / "kwok.yaml", folder / "kwok.log"
    descriptor = os.open(access, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(kubeconfig, file)
    documents = (_settings(), _node_stage("ready", "NotIn", 0), _node_stage("alive", "In", STATUS_MILLISECONDS))
    settings.write_text("\n---\n".join(map(json.dumps, documents)))
    with log.open("wb") as file_of_log:
        process = subprocess.Popen(
            [str(program), f"--kubeconfig={access}", f"--config={settings}"],
            stdin=subprocess.DEVNULL,
            stdout=file_of_log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us: without kwok the nodes would go bad before they are deleted.
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (no other thread runs yet)
        )
    running = Kwok(process, log)
    try:
        yield running
    finally:
        running.end()


def _settings() -> dict[str, Any]:
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "manageAllNodes": False,
            "manageNodesWithLabelSelector": f"{MARK}=fake",
            "nodeLeaseDurationSeconds": LEASE_SECONDS,
            "nodeLeaseParallelism": AT_ONCE,
            "nodePlayStageParallelism": AT_ONCE,
            "podPlayStageParallelism": AT_ONCE,
        },
    }


def _node_stage(name: str, ready: str, after: int) -> dict[str, Any]:
    """What becomes of a node that is (``In``) or is not (``NotIn``) ready, so many milliseconds later."""
    state = {
        "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
        "operator": ready,
        "values": ["True"],
    }
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": f"node-{name}"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Node"},
            "selector": {"matchExpressions": [state]},
            **(
                {"delay": {"durationMilliseconds": after, "jitterDurationMilliseconds": after * 11 // 10}}
                if after
                else {}
            ),
            "next": {"statusTemplate": CONDITIONS},
        },
    }


def _die_with_parent() -> None:
    """A benchmark that is killed leaves no kwok behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
