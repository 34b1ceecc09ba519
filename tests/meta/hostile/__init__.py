"""Layers that harm whoever judges them, to be survived; each says what must be said of it."""
