// The registry of the CNCF's Distribution project with the one storage that a mirror has: files. Its other drivers ask
// public clouds, and are half of what would be compiled.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
