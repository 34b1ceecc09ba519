"""Mutants of the chapter rate, by what the wrong rate depends on."""
