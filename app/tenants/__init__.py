"""The tenants and instances, which are files with secrets beside them.

    writing ─▶ files  ─▶ clashes ─▶ directory
               secrets ─────────────────┘

`files` and `secrets` read, `clashes` says which can't be served side by side, `directory` chooses and follows changes;
`writing` adds and removes files for `ai-agents tenants`. An instance (`core.help_desk`) is in use like a tenant: it
owns deliveries whose account is not known, and the limits that its accounts share.
"""

from app.tenants.directory import FileProblem, TenantDirectory, open_tenants
from app.tenants.secrets import KnownTenant, TenantSecrets

__all__ = ["FileProblem", "KnownTenant", "TenantDirectory", "TenantSecrets", "open_tenants"]
