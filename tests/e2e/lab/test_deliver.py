"""From bare hosts to an accepted cluster, as users do it on their first day."""

from __future__ import annotations

import re

from acceptance import accepted
from delivery import Delivery, Figure, said_all
from patience import patience

PROVES = ("site/deliver", "site/kill", "site/secrets", "host/deliver", "etcd/deliver", "redis/deliver")
ORDER = 20
FIXED = True

ETCDCTL = "/usr/local/bin/etcdctl-config-store"

ASK_ETCD = """python3 - 2>&1 <<'END'
import socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.load_cert_chain("{pki}/member.crt", "{pki}/member.key")
with context.wrap_socket(socket.create_connection(("{address}", 2379), 5)) as connection:
    connection.sendall(b"GET /version HTTP/1.1\\r\\nHost: etcd\\r\\nConnection: close\\r\\n\\r\\n")
    print(connection.recv(100).decode())
END"""
"""Asks an etcd its version with a certificate that lies on the host; prints the answer's first words, or the error."""


def test_killed_delivery_is_finished_by_the_next(delivery: Delivery, record_property: Figure) -> None:
    """kill -9 in the middle of the first delivery; meanwhile a second run is refused; the next one finishes it."""
    process, log = delivery.start_up("killed")
    delivery.wait_for(log, "Install the base packages", 120)
    second = delivery.up()
    assert second.returncode == 1
    said_all(second, r"currently locked|another run is changing site e2e", r"pid")
    delivery.kill_pulumi(process)
    result = delivery.up()
    record_property("finish_killed_delivery_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    said_all(result, "was killed; going on where it stopped")
    listed = delivery.run("r1-h1", f"{ETCDCTL} member list").stdout
    assert len(listed.splitlines()) == 3, listed


def test_second_run_changes_nothing_and_logs_in_nowhere(delivered: Delivery, record_property: Figure) -> None:
    """A run with nothing to do opens no connection."""
    before = delivered.logins()
    result = delivered.up(preview=True)
    record_property("second_run_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout
    said_all(result, r"\d+ unchanged")
    assert not re.search(r"\d+ (created|updated|replaced)", result.stdout), result.stdout
    planned = delivered.greenfield("plan", str(delivered.spec))
    said_all(planned, r"changes against what is deployed: none\n")
    assert delivered.logins() == before
    assert result.seconds < patience(60)


def test_accepted(delivered: Delivery, record_property: Figure) -> None:
    """Acceptance passes, every engine's drills included, and leaves its documents."""
    result = accepted(delivered, record_property)
    said_all(result, "ACCEPTED")
    report = delivered.folder / "build" / "report" / "orders"
    for name in ("orders.html", "orders.xml", "orders.json", "orders.intoto.json"):
        assert (report / name).stat().st_size > 0


def test_an_engine_does_not_trust_another_engines_members(delivered: Delivery) -> None:
    """The certificate of a Redis member opens no etcd; the same words with an etcd member's do."""
    said = {
        host: delivered.run(host, ASK_ETCD.format(pki=pki, address="10.79.1.11")).stdout.strip()
        for host, pki in (("r1-h2", "/etc/redis/sessions/pki"), ("r2-h1", "/etc/etcd/config-store/pki"))
    }
    assert said["r2-h1"].startswith("HTTP/1.1 200"), said
    # The server's alert may be overtaken by its hanging up.
    assert re.search(r"ssl\.SSL|ConnectionReset", said["r1-h2"]) and "HTTP/1.1" not in said["r1-h2"], said


def test_no_secret_in_plain_state(delivered: Delivery) -> None:
    """An exported stack shows no password and no private key."""
    state = delivered.state()
    password = delivered.run("r1-h2", "cat /etc/redis/sessions/admin.password").stdout.strip()
    assert len(password) == 32
    assert password not in state
    assert "PRIVATE KEY" not in state
    assert "ciphertext" in state


def test_wrong_passphrase_changes_nothing(delivered: Delivery) -> None:
    """A run with a wrong passphrase fails, and the state stays as it was."""
    before = delivered.state()
    result = delivered.up(environment={"PULUMI_CONFIG_PASSPHRASE": "wrong"})
    assert result.returncode == 1
    said_all(result, "incorrect passphrase")
    assert delivered.state() == before
