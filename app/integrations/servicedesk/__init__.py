"""ServiceDesk Plus, both editions. Its words "request" and "solution" are used in this package only."""

from app.integrations.servicedesk.auth import ApiKey, Credentials, TokenCache
from app.integrations.servicedesk.calls import CallLimiter
from app.integrations.servicedesk.client import ServiceDesk, open_servicedesk
from app.integrations.servicedesk.inspection import Finding, State, inspect
from app.integrations.servicedesk.mapping import Note
from app.integrations.servicedesk.pages import ticket_url

__all__ = [
    "ApiKey",
    "CallLimiter",
    "Credentials",
    "Finding",
    "Note",
    "ServiceDesk",
    "State",
    "TokenCache",
    "inspect",
    "open_servicedesk",
    "ticket_url",
]
