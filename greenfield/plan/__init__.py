"""Where everything goes: pure, deterministic functions from a site and a cluster to a plan."""
