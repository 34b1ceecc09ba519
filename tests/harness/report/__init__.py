"""How answers are shown: one file a format."""
