"""Benchmarks: what Greenfield takes, beside the plain tools in the same run. ``python -m bench`` runs them."""
