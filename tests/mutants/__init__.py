"""Layers that break stated clauses, to prove that the suite finds them, and right but unusual ones,
to prove that it spares them.

Each is addressed as a user's layer is: `dropspec check
dropspec.tests.mutants.dropout.scale:DividesByRate`.
"""
