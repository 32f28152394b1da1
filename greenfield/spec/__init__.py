"""A spec: YAML and host tables in, the model out, or every problem with its position."""

from greenfield.spec.loader import Spec, collect, load
from greenfield.spec.sources import Location, Sources

__all__ = ["Location", "Sources", "Spec", "collect", "load"]
