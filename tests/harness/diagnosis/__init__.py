"""From the clauses that failed to their likely causes."""
