"""Data and words that every room shares: arrays, errors, options, risk, clauses, records, cases."""
