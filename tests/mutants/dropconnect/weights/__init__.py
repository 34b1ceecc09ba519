"""Mutants of the chapter weights, by what is wrong with the masks."""
