"""What the console's handlers are given, by the names of their parameters."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from app.console.resources import Resources
from app.console.sessions import User

AnyRequest = Request[Any, Any, Any]
NamedResources = NamedDependency[Resources]
NamedUser = NamedDependency[User]
