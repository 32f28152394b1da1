"""Applies roles to hosts: a job goes in, ansible-runner runs it, per-host results come out."""
