"""Mutants of the chapter independence, by what the dependence depends on."""
