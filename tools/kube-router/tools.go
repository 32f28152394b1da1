//go:build tools

// Package tools pins kube-router, which enforces NetworkPolicy.
package tools

import (
	_ "github.com/cloudnativelabs/kube-router/cmd/kube-router"
)
