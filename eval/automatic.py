"""How well mails of machines are told from people's, on a set that no rule was written for.

    python -m eval.automatic

`automatic.txt` beside this file is kept back: rules are tuned on tests/unit/core/reading/automatic.txt.
"""

from __future__ import annotations

from pathlib import Path

from app.core.reading.automatic import find_automatic
from app.core.ticket import Ticket

_SET = Path(__file__).with_name("automatic.txt")
_PERSON = "person"


def main() -> None:
    found: list[tuple[str, str, str]] = []
    for line in _SET.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            label, subject, body = (cell.strip() for cell in line.replace("\\n", "\n").split(" |"))
            reason = find_automatic(Ticket(id="1", subject=subject, description=body))
            found.append((label, reason or _PERSON, subject))
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
