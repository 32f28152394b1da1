"""What a spec means: frozen dataclasses with units in their names. No I/O; imports nothing of the rest."""
