"""The specification, as prose: read by `dropspec.clauses`."""
