"""Bulk API 1.0: jobs, batches, what becomes of them, and their results."""
