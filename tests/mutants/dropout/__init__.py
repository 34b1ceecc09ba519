"""Mutants of dropout: a file or folder a chapter of spec/dropout.md."""
