"""Imports the properties of every family: what a process that judges cannot do without."""

from dropspec.families import all_families
from dropspec.properties.catalogue import properties_of

for family in all_families():
    properties_of(family.tests)
