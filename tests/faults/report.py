"""The table and the file that a run ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.faults.counting import Count
from tests.faults.recovery import Recovery

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault as it happened."""

    name: str
    not_run: str | None = None
    remark: str | None = None
    start_s: float = 0.0
    end_s: float = 0.0
    unanswered: int = 0
    """Calls that got a 503 or no answer, from its start to the next fault's."""
    recovery: Recovery = field(default_factory=lambda: Recovery(None, None))
    watched_s: float = 0.0
    """From its end to the next fault's start."""
    signs: Counter[str] = field(default_factory=Counter)
    """What the workers and APIs logged as a warning or error meanwhile: that it struck at all."""


@dataclass(frozen=True, slots=True)
class FaultsReport:
    """All that is told of a run."""

    seed: int
    seconds: float
    rate: float
    calls: int
    accepted: int
    """Genuine calls that were answered 202."""
    deliveries: int
    """Distinct deliveries among them."""
    forged: int
    refused: int
    """Forged calls answered 401."""
    unanswered: int
    """Answers that a sender had to do without, all calls and retries together: 503, or nothing."""
    never_answered: int
    """Genuine calls that were given up."""
    wrongly_refused: int
    """Genuine calls that were answered something else than 202 and 503."""
    removed: int
    """Notes that were posted twice for a moment and taken back by the product itself."""
    settled_s: float | None
    """Seconds from the last call until every delivery was settled; None: not within the limit."""
    faults: list[Struck]
    count: Count

    @property
    def is_kept(self) -> bool:
        return self.count.is_kept and not self.wrongly_refused and self.settled_s is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "kept": self.is_kept,
            **{name: getattr(self, name) for name in self.__slots__ if name not in {"faults", "count"}},
            "count": {name: _plain(getattr(self.count, name)) for name in self.count.__slots__},
            "faults": [
                {
                    **{name: getattr(fault, name) for name in fault.__slots__ if name not in {"recovery", "signs"}},
                    **asdict(fault.recovery),
                    "signs": dict(fault.signs),
                }
                for fault in self.faults
            ],
        }

    def as_text(self) -> str:
        """Two tables in Markdown, and where a promise was broken."""
        lines = [
            f"{self.calls} calls in {self.seconds:.0f} s ({self.rate:g}/s), seed {self.seed}",
            "",
            "| fault | from | lasted | 503 or no answer | first note after | backlog as before after | seen in the logs |",
            "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
            *map(_fault_row, self.faults),
            "",
            "| counted from outside | |",
            "| --- | ---: |",
            *(f"| {name} | {value} |" for name, value in self._totals()),
            "",
        ]
        for name, places in (
            ("lost", self.count.lost),
            ("doubled", self.count.doubled),
            ("wrong tenant", self.count.wrong_tenant),
            ("forged", self.count.forged),
        ):
            lines += [f"{name}: {place}" for place in places[:_SHOWN]]
            if len(places) > _SHOWN:
                lines.append(f"{name}: and {len(places) - _SHOWN} more")
        lines += [f"failed, and visible: {number} × {reason}" for reason, number in self.count.failed.most_common()]
        lines.append("every promise was kept" if self.is_kept else "A PROMISE WAS BROKEN")
        return "\n".join(lines)

    def _totals(self) -> list[tuple[str, object]]:
        settled = "not within the limit" if self.settled_s is None else f"{self.settled_s:.0f} s after the last call"
        return [
            ("genuine calls answered 202", self.accepted),
            ("distinct deliveries of these", self.deliveries),
            ("notes on the tickets", self.count.notes),
            ("**lost**", len(self.count.lost)),
            ("**doubled**", len(self.count.doubled)),
            ("**wrong tenant**", len(self.count.wrong_tenant)),
            ("**forged calls that led to anything**", len(self.count.forged)),
            ("forged calls refused with 401", f"{self.refused} of {self.forged}"),
            ("genuine calls refused", self.wrongly_refused),
            ("answers that were 503 or did not come; each was sent again", self.unanswered),
            ("genuine calls never answered 202 within 2 minutes", self.never_answered),
            ("ignored for a stated reason (another delivery has the version's note)", self.count.ignored.total()),
            ("failed, and visible to an operator", self.count.failed.total()),
            ("notes doubled for a moment, the later one removed by the product", self.removed),
            ("all settled", settled),
        ]


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Counter) else value


def _fault_row(fault: Struck) -> str:
    if fault.not_run is not None:
        return f"| {fault.name} | not run | {fault.not_run} | | | | |"
    told = [fault.remark] if fault.remark else []
    signs = ", ".join([*told, *(f"{number} × {event}" for event, number in fault.signs.most_common(3))])
    first = "none" if fault.recovery.first_note_s is None else f"{fault.recovery.first_note_s:.1f} s"
    backlog = f"> {fault.watched_s:.0f} s" if fault.recovery.backlog_s is None else f"{fault.recovery.backlog_s:.1f} s"
    return (
        f"| {fault.name} | {fault.start_s:.0f} s | {fault.end_s - fault.start_s:.1f} s | {fault.unanswered} |"
        f" {first} | {backlog} | {signs or '–'} |"
    )
