"""Documentation outside the help desk: a tenant's server of the Model Context Protocol (MCP), read as documents."""

from app.integrations.documentation.client import Documentation, open_documentation

__all__ = ["Documentation", "open_documentation"]
