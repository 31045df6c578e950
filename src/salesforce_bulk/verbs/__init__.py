"""What each verb of an org does, end to end: rows -> parts -> jobs -> outcomes; query -> pages -> result."""
