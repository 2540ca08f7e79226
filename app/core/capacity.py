"""What a load needs: pods, connections, memory of Redis, writes and disk of PostgreSQL.

The figures of `MEASURED` come from one machine (docs/capacity.md); a faster core does more. Formulas:

    in work       = deliveries a second · (the model's time + our own)                        Little's law
    worker pods   = the larger of  in work / slots of a pod  and  CPU / a core, each at `USE` of what there is
    KEDA's target = deliveries due for each pod that it works off within `DRAIN_S`
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

USE: Final = 0.7
"""Of a pod's CPU and slots; the rest is for bursts and for a pod that is lost."""
DRAIN_S: Final = 30.0
_MIN_PODS: Final = 2
_MIN_WORKERS: Final = 3
_HOUR_S: Final = 3600.0
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Measured:
    """What one delivery costs, and what a process takes at rest."""

    worker_cpu_s: float
    api_cpu_s: float
    """At 50 webhooks a second; a ninth of it where it is saturated."""
    postgres_cpu_s: float
    """With the webhook's part."""
    own_s: float
    """From the claim to the note, without the model's time."""
    wal_bytes: float
    row_bytes: float
    """In tables and indexes, with a webhook of 1.5 kB and a note of 2 kB."""
    ring_bytes: float
    """In Redis, for each that waits."""
    worker_mib: float
    in_work_mib: float
    """Of a worker, for each delivery in work."""
    worker_connections: int
    api_connections: int
    other_connections: int
    """Sync, console, migration and KEDA together."""


MEASURED: Final = Measured(
    worker_cpu_s=0.016,
    api_cpu_s=0.0014,
    postgres_cpu_s=0.013,
    own_s=0.3,
    wal_bytes=16_000,
    row_bytes=12_000,
    ring_bytes=230,
    worker_mib=185,
    in_work_mib=0.12,
    worker_connections=12,
    api_connections=4,
    other_connections=16,
)


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in, in the busiest hour."""

    deliveries_per_hour: float
    model_s: float
    """The model's time for an answer."""
    concurrency: int
    """`WORKER_CONCURRENCY`."""
    deliveries_per_month: float
    retention_days: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What that takes."""

    per_second: float
    in_work: float
    worker_pods: int
    worker_mib: float
    """Of each pod, with all its slots in use."""
    api_pods: int
    keda_target: int
    """`targetQueryValue`: deliveries due for each pod."""
    connections: int
    postgres_cores: float
    wal_mib_per_second: float
    disk_gib: float
    redis_mib: float
    """For rings alone, if no worker read any for an hour."""


def needs_of(load: Load) -> Needs:
    """What *load* takes on cores like that of `MEASURED`."""
    per_second = load.deliveries_per_hour / _HOUR_S
    in_work = per_second * (load.model_s + MEASURED.own_s)
    by_slots = in_work / (load.concurrency * USE)
    by_cpu = per_second * MEASURED.worker_cpu_s / USE
    worker_pods = max(_MIN_WORKERS, math.ceil(max(by_slots, by_cpu)))
    api_pods = max(_MIN_PODS, math.ceil(per_second * MEASURED.api_cpu_s / USE))
    return Needs(
        per_second=per_second,
        in_work=in_work,
        worker_pods=worker_pods,
        worker_mib=MEASURED.worker_mib + load.concurrency * MEASURED.in_work_mib,
        api_pods=api_pods,
        keda_target=max(1, math.floor(pod_rate(load) * DRAIN_S)),
        connections=connections_of(worker_pods=worker_pods, api_pods=api_pods),
        postgres_cores=per_second * MEASURED.postgres_cpu_s,
        wal_mib_per_second=per_second * MEASURED.wal_bytes / _MIB,
        disk_gib=load.deliveries_per_month / 30 * load.retention_days * MEASURED.row_bytes / 2**30,
        redis_mib=load.deliveries_per_hour * MEASURED.ring_bytes / _MIB,
    )


def connections_of(*, worker_pods: int, api_pods: int) -> int:
    """Of the database, with one pod more of each kind, as during a rollout."""
    return (
        (worker_pods + 1) * MEASURED.worker_connections
        + (api_pods + 1) * MEASURED.api_connections
        + MEASURED.other_connections
    )


def pod_rate(load: Load) -> float:
    """Deliveries a second that one worker works off: as its slots or its core allow."""
    return min(load.concurrency / (load.model_s + MEASURED.own_s), USE / MEASURED.worker_cpu_s)
