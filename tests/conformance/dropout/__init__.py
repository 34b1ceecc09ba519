"""The clauses of spec/dropout.md as properties, a file a chapter."""
