"""The command line: the one place that joins steps and prints. One file a command."""
