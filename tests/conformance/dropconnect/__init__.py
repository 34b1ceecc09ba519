"""The clauses of spec/dropconnect.md as properties, a file a chapter."""
