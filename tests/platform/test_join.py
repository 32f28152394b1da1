"""From the spec to the platform in one stack: what `greenfield` itself declares, and credentials made on the way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from control_plane import ControlPlane
from stack import BIN, Stack, counts

from greenfield.cli.up import LOOKING

PROVES = ("platform/join",)
ORDER = 50

CASE = Path(__file__).parents[1] / "spec_cases" / "platform-valid"
HOST = "{name: r2-h2, rack: r2, unit: 2, hardware: small, serial: S3, address: 10.77.2.12, mac: '02:00:00:00:02:02'}"
ALONE = "members: 1\n      acceptLoss: [host, rack, feed, tor]"

PROGRAM = """
import json, os
import pulumi
import pulumi_kubernetes as k
from greenfield.resources.custom import Kubeconfig
pair = pulumi.Output.secret(json.loads(os.environ["TEST_AUTHORITY"]))
made = Kubeconfig("admin", {
    "authority": pair, "server": os.environ["TEST_SERVER"], "cluster": "test", "commonName": "greenfield:platform",
    "organizations": ["system:masters"], "lifetimeSeconds": 3600, "renewBeforeSeconds": RENEW,
})
provider = k.Provider("cluster", kubeconfig=made.kubeconfig, cluster_identifier="test")
k.core.v1.Namespace("space", metadata={"name": "joined"}, opts=pulumi.ResourceOptions(provider=provider))
pulumi.export("kubeconfig", made.kubeconfig)
"""


def _spec(folder: Path) -> Path:
    """The case's spec on hosts that are large enough, judged by the standard that ships."""
    folder.mkdir()
    for file in CASE.iterdir():
        (folder / file.name).write_text(file.read_text())
    site = (CASE / "site.yaml").read_text().replace("memory: 2GiB", "memory: 32GiB").replace("4GiB", "64GiB")
    (folder / "site.yaml").write_text(site.replace("  access:", f"    - {HOST}\n  access:"))
    cluster = (CASE / "cluster.yaml").read_text().replace("members: 1", ALONE)
    (folder / "cluster.yaml").write_text(cluster.replace("standard: tiny", "standard: idc-2026"))
    return folder


def test_a_preview_of_the_whole_shows_the_platform_before_there_is_a_cluster(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBECONFIG"))}
    environment = {**kept, "XDG_STATE_HOME": str(tmp_path / "state"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [str(BIN / "greenfield"), "preview", str(_spec(tmp_path / "spec"))]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL
    )
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    for line in (
        "greenfield:index:Kubeconfig apps-kubeconfig create",
        "kubernetes:core/v1:NodePatch apps-node-r2-h1 create",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy apps-shop-net-deny-all create",
        "kubernetes:apps/v1:Deployment apps-web-deployment-web create",
    ):
        assert line in said, said


def test_credentials_that_are_made_and_renewed_on_the_way(plane: ControlPlane, stack: Stack) -> None:
    """The cluster is not known in the first preview; a renewal changes the provider and none of its objects."""
    pair = {"certificate": plane.authority.certificate, "privateKey": plane.authority.private_key}
    stack.environment |= {"TEST_AUTHORITY": json.dumps(pair), "TEST_SERVER": plane.server}
    program = PROGRAM.replace("RENEW", "600")
    said = stack.up(program)
    assert counts(said)["created"] == 4, said
    uid = plane.ask("/api/v1/namespaces/joined")["metadata"]["uid"]
    for line in plane.authority.private_key.splitlines()[1:-1]:
        assert line not in stack.state
    assert "client-key-data" not in stack.state
    assert counts(stack.up()) == {"unchanged": 4}

    # The plugin writes them to the temporary folder, which `greenfield up` takes away with all that is in it.
    written = list((stack.folder / "tmp").glob("kubeconfig*"))
    assert written
    assert {file.stat().st_mode & 0o077 for file in written} == {0}

    said = stack.up(PROGRAM.replace("RENEW", "3600"))
    assert counts(said) == {"updated": 2, "unchanged": 2}, said
    assert plane.ask("/api/v1/namespaces/joined")["metadata"]["uid"] == uid
    assert "client-key-data" in stack.pulumi("stack", "output", "kubeconfig", "--show-secrets")
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/joined") is None


LOOKED = """
import os
import pulumi
import pulumi_kubernetes as k
provider = k.Provider("cluster", kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]), cluster_identifier="t")
k.core.v1.Namespace("space", metadata={"name": "looked"}, opts=pulumi.ResourceOptions(provider=provider))
"""


def test_a_cluster_that_is_down_keeps_what_is_known_of_it_where_one_only_looks(
    plane: ControlPlane, stack: Stack
) -> None:
    """As `greenfield up --refresh` and `greenfield preview` look: the same run may bring its hosts back."""
    stack.environment["TEST_KUBECONFIG"] = plane.kubeconfig
    stack.up(LOOKED)
    plane.stop_server()
    assert "unreachable" in stack.pulumi("refresh", "--yes", fails=True)
    before = dict(stack.environment)
    stack.environment |= LOOKING
    said = stack.pulumi("refresh", "--yes")
    assert "unreachable" in said, said
    stack.pulumi("preview", "--refresh")
    assert [each["type"] for each in stack.resources()].count("kubernetes:core/v1:Namespace") == 1
    stack.environment = before
    plane.start_server()
    assert list(counts(stack.up())) == ["unchanged"]
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/looked") is None
