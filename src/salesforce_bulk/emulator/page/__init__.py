"""The page to look at: jobs, records, limits and planned faults of the local org, for the person who works with it."""
