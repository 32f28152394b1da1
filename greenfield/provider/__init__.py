"""The Pulumi provider plugin pulumi-resource-greenfield."""
