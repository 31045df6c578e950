"""HTTP: sockets, requests as they came in, replies as they go out, and who answers what."""
