"""Reads an answer of ServiceDesk Plus: returns its JSON, or raises the error that it means.

Invariant: `parse_answer` returns only objects that ServiceDesk Plus called a success. The errors hold statuses, codes,
names of fields and our own words, never other text that was received.

| answer                                                            | becomes                            |
| ----------------------------------------------------------------- | ---------------------------------- |
| 429; code 4015; `URL_ROLLING_THROTTLES_LIMIT_EXCEEDED`, any status; | `Throttled`, with its `Retry-After` |
|   400 or 403 with a page that says so                              |                                    |
| 5xx, 408, 409, 423, 425                                            | `HelpDeskUnavailable`              |
| code 4004, whatever else is said; a code that we don't know, but    | `Unclear`                          |
|   with 401, 403, 404 or 415; 200 or 400 without a reason           |                                    |
| 401; code 4022                                                    | `CredentialsRefused`               |
| 404 with ServiceDesk Plus's JSON; code 4007                       | `Missing`                          |
| code 4001                                                         | `InputRefused`                     |
| 403; code 4002                                                    | `HelpDeskRefused`                  |
| any other 3xx or 4xx; any other code of `_FINAL`                  | `HelpDeskRefused`                  |
| no JSON object; 404 with another program's JSON                   | `Unclear`                          |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from app.core.body import NotJson, as_utf8, read_json
from app.errors import Code, HelpDeskRefused, HelpDeskUnavailable, KeyReplaced
from app.integrations.http import LONGEST_WAIT, Reply, parse_retry_after

_SUCCESS: Final = 2000
_FAILURE: Final = 4000
"""Says no more than that the call failed; the messages' codes tell why."""
_BAD_INPUT: Final = 4001
_FORBIDDEN: Final = 4002
_INTERNAL: Final = 4004
_NOT_FOUND: Final = 4007
_MANDATORY: Final = 4012
_RATE_LIMIT: Final = 4015
_BAD_KEY: Final = 4022
# In use elsewhere, not unique, not editable, read-only, times that don't fit, another type of data, not in the licence.
_OTHER_FAULTS: Final = {4005, 4008, 4009, 4014, 4016, 4021, 7001}
_FINAL: Final = frozenset({_BAD_INPUT, _FORBIDDEN, _NOT_FOUND, _MANDATORY, _BAD_KEY, *_OTHER_FAULTS})
"""Codes that say what is wrong with the call: the same call fails again. Source: "Status codes" of the maker's API."""
_TELLING: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
)
"""Statuses that say what is wrong with the call, whatever code comes with them, but for an internal error's."""
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.LOCKED, HTTPStatus.TOO_EARLY})
"""Statuses beside 5xx that speak of this moment."""
_WAIT: Final = re.compile(r"\bafter (?P<many>\d{1,4}) (?P<unit>second|minute|hour)s?\b", re.IGNORECASE)
_FIELD: Final = re.compile(r"[a-z][a-z0-9_.]{0,59}")
_MOST_FIELDS: Final = 5
_MAX_READ_BYTES: Final = 4_000
_TOO_MANY: Final = re.compile(
    r"\btoo many (?:requests|calls)\b|\brate limit|\bexceeded\b[^.<]{0,60}\b(?:requests|calls|limit)\b", re.IGNORECASE
)
_ROLLING: Final = "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"


class Throttled(HelpDeskUnavailable):
    """ServiceDesk Plus refused a call since we made too many."""

    code = Code.HELP_DESK_THROTTLED


class CredentialsRefused(HelpDeskRefused):
    """ServiceDesk Plus does not accept our key or token."""

    code = Code.HELP_DESK_UNAUTHORISED


class CredentialsReplaced(CredentialsRefused, KeyReplaced):
    """ServiceDesk Plus does not accept our key or token any more."""


class ScopeMissing(HelpDeskRefused):
    """Our token is good, but not for this resource."""

    code = Code.HELP_DESK_SCOPE_MISSING


class Missing(HelpDeskRefused):
    """ServiceDesk Plus has nothing at this path."""

    code = Code.HELP_DESK_PATH_MISSING


class InputRefused(HelpDeskRefused):
    """ServiceDesk Plus does not take a value of the call, e.g. an id."""


class AnswerOverLimit(HelpDeskRefused):
    """The answer of ServiceDesk Plus is larger than the limit."""


class Unclear(HelpDeskUnavailable):
    """An answer that may be a passing fault, or a build's way to say that it does not know the call."""


def not_understood() -> Unclear:
    """The error for an answer that is not understood: a proxy's page, a server that starts, an unknown build."""
    return Unclear(
        "The help desk answered something that is not ServiceDesk Plus's JSON.", code=Code.HELP_DESK_NOT_UNDERSTOOD
    )


def parse_answer(reply: Reply, *, secret: str, now: datetime) -> dict[str, Any]:
    """The object that *reply* holds.

    *secret* names the tenant's secret, e.g. `acme/api_key`, for the remedy in an error.

    Raises:
        HelpDeskUnavailable: Throttled, failed on its side, or not understood.
        HelpDeskRefused: Refused; the sentence names the remedy.
    """
    answer = _decode(reply)
    codes = frozenset(_codes(answer))
    if _is_throttled(reply, answer, codes):
        wait = parse_retry_after(reply.headers, now=now) or _told_wait(reply)
        raise Throttled("ServiceDesk Plus throttles our calls.", retry_after=wait)
    _check_status(reply, answer, codes, secret=secret, now=now)
    if reply.status == HTTPStatus.NO_CONTENT:
        return {}
    if answer is None:
        raise not_understood()
    if _has_failed(answer, codes):
        raise _failure(HTTPStatus.OK, answer, codes, secret=secret)
    return answer


def _told_wait(reply: Reply) -> timedelta | None:
    """How long the words of a refusal ask to wait: "Try again after 22 minutes", as Zoho's products say it."""
    told = _WAIT.search(reply.body[:_MAX_READ_BYTES].decode("utf-8", "replace"))
    if told is None:
        return None
    return min(timedelta(**{f"{told['unit'].lower()}s": int(told["many"])}), LONGEST_WAIT)


def _decode(reply: Reply) -> dict[str, Any] | None:
    try:
        answer = read_json(as_utf8(reply.body, reply.headers.get("content-type", "")))
    except NotJson:
        return None
    return answer if isinstance(answer, dict) else None


def _statuses(answer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """`response_status` as a list. Answers about one item have an object there, lists have an array."""
    status = (answer or {}).get("response_status")
    return [part for part in (status if isinstance(status, list) else [status]) if isinstance(part, dict)]


def _parts(answer: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Each `response_status` with its messages."""
    for status in _statuses(answer):
        messages = status.get("messages")
        told = messages if isinstance(messages, list) else [messages]
        yield from (part for part in (status, *told) if isinstance(part, dict))


def _codes(answer: dict[str, Any] | None) -> Iterator[int]:
    for part in _parts(answer):
        code = str(part.get("status_code", "")).removesuffix(".0")
        if code.isascii() and code.isdigit():
            yield int(code[:9])


def _fields(answer: dict[str, Any] | None) -> list[str]:
    """The fields that a failure names: what to mend, e.g. one that a ticket's template makes mandatory."""
    told = [name for part in _parts(answer) for key in ("field", "fields") for name in _as_list(part.get(key))]
    names = [name for name in told if isinstance(name, str) and _FIELD.fullmatch(name)]
    return list(dict.fromkeys(names))[:_MOST_FIELDS]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_throttled(reply: Reply, answer: dict[str, Any] | None, codes: frozenset[int]) -> bool:
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or _RATE_LIMIT in codes:
        return True
    if not _statuses(answer) and reply.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
        # Also a page of what stands before it.
        page = reply.body[:_MAX_READ_BYTES].decode("utf-8", "replace")
        return _ROLLING in page or _TOO_MANY.search(page) is not None
    if answer is None or reply.status >= HTTPStatus.BAD_REQUEST:
        return _ROLLING.encode() in reply.body
    # Only where errors are reported: in a success, the text of a ticket may hold these words.
    told = [value for key, value in answer.items() if isinstance(value, str) or key in {"error", "errors"}]
    return _ROLLING in json.dumps([told, _statuses(answer)])


def _check_status(
    reply: Reply, answer: dict[str, Any] | None, codes: frozenset[int], *, secret: str, now: datetime
) -> None:
    status = reply.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise HelpDeskUnavailable(
            f"ServiceDesk Plus failed on its side (HTTP {status}).",
            retry_after=parse_retry_after(reply.headers, now=now),
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise HelpDeskRefused(
            f"The help desk redirects our calls (HTTP {status}), and no redirect is followed: servicedesk.url in the"
            " tenant's file must be the final address.",
            field="servicedesk.url",
            code=Code.HELP_DESK_REDIRECTS,
        )
    if status == HTTPStatus.NOT_FOUND and not _statuses(answer):
        # A proxy's or web server's answer: ServiceDesk Plus tells of a missing ticket in JSON of its own.
        raise not_understood()
    if status >= HTTPStatus.BAD_REQUEST:
        raise _failure(status, answer, codes, secret=secret)


def _has_failed(answer: dict[str, Any], codes: frozenset[int]) -> bool:
    is_told = any(str(part.get("status", "")).lower() in {"failed", "failure"} for part in _statuses(answer))
    return is_told or any(code >= _FAILURE for code in codes)


def _failure(
    status: int, answer: dict[str, Any] | None, codes: frozenset[int], *, secret: str
) -> HelpDeskRefused | HelpDeskUnavailable:
    """The error for a failure that is told by *status*, by *codes* or by both."""
    reasons = codes - {_SUCCESS, _FAILURE}
    fields = [f"field {name}" for name in _fields(answer)]
    told = ", ".join([f"HTTP {status}", *(f"code {code}" for code in sorted(reasons)), *fields])
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and not _statuses(answer):
        told += ", not in its own JSON: perhaps a proxy or firewall before it refused the call"
    says_nothing = not reasons and status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    may_pass = says_nothing or (bool(reasons) and not reasons & _FINAL)
    if _INTERNAL in reasons or (may_pass and status not in _TELLING):
        return Unclear(f"ServiceDesk Plus failed on its side ({told}).")
    return _refusal(status, codes, told=told, secret=secret)


def _refusal(  # noqa: PLR0911 - a line for each reason
    status: int, codes: frozenset[int], *, told: str, secret: str
) -> HelpDeskRefused:
    if status == HTTPStatus.UNAUTHORIZED or _BAD_KEY in codes:
        return CredentialsRefused(f"ServiceDesk Plus does not accept our credentials ({told}): check {secret}.")
    if status == HTTPStatus.FORBIDDEN or _FORBIDDEN in codes:
        return HelpDeskRefused(
            f"ServiceDesk Plus forbids this ({told}): check the role of the technician to whom {secret} belongs.",
            code=Code.HELP_DESK_FORBIDDEN,
        )
    if status == HTTPStatus.NOT_FOUND or _NOT_FOUND in codes:
        return Missing(f"ServiceDesk Plus has no such thing ({told}): check servicedesk.url in the tenant's file.")
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return HelpDeskRefused(
            f"The help desk did not take our call ({told}): check servicedesk.edition and url.",
            code=Code.HELP_DESK_PATH_MISSING,
        )
    if _MANDATORY in codes:
        return HelpDeskRefused(
            f"ServiceDesk Plus misses a mandatory field ({told}): one of the ticket's template is filled in there; of a"
            " note, check servicedesk.note_key in the tenant's file.",
            code=Code.HELP_DESK_FIELD_MISSING,
        )
    if _BAD_INPUT in codes:
        return InputRefused(f"ServiceDesk Plus does not take a value of our call ({told}).")
    return HelpDeskRefused(f"ServiceDesk Plus refused the call ({told}).")
