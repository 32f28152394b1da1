//go:build tools

// Package tools pins the registry that serves the mirror's images.
package tools

import (
	_ "github.com/distribution/distribution/v3/cmd/registry"
)
