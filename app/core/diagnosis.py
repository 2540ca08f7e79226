"""What each code means and what to do about it. Console, command line, problem details and documentation read this.

Invariant: every `Code` has a diagnosis, and only here. Details of one case (an HTTP status, the name of a secret)
are in the error's own sentence, which is stored beside the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.errors import Code


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The meaning of one code and the remedy."""

    meaning: str
    remedy: str


_REPLAY: Final = "Then replay."

DIAGNOSES: Final[Mapping[Code, Diagnosis]] = {
    Code.UNAUTHENTICATED: Diagnosis(
        "The webhook's tenant and signature could not be verified.",
        "Check the tenant's id and its webhook secret at the sender. One answer stands for every cause.",
    ),
    Code.TENANT_SUSPENDED: Diagnosis(
        "The tenant is suspended in its file.", "Nothing, if that is meant; else set status: active."
    ),
    Code.WEBHOOK_MALFORMED: Diagnosis(
        "The webhook's body is not what it must be.", "Correct the field that is named, at the sender."
    ),
    Code.BODY_NOT_RECEIVED: Diagnosis("The webhook's body did not arrive whole in time.", "Send it again."),
    Code.OVERLOADED: Diagnosis("More webhooks arrive at once than the API can hold.", "Send it again, later."),
    Code.LEDGER_UNAVAILABLE: Diagnosis(
        "PostgreSQL could not store it.", "Look at PostgreSQL; what was not answered 202 is sent again by its sender."
    ),
    Code.QUEUE_UNAVAILABLE: Diagnosis(
        "Redis could not be used.", "Look at Redis; deliveries go on without it, slower."
    ),
    Code.TENANT_UNKNOWN: Diagnosis(
        "No tenant's file has this tenant's id.", f"Add the file, or mend what `tenants check` says of it. {_REPLAY}"
    ),
    Code.TENANT_FILE_INVALID: Diagnosis(
        "The tenant's file or one of its secrets can't be used.",
        f"Run `tenants check` and mend what it names. {_REPLAY}",
    ),
    Code.TENANT_SECRET_MISSING: Diagnosis(
        "One of the tenant's secrets is not there.", f"Add it to the secret store; it is read at once. {_REPLAY}"
    ),
    Code.ADDRESS_FORBIDDEN: Diagnosis(
        "The tenant's URL leads to an address that its file does not allow.",
        "For a help desk in a private network set servicedesk.allow_private_address: true; else correct the URL, or its"
        f" name in DNS. {_REPLAY}",
    ),
    Code.HELP_DESK_UNREACHABLE: Diagnosis(
        "The tenant's help desk could not be reached.",
        f"Check the connection on the tenant's page: address, certificate, firewall, or an outage there. {_REPLAY}",
    ),
    Code.HELP_DESK_FAILED: Diagnosis(
        "The tenant's help desk had an error of its own.",
        "Check the connection on the tenant's page. When the help desk is well again, replay.",
    ),
    Code.HELP_DESK_SLOW: Diagnosis(
        "The help desk was too slow to take the note.",
        "Replay: the ticket is looked at first, so no note is doubled.",
    ),
    Code.HELP_DESK_THROTTLED: Diagnosis(
        "The help desk allows no more calls at the moment.",
        "Nothing: it goes on by itself. If it happens often, lower calls_per_minute.",
    ),
    Code.HELP_DESK_NOT_UNDERSTOOD: Diagnosis(
        "Something else than ServiceDesk Plus answered at this address.",
        f"Check servicedesk.url and servicedesk.edition in the tenant's file. {_REPLAY}",
    ),
    Code.HELP_DESK_UNAUTHORISED: Diagnosis(
        "The help desk does not accept our key.",
        "Put the key of a technician who may add notes into the tenant's secret; it is read at once. Then replay;"
        " deliveries of the 15 minutes after the old key ended go on by themselves.",
    ),
    Code.HELP_DESK_SCOPE_MISSING: Diagnosis(
        "The OAuth client lacks the scope for this part of the help desk.",
        "Generate a refresh token with the scope that is named, and put it into the tenant's secret"
        " oauth_refresh_token; it is read at once. Then replay.",
    ),
    Code.HELP_DESK_FORBIDDEN: Diagnosis(
        "Our technician at the help desk may not do this.",
        f"Give its role the right to read requests and to add notes. {_REPLAY}",
    ),
    Code.HELP_DESK_REDIRECTS: Diagnosis(
        "The help desk redirects our calls, and no redirect is followed.",
        f"Write the final address into the tenant's file. {_REPLAY}",
    ),
    Code.HELP_DESK_PATH_MISSING: Diagnosis(
        "The help desk does not know the path or the form of our call.",
        f"Check servicedesk.url and servicedesk.edition in the tenant's file. {_REPLAY}",
    ),
    Code.HELP_DESK_FIELD_MISSING: Diagnosis(
        "The help desk wants a field that our call does not have.",
        "Fill in the field that is named, if it is one that the ticket's template makes mandatory; else check"
        f" servicedesk.note_key in the tenant's file. {_REPLAY}",
    ),
    Code.HELP_DESK_REFUSED: Diagnosis(
        "The help desk refused the call for good.",
        "Look up its code: a field, a right or the ticket's state has to change before a replay can work.",
    ),
    Code.TICKET_NOT_FOUND: Diagnosis(
        "The ticket was deleted or archived, or never was on this help desk.",
        "Nothing, if it was deleted or archived. If all of a tenant's deliveries end so, check its servicedesk.url, and"
        " that the webhook sends the ticket's id.",
    ),
    Code.TICKET_TRASHED: Diagnosis("The ticket is in the help desk's trash.", "Nothing."),
    Code.TICKET_MERGED: Diagnosis("The ticket was merged into another one.", "Nothing."),
    Code.TICKET_CLOSED: Diagnosis(
        "The ticket was resolved or closed before its turn.",
        "Nothing; a tenant that wants notes on closed tickets too sets note.when_closed: note.",
    ),
    Code.TICKET_EMPTY: Diagnosis(
        "The ticket has no words: no subject that says anything, and no description.",
        "Nothing. Once it has words, its next event leads to a note.",
    ),
    Code.AUTOMATIC_REPLY: Diagnosis(
        "The ticket is the automatic reply of a mailbox, e.g. of somebody who is away.",
        "Nothing, or turn off replies to the help desk's own mails there.",
    ),
    Code.ALL_CLEAR: Diagnosis(
        "The ticket is a monitoring or backup program's message that all is well again, or that somebody took it on.",
        "Nothing; the message of the fault itself, if it made a ticket, has its note.",
    ),
    Code.ONLY_THANKS: Diagnosis(
        "The ticket is a reply that only thanks, or says that all is well.",
        "Nothing; the help desk made a ticket of it, e.g. since it was sent to another address than the first mail.",
    ),
    Code.UNDELIVERED_MAIL: Diagnosis(
        "The ticket is a mail server's report that a mail was not delivered.",
        "Nothing; a person who forwards such a report gets a note.",
    ),
    Code.TAGGED_AS_SPAM: Diagnosis(
        "The ticket is a mail whose subject a mail filter has marked as spam, e.g. with [SPAM].",
        "Nothing; if the filter marks honest mails, correct it there.",
    ),
    Code.NOTHING_FOUND: Diagnosis(
        "Nothing that fits the ticket was found, and its tenant wants no note then.",
        "Nothing; with note.when_nothing: short such a ticket gets a note of one sentence.",
    ),
    Code.TICKET_OF_ANOTHER_ACCOUNT: Diagnosis(
        "The ticket is not of this tenant's account at the shared help desk, or does not say whose it is.",
        "Nothing, if the ticket was moved. Else check servicedesk.account, and account_field of the instance, with"
        " `tenants try`.",
    ),
    Code.ACCOUNT_UNKNOWN: Diagnosis(
        "No tenant's file names the account of this ticket.",
        "Add the tenant: the delivery is routed to it by itself. Else dismiss it.",
    ),
    Code.ROUTED: Diagnosis("The delivery went to the tenant whose account the ticket is of.", "Nothing."),
    Code.CALLS_EXHAUSTED: Diagnosis(
        "The tenant's calls_per_minute are used up.",
        "Nothing: it goes on by itself. If it happens often, raise calls_per_minute as far as the help desk allows.",
    ),
    Code.BUDGET_USED_UP: Diagnosis(
        "A budget of the tenant for its model is used up.",
        "Nothing: drafts come again when the day or month (UTC) ends, or the budget is raised in the tenant's file.",
    ),
    Code.MODEL_UNAVAILABLE: Diagnosis("The model did not answer.", "Replay when it answers again."),
    Code.MODEL_BUSY: Diagnosis(
        "The model takes no more calls for now: its provider's limit a minute is reached, or it has too much to do.",
        "Nothing: the delivery waits, five minutes at most; then its note holds the context alone. If it happens often,"
        " raise the limit at the provider, or give a server of your own more room.",
    ),
    Code.MODEL_REFUSED: Diagnosis(
        "The model's answer, or its endpoint's, could not be used.",
        "Check OPENAI_MODEL, OPENAI_BASE_URL and OPENAI_API_KEY; for a client with a key of its own, `model` in its"
        f" file and its secret model_api_key. {_REPLAY}",
    ),
    Code.MODEL_UNAUTHORISED: Diagnosis(
        "The model's endpoint does not accept our key.",
        "Put one that it accepts into the secret of OPENAI_API_KEY, or into the tenant's secret model_api_key."
        " Deliveries of the 15 minutes after the old key ended go on by themselves.",
    ),
    Code.MODEL_DECLINED: Diagnosis(
        "The model will not write about this ticket.", "Nothing: the note holds the gathered context alone."
    ),
    Code.MODEL_CONTENT_FILTER: Diagnosis(
        "The content filter of the model's endpoint refused the ticket.",
        "Nothing, if it happens seldom; else loosen the filter at the endpoint's provider.",
    ),
    Code.PROMPT_TOO_LONG: Diagnosis(
        "The ticket is more than the model's context takes, also without its sources.",
        "Choose a model with a larger context, for all or in the tenant's file.",
    ),
    Code.MONITORING_UNAVAILABLE: Diagnosis(
        "The tenant's monitoring did not answer.",
        "Run `ai-agents tenants check`, which asks it and says what is wrong; then mend `monitoring` in the tenant's"
        " file, or its secret monitoring_token.",
    ),
    Code.DOCUMENTATION_UNAVAILABLE: Diagnosis(
        "The server of the tenant's documentation did not answer, or not with what its file wants.",
        "Run `ai-agents tenants check`, which asks it and says what is wrong; then mend `documentation` in the tenant's"
        " file, or its secret documentation_token.",
    ),
    Code.ATTEMPT_TOO_LONG: Diagnosis(
        "The attempt took longer than it may.", f"Look at its steps for the slow one. {_REPLAY}"
    ),
    Code.WORKER_LOST: Diagnosis(
        "The worker stopped in the middle, each time.", "Look at the workers' logs and memory before you replay."
    ),
    Code.LEASE_LOST: Diagnosis("Another worker took the delivery over.", "Nothing."),
    Code.DELIVERY_UNREADABLE: Diagnosis(
        "This release can't read the delivery as it is stored.",
        "If a newer release stored it, replay when that one runs again. Else look at the worker's log for what it met.",
    ),
    Code.INTERNAL_ERROR: Diagnosis(
        "A fault of ours. The log has the details.", "Report it with the job id. A replay may work."
    ),
    Code.EVENT_NOT_WANTED: Diagnosis(
        "This event leads to no note for this tenant.", "Nothing; which events do is `events` in the tenant's file."
    ),
    Code.OWN_EVENT: Diagnosis("Our own technician caused this event.", "Nothing."),
    Code.NOTE_EXISTS: Diagnosis("This version of the ticket has its note already.", "Nothing."),
    Code.VERSION_IN_WORK: Diagnosis("Another delivery works on this version of the ticket.", "Nothing."),
    Code.VERSION_OUTDATED: Diagnosis("A newer version of the ticket is known and gets the note.", "Nothing."),
    Code.SHADOW: Diagnosis(
        "The note was written in shadow mode and is not posted.",
        "Nothing; note.mode: post in the tenant's file begins to post, from the next ticket on.",
    ),
    Code.DISMISSED: Diagnosis("An operator settled it without a note, after it had failed.", "Nothing."),
}
_UNKNOWN: Final = Diagnosis(
    "An earlier or newer release stored this reason.", "Its own words are what is known. A replay may work."
)


def diagnose(code: str | None) -> Diagnosis:
    """The diagnosis of a stored *code*; there is one too for None, and for an unknown code of a newer release."""
    return DIAGNOSES.get(Code(code), _UNKNOWN) if code in _VALUES else _UNKNOWN


_VALUES: Final = frozenset(code.value for code in Code)
