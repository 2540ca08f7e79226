"""A circuit opens by failures in a row: a success between them counts, also of an attempt that began before them."""

from __future__ import annotations

from typing import Any, cast
from uuid import uuid4

from app.core.retry import FAILURES_TO_OPEN
from app.db.limits.circuits import Circuits, Dependency
from app.db.session import Database
from app.worker.circuits import Circuit


class NoDatabase:
    def transaction(self, *_: Any) -> Any:
        raise AssertionError("a success of what has not failed costs no statement")


async def test_successes_between_failures_keep_a_circuit_closed_though_their_attempts_began_before(
    worker_db: Database,
) -> None:
    circuits, tenant_id = Circuits(worker_db), uuid4()
    begun = [Circuit(circuits, tenant_id, Dependency.MODEL, is_open=False, is_failing=False) for _ in range(30)]
    for failing, well in zip(begun[::2], begun[1::2], strict=True):
        assert not await failing.failed()
        await well.succeeded()


async def test_failures_without_a_success_between_them_open_it(worker_db: Database) -> None:
    circuits, tenant_id = Circuits(worker_db), uuid4()
    for dependency in (Dependency.MODEL, Dependency.MONITORING):
        circuit = Circuit(circuits, tenant_id, dependency, is_open=False, is_failing=False)
        found = [await circuit.failed() for _ in range(FAILURES_TO_OPEN)]
        assert found == [False] * (FAILURES_TO_OPEN - 1) + [True]


async def test_the_usual_success_is_not_stored(worker_db: Database) -> None:
    none = Circuits(cast("Database", NoDatabase()))
    circuit = Circuit(none, uuid4(), Dependency.MODEL, is_open=False, is_failing=False)
    await circuit.succeeded()
    circuits = Circuits(worker_db)
    assert not circuits.has_failed(circuit.owner_id, Dependency.MODEL)
    await circuits.record_failure(circuit.owner_id, Dependency.MODEL)
    assert circuits.has_failed(circuit.owner_id, Dependency.MODEL)
    await circuits.record_success(circuit.owner_id, Dependency.MODEL)
    assert not circuits.has_failed(circuit.owner_id, Dependency.MODEL)
