"""Goals in seconds and ratios, measured by the benchmarks on a machine that does nothing else."""

SEAT = {"alone": True, "drawn": False, "memory_gib": 9, "inotify": 110, "setup_seconds": 10}
"""What the runner has to know of it (prove/event.py). Bounds on time stand here and in no other test."""
