"""A run over implementations: judging, recording, reproducing, supervising."""
