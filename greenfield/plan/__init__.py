"""Where everything goes: pure, deterministic functions from a site and a cluster to a plan."""

from greenfield.plan.build import check, make_plan
from greenfield.plan.certificates import Subject, certificate_subjects, credentials
from greenfield.plan.desired import (
    cell_variables,
    engine_common,
    host_layer_common,
    host_variables,
)
from greenfield.plan.placement_record import (
    EMPTY,
    Placement,
    load_placement,
    placement_of,
    record_begin,
    record_formed,
    record_gone,
    record_left,
    record_settled,
    save_placement,
)
from greenfield.plan.plan import HOST_LAYER, HOST_ROLES, Cell, HostPlan, Loss, Member, Plan, RackPower
from greenfield.plan.standing import deployed_by, standing_problems

__all__ = [
    "EMPTY",
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
    "deployed_by",
    "engine_common",
    "host_layer_common",
    "host_variables",
    "load_placement",
    "make_plan",
    "placement_of",
    "record_begin",
    "record_formed",
    "record_gone",
    "record_left",
    "record_settled",
    "save_placement",
    "standing_problems",
]
