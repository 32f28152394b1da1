"""Where everything goes: pure, deterministic functions from a site and a cluster to a plan."""

from greenfield.plan.build import check, make_plan
from greenfield.plan.certificates import Subject, certificate_subjects, credentials
from greenfield.plan.desired import (
    cell_variables,
    engine_common,
    host_layer_common,
    host_variables,
    state_digest,
    state_digests,
)
from greenfield.plan.placement_record import Placement, load_placement, placement_of, save_placement
from greenfield.plan.plan import HOST_LAYER, HOST_ROLES, Cell, HostPlan, Loss, Member, Plan, RackPower

__all__ = [
    "HOST_LAYER",
    "HOST_ROLES",
    "Cell",
    "HostPlan",
    "Loss",
    "Member",
    "Placement",
    "Plan",
    "RackPower",
    "Subject",
    "cell_variables",
    "certificate_subjects",
    "check",
    "credentials",
    "engine_common",
    "host_layer_common",
    "host_variables",
    "load_placement",
    "make_plan",
    "placement_of",
    "save_placement",
    "state_digest",
    "state_digests",
]
