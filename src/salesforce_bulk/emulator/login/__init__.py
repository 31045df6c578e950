"""SOAP login and OAuth, and the sessions that come of them."""
