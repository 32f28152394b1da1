//go:build tools

// Package tools pins etcd, etcdctl and etcdutl as kubeadm 1.35 wants them.
package tools

import (
	_ "go.etcd.io/etcd/etcdctl/v3"
	_ "go.etcd.io/etcd/etcdutl/v3"
	_ "go.etcd.io/etcd/server/v3"
)
