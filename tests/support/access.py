"""An access for flows that are played, or performed over a scripted transport."""

from __future__ import annotations

from collections.abc import Mapping

from salesforce_bulk.session import Access, Addressed, filled


class Anybody(Access):
    """Sends no token, and renews none."""

    def url(self, request: Addressed) -> str:
        return "https://acme.my.salesforce.com" + filled(request, "66.0")

    def headers(self, request: Addressed) -> dict[str, str]:
        return dict(request.headers)

    def renew(self, refused: Mapping[str, str]) -> bool:
        return False
