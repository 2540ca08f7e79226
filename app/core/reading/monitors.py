"""Messages of monitoring and backup programs: faults, and those about which nobody has to do anything.

The subjects are those that the programs set by themselves: Zabbix (media type "Email"), Nagios and Icinga, PRTG,
Checkmk, Prometheus' Alertmanager and Grafana, UptimeRobot, Datadog, CloudWatch, Veeam, Azure Monitor, Uptime Kuma,
Monit, vCenter, LogicMonitor, Netdata, Healthchecks. A message that nobody has to act on has no words of a person, who
may have copied the subject; where people write such a subject too, it has the program's.
"""

from __future__ import annotations

import re
from typing import Final

# Some put a sign before it; not the brackets and asterisks that belong to a form.
_SIGN: Final = r"[^\w\[*]*"
# How Nagios and Icinga call a notification; not of what begins to flap, which somebody may have to look at.
_TYPE: Final = r"(?:recovery|acknowledgement|flapping(?:stop|end|disabled)|downtime(?:start|end|cancelled|removed))"
_SUBJECT = re.compile(
    _SIGN + r"(?:resolved in (?:\d+[a-z]+ ?)+: ."
    rf"|\*\* ?{_TYPE} (?:(?:service|host) alert:|alert -) .*\*\*"
    r"|\[prtg\b.* ended \(now: up\)"
    r"|check_?mk: .* -> (?:ok|up)$"
    r"|\[firing:0, ?resolved:\d+\]"
    r"|\[monitor alert\] recovered: "
    r"|vzdump backup status \(.+\) ?: backup successful$"
    r"|azure: deactivated severity: |resolved:sev\d azure monitor alert "
    r"|\[[^\]]{1,200}\] \[✅ up\]"
    r"|monit alert -- (?:[a-z ]{1,30} succeeded|exists) "
    r"|\[vmware vcenter - alarm [^\]]{1,200}\] .*\bfrom (?:red|yellow|gr[ae]y) to green\b"
    r"|\*{3}cleared\*{3} ?(?:critical|error|warn\w*) - )"
)
_SUBJECT_OF_PEOPLE_TOO = re.compile(
    _SIGN + r"(?:resolved: |updated problem(?: in (?:\d+[a-z]+ ?)+)?: |\[success\] "
    rf"|\[{_TYPE}\] |up \| .|\S+ recovered - .|alert '.+' was resolved$"
    r'|\[resolved(?::\d+)?\]|monitor is up: |ok: ".+" in .|host up alert for '
    r"|recovery: \S+ is (?:ok|up)$|\[[^\]]*\bprtg\b[^\]]*\] .*\bup(?: \([^)]*\))*$)(?!.*\?)"
)
_BODY = re.compile(
    r"problem has been resolved (?:in (?:\d+[a-z]+ )+)?at [\d:]{8} on \d{4}\.|\bproblem at \d{4}\.\d\d\.\d\d \d\d:"
    r"|current problem status is"
    r"|\b(\d+) of \1 (?:vms|objects|machines|tasks)? ?processed|\bbackup job: .* success"
    r"|\*{5} ?[^*]{1,80}\*{5}|\bnotification type: |\balertname ?=|\b\d+ resolved (?:instance|alert)"
    r"|\bthe monitor .{1,200} is back up\b|amazon cloudwatch alarm "
    r"|\bsensor\b.*\bstatus: up\b|\bis up\b.*\blast message:"
    r"|^[\w-]+ ok ?[:-]"
    r"|\bcheck .{1,200}? has gone up\.|\brecovered from (?:warning|critical)\b|\bmonitor condition:? resolved\b"
)
# Backup programs, NAS and others, word their subjects in the language of their users.
_BACKUP = re.compile(r"back-?up|sicherung|sauvegarde|copia de seguridad|cópia de segurança|kopi[aię] zapasow")
_SUCCESS = re.compile(
    r"\b(?:success(?:ful|fully)?|succeeded|completed?|finished|erfolgreich|abgeschlossen|réussie?|terminée?"
    r"|completad[oa]|correctamente|completat[oa]|riuscito|voltooid|geslaagd|concluíd[oa]|zakończon[aoy])\b"
)
_FAILURE = re.compile(
    r"(?:fail|partial|exception|incomplete|however|skipped|missed|cancel|warn|advert|avvis)\w*\b(?!:? ?0\b)"
    r"|\b(?:empty|gone|missing|lost|leer|weg|fehlt|perdu|vide|vac[ií][oa]|vuot[oa]|not|nicht|pas|no|non|niet|nie|não)\b"
    r"|fehl|échec|échou|mislukt|błęd|\berr(?:or|eur|ore|o)s?\b(?!:? ?0\b)"
)
_FORWARDED_OR_ANSWERED = re.compile(r"(?:re|aw|sv|antw|odp|res|rif|fwd?|wg|tr|rv)\s*:")
_FIELD = re.compile(r"\b[^\W\d]\w+ ?:(?!//) ?\S")
_FEWEST_FIELDS: Final = 3
_SYNOLOGY_BEGINS: Final = "dear user,"
_PERSON = re.compile(
    r"\b(?:i|my|we|our|please|again|still|but|cannot|nobody|does not|doesn't"
    r"|ich|wir|bitte|wieder|aber|niemand|je|nous|encore|mais|pero|por favor|per favore)\b|\?"
)

_FAULT = re.compile(
    r"\W*(?:\*\* ?problem |\[problem\] |\[prtg\b|check_?mk: |\[firing:|monitor is down: |\[(?:failed|warning|error)\] "
    r"|(?:alert|alarm): |n-central\b|\[triggered"
    r"|azure: activated severity: |fired:sev\d azure monitor alert "
    r"|[^\[\n]{0,3}\[[^\]\n]{1,200}\] \[🔴 down\]|monit alert -- |\[vmware vcenter - alarm "
    r"|\*{3}(?:critical|error|warn\w*)\*{3} ?- |down \| [^\n]+\n.*\bhas gone down\.)"
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
    if _PERSON.search(body):  # who copied the subject, or wrote above what the program says
        return False
    if _says_backup_went_well(subject, body):
        return True
    is_program = _BODY.search(body) is not None
    return bool(_SUBJECT.match(subject) or (is_program and _SUBJECT_OF_PEOPLE_TOO.match(subject)))


def _says_backup_went_well(subject: str, body: str) -> bool:
    """Whether a backup program's fields stand below a subject that tells its success."""
    told = _BACKUP.search(subject) and _SUCCESS.search(subject)
    is_other = _FORWARDED_OR_ANSWERED.match(subject) or _FAILURE.search(f"{subject} {body}") or "?" in subject
    is_program = len(_FIELD.findall(f"{subject} {body}")) >= _FEWEST_FIELDS or body.startswith(_SYNOLOGY_BEGINS)
    return bool(told) and is_program and not is_other
