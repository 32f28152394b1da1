"""Runs a job through ansible-runner."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from greenfield import state
from greenfield.configure import bundle
from greenfield.configure.ending import Ending
from greenfield.configure.events import Event, Plays
from greenfield.configure.job import Job, JobResult
from greenfield.errors import ConfigureError, InterruptedRunError

__all__ = ["Event", "run"]

KEPT_LOGS = 200

CANCEL_POLL_SECONDS = 1
"""How long a run that prints nothing may miss that it was cancelled."""


def run(
    job: Job,
    *,
    on_event: Callable[[Event], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> JobResult:
    """Apply a job and return what became of each host.

    A host that fails is in the result; it does not raise. Jobs that follow are run as long as no host has failed.

    Args:
        job: what to run where.
        on_event: called for every task that starts or ends on a host, from this thread.
        cancelled: polled while Ansible runs; when true the run is ended.

    Raises:
        ConfigureError: the job has no targets or one twice, a role would be given something wrong, a job can't follow
            it, or Ansible itself could not run.
        InterruptedRunError: it was cancelled.
    """
    import ansible_runner

    from greenfield.configure.arguments import check_arguments

    _check(job)
    check_arguments(job)
    started = time.monotonic()
    log = _log_path(job.name)
    folder = bundle.make(job)
    ending = Ending(folder, cancelled or (lambda: False))
    plays = Plays(job, on_event)
    try:
        outcome = ansible_runner.run(
            private_data_dir=str(folder),
            inventory=str(folder / "inventory" / "hosts.json"),
            playbook="play.json",
            envvars=bundle.environment(job),
            cmdline="--check --diff" if job.check else None,
            event_handler=plays.handle,
            cancel_callback=ending,
            settings={"pexpect_timeout": CANCEL_POLL_SECONDS},
            suppress_env_files=True,
            quiet=True,
        )
        output = Path(outcome.config.artifact_dir) / "stdout"
        if output.exists():
            log.write_bytes(output.read_bytes())
    finally:
        ending.sweep()
        bundle.remove(folder)
    if ending.wished:
        fix = "run it again; it goes on where it stopped"
        raise InterruptedRunError(f"{job.name}: cancelled", log=str(log), fix=fix)
    return _result(plays, time.monotonic() - started, log)


def _result(plays: Plays, seconds: float, log: Path) -> JobResult:
    words = _last_words(log)
    hosts = plays.first.results(
        f"Ansible ended before it reached this host: {words}",
        "" if plays.whole else f"Ansible ended before it was done with this host: {words}",
    )
    then = {
        collector.job: JobResult({host.host: host}, seconds, collector.executions, str(log), collector.ended)
        for collector, host in plays.followed()
    }
    return JobResult(hosts, seconds, plays.first.executions, str(log), plays.first.ended, then)


def _check(job: Job) -> None:
    names = [target.name for target in job.targets]
    if not names:
        raise ConfigureError(f"{job.name}: no hosts", fix="name at least one host; nothing was run")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigureError(f"{job.name}: hosts named twice: {', '.join(sorted(twice))}")
    jobs = {each.name for each in (job, *job.then)}
    if len(jobs) <= len(job.then) or any(
        len(each.targets) != 1 or each.connection != job.connection or each.then or each.check for each in job.then
    ):
        raise ConfigureError(f"{job.name}: what is to follow it has to be one host's, over the same connection")


def _log_path(name: str) -> Path:
    folder = state.folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in sorted(folder.glob("*.log"))[:-KEPT_LOGS]:
        old.unlink(missing_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%S") + f".{time.time_ns() // 1000 % 1000000:06d}"
    return folder / f"{stamp}-{re.sub(r'[^a-z0-9.]+', '-', name.lower())}.log"


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return " / ".join(lines[-4:]) or "it printed nothing"
