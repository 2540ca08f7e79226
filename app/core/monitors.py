"""Messages of monitoring and backup programs: faults, and those about which nobody has to do anything.

The subjects are those that the programs set by themselves: Zabbix (media type "Email"), Nagios and Icinga, PRTG,
Checkmk, Prometheus' Alertmanager and Grafana, UptimeRobot, Datadog, CloudWatch, Veeam. Where people write such a
subject too, the body must have the program's words.
"""

from __future__ import annotations

import re
from typing import Final

# Some put a sign before it; not the brackets and asterisks that belong to a form.
_SIGN: Final = r"[^\w\[*]*"
_SUBJECT = re.compile(
    _SIGN + r"(?:resolved in (?:\d+[a-z]+ ?)+: ."
    r"|\*\* ?(?:recovery|acknowledgement) .*\*\*"
    r"|\[(?:recovery|acknowledgement)\] "
    r"|\[prtg\b.* ended \(now: up\)"
    r"|check_?mk: .* -> (?:ok|up)$"
    r"|\[(?:firing:0, ?)?resolved(?::\d+)?\]"
    r"|monitor is up: "
    r"|\[monitor alert\] recovered: "
    r'|ok: ".+" in .)'
)
_SUBJECT_OF_PEOPLE_TOO = re.compile(
    _SIGN + r"(?:resolved: |updated problem(?: in (?:\d+[a-z]+ ?)+)?: |\[success\] )(?!.*\?)"
)
_BODY = re.compile(
    r"problem has been resolved (?:in|at) |\bproblem at \d{4}\.\d\d\.\d\d|current problem status is"
    r"|\b(\d+) of \1 (?:vms|objects|machines|tasks)? ?processed|\bbackup job: .* success"
)

_FAULT = re.compile(
    r"\W*(?:\*\* ?problem |\[problem\] |\[prtg\b|check_?mk: |\[firing:|monitor is down: |\[(?:failed|warning|error)\] "
    r"|(?:alert|alarm): |n-central\b|\[triggered)"
    r"|.*\b(?:problem started (?:at|on) \d|original problem id: \d|notification type: problem|alert uid: )",
    re.IGNORECASE | re.DOTALL,
)


def is_fault_report(text: str) -> bool:
    """Whether *text*, subject and body, is a program's message of a fault: there is nobody to ask."""
    return _FAULT.match(text) is not None


def is_all_clear(subject: str, body: str) -> bool:
    """Whether a mail of this *subject* and *body*, each in lower case and on one line, says that a fault is over, a job
    went well, or somebody took a fault on.
    """
    return _SUBJECT.match(subject) is not None or (
        _SUBJECT_OF_PEOPLE_TOO.match(subject) is not None and _BODY.search(body) is not None
    )
