"""Greenfield delivers new data-centre clusters: a validated spec goes in, accepted capacity comes out."""

__version__ = "0.1.0"
