"""REST: versions, objects, limits, queries, collections; and the base path under which Bulk API 2.0 is served."""
