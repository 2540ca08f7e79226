"""How PostgreSQL executes a statement of ours: planned once for all parameters, as the product's connections have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.db.sql import Statement
from tests.connections import connected

Plan = dict[str, Any]


async def explain(url: str, statement: Statement, values: dict[str, Any], *, tenant_id: UUID | None = None) -> Plan:
    """The plan of *statement* with what its nodes did. Nothing is changed."""
    return await _explain(
        url, statement, [_literal(values[name]) for name in statement.names], tenant_id, "analyze, buffers,"
    )


async def verbose_plan_of(url: str, statement: Statement) -> Plan:
    """The plan of *statement* with what each node puts out. It is not executed."""
    return await _explain(url, statement, ["null"] * len(statement.names), None, "verbose,")


async def _explain(url: str, statement: Statement, values: list[str], tenant_id: UUID | None, how: str) -> Plan:
    async with connected(url) as connection:
        await connection.execute("begin; set local plan_cache_mode = force_generic_plan")
        await connection.execute(f"select set_config('app.tenant_id', '{tenant_id or ''}', true)")
        await connection.execute(f"prepare asked as {statement.sql}")
        given = f"({', '.join(values)})" if values else ""
        plan: Plan = json.loads(await connection.fetchval(f"explain ({how} format json) execute asked{given}"))[0][
            "Plan"
        ]
        return plan


async def plans_within(superuser_url: str, statement: Statement) -> list[Plan]:
    """The plan of *statement* and those within the functions that it calls. It is executed as a worker, with null for all."""
    told: list[str] = []
    async with connected(superuser_url) as connection:
        connection.add_log_listener(lambda _, message: told.append(message.message))
        await connection.execute(
            "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;"
            " set auto_explain.log_format = json; set auto_explain.log_level = notice;"
            f" set plan_cache_mode = force_generic_plan; prepare asked as {statement.sql}; set role ai_agents_worker"
        )
        await connection.execute(f"execute asked({', '.join(['null'] * len(statement.names))})")
    return [json.loads(message.partition("plan:\n")[2])["Plan"] for message in told]


def nodes(plan: Plan) -> Iterator[Plan]:
    """*plan* and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def pages(plan: Plan) -> int:
    """Pages of 8 kB that were looked at."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def rows(plan: Plan) -> int:
    """Rows that all nodes together returned or left out, each as often as it did."""
    counted = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    return sum(int(node["Actual Loops"] * sum(node.get(name, 0) for name in counted)) for node in nodes(plan))


def _literal(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return str(value)
        case list() | tuple():
            kind = "::uuid[]" if isinstance(value[0] if value else None, UUID) else ""
            return "'{}'" if not value else f"array[{', '.join(map(_literal, value))}]{kind}"
        case timedelta():
            return f"interval '{value.total_seconds()} s'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"
