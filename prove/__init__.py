"""Runs this project's own tests within their time, and keeps records of what was proved on hosts (docs/testing.md).

Not part of the library: nothing of it is in the wheel.
"""

from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
