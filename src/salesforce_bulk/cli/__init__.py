"""``sfbulk``: one file a command."""
