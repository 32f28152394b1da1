"""What the state holds in place of the digest of a host that was found to be other than it was converged to."""

DRIFTED = "drifted"
"""The host was found to differ from what it was converged to."""

LOST = "lost"
"""The host was found to carry nothing of the layer any more."""
