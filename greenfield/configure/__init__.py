"""Applies roles to hosts: a job goes in, ansible-runner runs it, per-host results come out."""

from greenfield.configure.job import Connection, HostResult, Job, JobResult, Target
from greenfield.configure.run import Event, run

__all__ = ["Connection", "Event", "HostResult", "Job", "JobResult", "Target", "run"]
