"""Mutants of DropConnect: a file or folder a chapter of spec/dropconnect.md."""
