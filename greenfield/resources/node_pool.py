"""``greenfield:index:NodePool``: the host layer on a pool's hosts, a cell for each rack."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from greenfield.artifacts.facts import host_facts
from greenfield.resources.cell_inputs import cell_inputs, engines_on, host_layer_cells, known
from greenfield.resources.custom import Cell
from greenfield.resources.health import gate_name
from greenfield.resources.site import Site


@dataclass(frozen=True, slots=True)
class NodePoolArgs:
    """A pool of a site's plan."""

    site: Site
    pool: str


class NodePool(pulumi.ComponentResource):
    """A node pool. Outputs: ``hosts`` (names). ``cells`` is by rack, for those that depend on them."""

    hosts: pulumi.Output[list[str]]

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:NodePool", name, {}, opts)
        plan, facts = args.site.args.plan, host_facts(args.site.args.lock)
        self.cells: dict[str, Cell] = {}
        for cell in host_layer_cells(plan, args.pool):
            inputs = cell_inputs(args.site, cell, facts, "pki")
            inputs["gates"] = [gate_name(plan, engine) for engine in engines_on(plan, cell)]
            child = pulumi.ResourceOptions(parent=self, depends_on=[args.site.preflight])
            self.cells[cell.rack] = Cell(f"{plan.cluster.name}-{cell.name}", inputs, child)
        self.hosts = known(list(plan.pools[args.pool]))
        self.register_outputs({"hosts": self.hosts})
