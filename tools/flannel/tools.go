//go:build tools

// Package tools pins flanneld, the vxlan overlay between nodes.
package tools

import (
	_ "github.com/flannel-io/flannel"
)
