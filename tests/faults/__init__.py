"""The fault matrix: every fault at every request of every verb."""
