"""Counts and decides: campaigns, lenses and the gauge. Knows no implementation."""
