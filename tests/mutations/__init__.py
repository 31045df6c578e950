"""Errors put into one place, each of which some test must notice: ``scripts/mutations``."""
