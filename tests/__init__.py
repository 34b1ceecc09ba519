"""The harness that users import as `dropspec`, the conformance suite, mutants, and tests of the
suite itself.
"""
