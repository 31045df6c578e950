"""The import name of the package that the old library logged in with, over the logins that work today."""

from salesforce_bulk.legacy.oauth_request import login, oauth_flow, token_login

__all__ = ["login", "oauth_flow", "token_login"]
