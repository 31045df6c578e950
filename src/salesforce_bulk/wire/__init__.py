"""Spellings that the API fixes: names, paths, headers. Strings only, no rules.

The client and the local org both import these, and nothing else of each other.
"""
