"""The example of a lab under another name and in another network, so that several stand side by side."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
EXAMPLES = REPO / "examples"
FIRST = {"lab": ("lab", 77), "kubernetes": ("kube", 85)}
"""Name of the site of each example, and its network 10.N.0.0/16."""

PARTS = "*.[yc]*"
"""Documents and tables of a spec."""


def write_example(folder: Path, site: str, number: int, example: str = "lab") -> None:
    """The whole example in 10.``number``.0.0/16."""
    folder.mkdir(parents=True, exist_ok=True)
    was, network = FIRST[example]
    for source in sorted((EXAMPLES / example).glob(PARTS)):
        text = source.read_text()
        text = text.replace(f"10.{network}.", f"10.{number}.").replace(f"02:{network}:", f"02:{number}:")
        text = text.replace(f"{{name: {was}}}", f"{{name: {site}}}").replace(f"site: {was}", f"site: {site}")
        (folder / source.name).write_text(text)
    if (charts := EXAMPLES / example / "charts").is_dir():
        shutil.copytree(charts, folder / "charts", dirs_exist_ok=True)


def keep_engine(folder: Path, engine: str) -> None:
    """Reduce a written example to one engine, and to one host in each rack."""
    cluster = yaml.safe_load((folder / "cluster.yaml").read_text())
    spec = cluster["spec"]
    spec["engines"] = {engine: spec["engines"][engine]}
    pool = spec["engines"][engine]["pool"]
    spec["nodePools"] = {pool: spec["nodePools"][pool]}
    (folder / "cluster.yaml").write_text(yaml.safe_dump(cluster, sort_keys=False))
    with (folder / "hosts.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = {row["rack"]: row for row in reversed(rows)}
    with (folder / "hosts.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(row for row in rows if first[row["rack"]] is row)
