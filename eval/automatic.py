"""How well mails of machines are told from people's, on a set of which rules' writers knew kinds, not texts.

    python -m eval.automatic

`automatic.txt` beside this file is kept back: rules are tuned on tests/unit/core/reading/automatic.txt.
"""

from __future__ import annotations

from pathlib import Path

from app.core.reading.automatic import find_automatic
from app.core.ticket import Ticket

_SET = Path(__file__).with_name("automatic.txt")
_PERSON = "person"


def read_set() -> list[tuple[str, str, str]]:
    """Each mail's label, subject and body."""
    lines = _SET.read_text("utf-8").splitlines()
    rows = [line.replace("\\n", "\n").split(" |") for line in lines if line and not line.startswith("#")]
    return [(label.strip(), subject.strip(), body.strip()) for label, subject, body in rows]


def main() -> None:
    found = [
        (label, find_automatic(Ticket(id="1", subject=subject, description=body)) or _PERSON, subject)
        for label, subject, body in read_set()
    ]
    machines = [each for each in found if each[0] != _PERSON]
    ignored = [each for each in found if each[1] != _PERSON]
    right = sum(label != _PERSON for label, *_ in ignored)
    reasons = sum(label == told for label, told, _ in machines)
    print(
        f"{len(machines)} mails of machines: {right} get no note, {reasons} of them for the right reason;"
        f" {len(found) - len(machines)} of people: {len(ignored) - right} get no note"
    )
    for label, told, subject in found:
        if label != told:
            print(f"{label}, told as {told}: {subject}")


if __name__ == "__main__":
    main()
