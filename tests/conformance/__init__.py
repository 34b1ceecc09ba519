"""The clauses as executable properties, one file a chapter of the specification, run on any
implementation.
"""
