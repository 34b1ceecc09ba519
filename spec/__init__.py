"""The specification, as prose: read by `dropspec.core.clauses`."""

VERSION = "1.0"  # of the standard, not of dropspec; spec/CHANGELOG.md says what each one changed
