"""Percentiles, and what API servers count themselves."""

from bench.latency import Latencies, milliseconds, percentile
from bench.server_latency import Kind, parse, quantile, rows, since
from bench.table import table

LINE = 'apiserver_request_sli_duration_seconds_bucket{{component="apiserver",group="{group}",resource="{resource}",'
LINE += 'scope="{scope}",subresource="{sub}",verb="{verb}",version="v1",le="{le}"}} {count}\n'


def histogram(counts, verb="GET", resource="pods", *, scope="resource", group="", sub=""):
    return "".join(
        LINE.format(verb=verb, resource=resource, scope=scope, group=group, sub=sub, le=le, count=count)
        for le, count in zip(("0.05", "0.1", "1", "+Inf"), counts, strict=True)
    )


def test_percentiles_are_nearest_rank():
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_a_row_says_how_many_and_whether_the_promise_is_kept():
    slow = Latencies("get a pod", (0.002, 0.002, 1.5), 1.0).row()
    assert (slow.what, slow.ours) == ("get a pod (n=3): p50, p90, p99", "2.0 ms, 1.50 s, 1.50 s")
    assert (slow.goal, slow.met) == ("p99 ≤ 1 s", False)
    assert Latencies("list", (1.5,), 30.0).row().met
    assert [milliseconds(value) for value in (0.0021, 0.25, 2.5)] == ["2.1 ms", "250 ms", "2.50 s"]


def test_servers_are_summed_and_only_what_came_meanwhile_counts():
    before = parse([histogram((50, 50, 50, 50))])
    after = parse([histogram((60, 150, 150, 150)), histogram((0, 0, 100, 100))])
    (buckets,) = since(before, after).values()
    assert [buckets[bound] for bound in (0.05, 0.1, 1.0, float("inf"))] == [10, 100, 200, 200]


def test_a_quantile_is_linear_within_its_bucket():
    buckets = {0.05: 0.0, 0.1: 100.0, 1.0: 200.0, float("inf"): 200.0}
    assert abs(quantile(buckets, 0.25) - 0.075) < 1e-9
    assert abs(quantile(buckets, 0.75) - 0.55) < 1e-9
    assert quantile({0.1: 1.0, float("inf"): 100.0}, 0.99) == 0.1


def test_the_slowest_kind_of_each_promise_is_told():
    found = parse(
        [
            histogram((0, 100, 100, 100), verb="PATCH", sub="status"),
            histogram((500, 500, 500, 500), verb="PUT", resource="leases", group="coordination.k8s.io"),
            histogram((0, 0, 0, 99), verb="POST"),
            histogram((300, 300, 300, 300)),
            histogram((0, 0, 100, 100), verb="LIST", scope="cluster"),
            histogram((0, 0, 0, 900), verb="WATCH", scope="cluster"),
            histogram((0, 0, 0, 900), verb="LIST", scope="cluster", resource="pods", group="metrics.k8s.io"),
        ]
    )
    assert Kind("PATCH", "pods/status", "resource") in found
    changes, reads, lists = (line.split("|")[1:3] for line in table(rows(found)).splitlines()[2:])
    assert "slowest of 2 kinds (PATCH pods/status, n=100)" in changes[0]
    assert changes[1].strip() == "100 ms"
    assert reads[1].strip() == "< 50 ms"
    assert "LIST pods, n=100" in lists[0]
