"""Mutants of the chapter gradient, by what the wrong gradient depends on."""
