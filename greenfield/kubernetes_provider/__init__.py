"""The plugin ``pulumi-resource-kubernetes`` for sites that can't download the official one.

It answers the resource types of the Python package ``pulumi-kubernetes``; where the official plugin is installed, it
hands over to that (docs/platform.md).
"""
