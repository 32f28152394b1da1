"""Makes the declared stack beside these tests importable, and a shape of site from the plan's tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
