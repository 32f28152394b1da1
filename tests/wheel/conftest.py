"""One built wheel and one environment for all tests of it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from installed import installed, wheel

__all__ = ["installed", "wheel"]
