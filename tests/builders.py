"""Values that are valid by default: a test names only what matters to it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import yaml

from app.core.article import Article
from app.core.delivery import Status
from app.core.enhancement import Draft
from app.core.outcome import Ending, Outcome
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.tenant import Instance, Tenant
from app.core.ticket import Ticket
from app.errors import Code
from app.tenants import KnownTenant, TenantSecrets


def a_tenant(slug: str = "acme", *, id: UUID | None = None, **changes: Any) -> Tenant:  # noqa: A002 - the file's key
    """A tenant on premises; `servicedesk` and others may be given in part."""
    values: dict[str, Any] = {
        "id": id or uuid4(),
        "slug": slug,
        "name": slug.title(),
        "servicedesk": {
            "edition": "on_premises",
            "url": f"http://127.0.0.1:1/{slug}",
            "technician": "ai-agents@acme.example",
            "calls_per_minute": 6000,
            "allow_private_address": True,
            **changes.pop("servicedesk", {}),
        },
        **changes,
    }
    return Tenant.model_validate(values)


def a_known_tenant(tenant: Tenant | None = None, *, webhook: tuple[bytes, ...] = (b"secret",)) -> KnownTenant:
    return KnownTenant(tenant or a_tenant(), TenantSecrets(webhook=webhook, api_key="key"))


def a_ticket(**changes: Any) -> Ticket:
    values = {"id": "100234", "subject": "Mail does not arrive", "description": "Outlook shows no new mail since noon."}
    return Ticket.model_validate({**values, **changes})


def a_body(**changes: Any) -> bytes:
    """The body of a webhook as it is sent."""
    return json.dumps({"event": "ticket_created", "ticket_id": "100234", **changes}).encode()


def write_tenant(folder: Path, tenant: Tenant, **secrets: str) -> None:
    """The tenant's file and secrets, as they are mounted: `folder/files` and `folder/secrets`."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    values = tenant.model_dump(mode="json", exclude_none=True)
    if tenant.servicedesk.instance is not None:
        values["servicedesk"] = {key: values["servicedesk"][key] for key in ("instance", "account")}
    (folder / "files" / f"{tenant.slug}.yaml").write_text(yaml.dump(values, Dumper=yaml.CSafeDumper))
    (folder / "secrets" / tenant.slug).mkdir(parents=True, exist_ok=True)
    for name, secret in secrets.items():
        (folder / "secrets" / tenant.slug / name).write_text(secret)


def an_instance(name: str = "main", *, id: UUID | None = None, **changes: Any) -> Instance:  # noqa: A002
    """A shared help desk on premises."""
    values: dict[str, Any] = {
        "id": id or uuid4(),
        "name": name,
        "edition": "msp_on_premises",
        "url": f"http://127.0.0.1:1/{name}",
        "technician": "ai-agents@msp.example",
        "calls_per_minute": 6000,
        "allow_private_address": True,
        **changes,
    }
    return Instance.model_validate(values)


def an_account(instance: Instance, slug: str, account: dict[str, Any], **changes: Any) -> Tenant:
    values = {"id": uuid4(), "slug": slug, "name": slug.title(), **changes}
    return Tenant.model_validate({**values, "servicedesk": {**instance.options, "account": account}})


def write_instance(folder: Path, instance: Instance, **secrets: str) -> None:
    """The instance's file and secrets, as they are mounted."""
    (folder / "files" / "instances").mkdir(parents=True, exist_ok=True)
    values = instance.model_dump(mode="json", exclude_none=True)
    (folder / "files" / "instances" / f"{instance.name}.yaml").write_text(yaml.dump(values, Dumper=yaml.CSafeDumper))
    (folder / "secrets" / instance.name).mkdir(parents=True, exist_ok=True)
    for name, secret in secrets.items():
        (folder / "secrets" / instance.name / name).write_text(secret)


def an_outcome(
    status: Status = Status.FAILED,
    *,
    code: Code = Code.HELP_DESK_FAILED,
    detail: str = "answered 502",
    wait_s: float = 0,
    counts: bool = True,
) -> Outcome:
    """What became of an attempt that raised."""
    ending = {Status.FAILED: Ending.FAILED, Status.IGNORED: Ending.IGNORED}.get(status, Ending.RETRIED)
    return Outcome(ending, status, code, detail, timedelta(seconds=wait_s), counts)


def a_source(kind: SourceKind = SourceKind.TICKET, **changes: Any) -> Source:
    values = {
        "kind": kind,
        "id": "77",
        "title": "Outlook stuck on 'Trying to connect'",
        "text": "Outlook received no mail. Cached mode was off. Turned it on and repaired the profile.",
        "url": "https://sdp.acme.example/WorkOrder.do?woMode=viewWO&woID=77",
        "score": 0.6,
    }
    return Source.model_validate({**values, **changes})


def gathered(*sources: Source, **states: GatherState) -> tuple[Gathered, ...]:
    """Tickets, articles and assets: those of *sources* ok and numbered, the others empty unless *states* says."""
    groups = []
    for kind in (SourceKind.TICKET, SourceKind.ARTICLE, SourceKind.ASSET):
        own = tuple(source for source in sources if source.kind is kind)
        state = states.get(kind.value, GatherState.OK if own else GatherState.EMPTY)
        groups.append(Gathered(kind=kind, state=state, sources=own))
    return number_sources(groups)


def a_draft(**changes: Any) -> Draft:
    values = {
        "summary": "Outlook receives no mail. A similar ticket was solved by repairing the profile.",
        "summary_citations": ["T1"],
        "facts": [{"text": "Cached mode was off in the similar case.", "citations": ["T1"]}],
        "hypotheses": [{"text": "The profile may have to be repaired.", "citations": ["T1"]}],
        "next_steps": [{"text": "Turn on cached mode.", "citations": ["T1"]}],
    }
    return Draft.model_validate({**values, **changes})


def an_article(**changes: Any) -> Article:
    values = {
        "id": "50",
        "title": "Outlook receives no mail: what to check",
        "text": "Check that Outlook is not in offline mode. Then repair the Outlook profile in the control panel.",
    }
    return Article.model_validate({**values, **changes})
