"""What the state holds in place of the digest of a host that was found to be other than it was converged to."""

DRIFTED = "drifted"
"""The host was found to differ from what it was converged to."""

LOST = "lost"
"""The host was found to carry nothing of the layer any more."""

WORDS = {DRIFTED: "drifted from its desired state", LOST: "its host has lost all of it"}
"""Why such a host changes, as a person reads it."""

ROLES = "the roles themselves changed"
"""Why a host changes whose variables stay."""
