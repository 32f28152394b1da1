"""The example's site and cluster."""

from __future__ import annotations

import pytest
from lab_shape import build_site, lab_cluster

from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.plan import Plan, make_plan


@pytest.fixture
def site() -> Site:
    """The lab's shape: 3 racks of 3 hosts."""
    return build_site()


@pytest.fixture
def cluster() -> Cluster:
    """The example cluster: etcd on 3 control hosts, Redis on 6 data hosts."""
    return lab_cluster()


@pytest.fixture
def plan(site: Site, cluster: Cluster) -> Plan:
    """The example's plan."""
    return make_plan(site, cluster)
