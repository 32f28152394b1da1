"""What is declared on a cluster's Kubernetes engine: nodes, tenants, classes and workloads."""
