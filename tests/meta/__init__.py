"""Tests of the suite itself: mutants die, right code passes, error rates hold, and reports say
what happened.
"""
