"""Layers that are right though they look unusual; nothing here may be refused."""
