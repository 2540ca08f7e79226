"""Makes the tables with their policies: `python -m bench.peer.prepare`, with the owner's URL in DATABASE_URL.

The history is copied into them by the bench.
"""

from __future__ import annotations

from sqlalchemy import create_engine, text

from bench.peer.settings import DATABASE_URL
from bench.peer.tables import Base

CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"


def main() -> None:
    with create_engine(f"postgresql+psycopg{DATABASE_URL}").begin() as connection:
        Base.metadata.create_all(connection)
        for table in Base.metadata.tables:
            for statement in (
                f"alter table {table} enable row level security",
                f"alter table {table} force row level security",
                f"create policy tenant on {table} using (tenant_id = {CURRENT})",
                f"grant select, insert, update on {table} to ai_agents_intake, ai_agents_worker",
            ):
                connection.execute(text(statement))


if __name__ == "__main__":
    main()
