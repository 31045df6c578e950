"""Which org is meant, and how a session with it is opened."""
