"""The values as Prometheus wants them: the catalog of names, families filled from a State, bytes. Pure."""
