// The official Kubernetes plugin of Pulumi. Its release has a main of its own that embeds copies which only its Makefile
// makes; the build lays the module's own files over schema.json and terraform-mapping.json beside this file.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var mapping []byte

func main() {
	// The schema in the module says no version, and Pulumi asks for one: the object's first key.
	versioned := append([]byte(`{"version":"`+version.Version+`",`), schema[1:]...)
	provider.Serve("kubernetes", version.Version, versioned, mapping)
}
