"""The pages of ServiceDesk Plus on which a technician opens what a note names."""

from __future__ import annotations

from urllib.parse import quote

from app.core.help_desk import ServiceDeskOptions


def ticket_url(options: ServiceDeskOptions, ticket_id: str) -> str:
    ticket = quote(ticket_id, safe="")
    if options.edition.is_cloud:
        return f"{options.url}/ui/requests/{ticket}/details"
    return f"{options.url}/WorkOrder.do?woMode=viewWO&woID={ticket}"


def article_url(options: ServiceDeskOptions, article_id: str) -> str:
    article = quote(article_id, safe="")
    if options.edition.is_cloud:
        return f"{options.url}/ui/solutions/{article}/details"
    return f"{options.url}/AddSolution.do?submitaction=viewsolution&fromListView=true&solutionID={article}"


def asset_url(options: ServiceDeskOptions, asset_id: str) -> str:
    """Empty if the tenant's file says that there is none.

    On premises as the product's own pages link it. That of the cloud is not published: it is named as those of
    tickets and articles are.
    """
    usual = "/ui/assets/{id}/details" if options.edition.is_cloud else "/ViewWSDetails.do?wsId={id}"
    page = usual if options.asset_page is None else options.asset_page
    return options.url + page.replace("{id}", quote(asset_id, safe="")) if page else ""
