"""Whether a sentence of a note is supported by what the records say.

A sentence is judged by these questions in their order:

1. Does a record quote it word for word? Then it is kept.
2. Does each run of operands stand in a record as that whole run? Else it is foreign.
3. Does it stand so in what strangers wrote, and in no record? Then it is theirs (`core.check.strangers`).
4. Does it contradict the records: the opposite, another number, somebody else who does it (`core.check.direction`)?
5. How likely do the records say it, by what of its words they have and what it says to be done (`core.check.weighing`)?

A translated sentence, in the note's language from a record in another, is held to the operands, numbers, names and
words that languages share. What is no fact may also be one of `acts`, which change nothing.

Invariant: `judge` depends on its arguments alone, and never changes the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.core.check.acts.find import Act, find_act
from app.core.check.acts.harm import is_pry, is_report, names_secret, orders
from app.core.check.acts.said import of_any_problem
from app.core.check.asides import gives_reason, sayings_of, without_asides
from app.core.check.dates import names_a_date, without_dates
from app.core.check.direction import Direction, actions, undone
from app.core.check.evidence import SHORT_NUMBER, Evidence, Fault, Support, done_by
from app.core.check.lexicon import act_words, lexicon
from app.core.check.own_names import names_its_own, without_own_names
from app.core.check.records import Record, Records
from app.core.check.sentences import SWITCHES, Words, is_question, parts_of, read, runs
from app.core.check.tokens import Chunk, chunks, normal, stems
from app.core.check.turned.find import is_on_another_day, is_too_certain, is_turned
from app.core.check.weighing import weigh
from app.core.check.windows import best_window

KEPT_FROM: Final = 0.5
"""From which likelihood on a sentence is kept. What lower and higher ones do was measured (docs/support.md)."""
SURE_FROM: Final = 0.72
"""The same where it says something to be done that they do not."""
LEAST_SHARE: Final = 0.35
"""Of its words and operands so many must be found in any case."""
APART_FROM: Final = 0.3
"""From which likelihood on a sentence that is not kept is shown apart, if it says nothing to do that they do not."""
_OF_OWN: Final = 0.5
"""Share of the words that they must say of what the ticket alone names."""
_DOUBTFUL_FROM: Final = 0.4
"""Share of the words: of fewer a second opinion is not asked."""
_WITH_FLAG: Final = 2
_PARTS: Final = 2
"""So many parts that say something; of fewer the sentence is judged as a whole."""
_I = re.compile(r"\bI\b|\bi (?:am|have|had|was|will|would|can|do|need|want|know|work)\b")
_NAME = re.compile(r"(?<![.!?:])[ ]([A-Z][^\W\d_]{2,})(?![\w-])")
"""A word with a capital that does not begin a sentence."""
_ERROR_WORDS: Final = (
    "error",
    "error code",
    "fehler",
    "fehlercode",
    "erreur",
    "code d'erreur",
    "codigo de error",
    "blad",
)
_CODE = re.compile(r"\d{2,5}")
_COMMON: Final = frozenset({"wi-fi", "wifi", "poe", "usb-c", "m365", "o365"})
"""Signs of the trade that look like operands, and name nothing to act on."""
_PLURAL = re.compile(r"(\d+ [a-z]{2,})s")
_ABBREVIATIONS: Final = frozenset("ip mac usb pdf vpn wlan lan dns dhcp pc it edv cpu ram ssd tls ssl poe".split())
"""German joins them with any word: IP-Adresse."""
_PARTICIPLE = re.compile(r"(?!embed|shred)[a-z]{2,12}[b-df-hj-np-tv-z]ed")
_HEX_CODE = re.compile(r"0x[0-9a-f]{4,8}")


class Verdict(StrEnum):
    """What becomes of a sentence."""

    KEPT = "kept"
    APART = "apart"
    """Not quite said by the records, and without anything that they don't have: shown at the note's end."""
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of one sentence."""

    verdict: Verdict
    fault: Fault | None = None
    share: float = 1.0
    """Of its content words, how many the records say, 0 to 1."""
    refs: frozenset[str] = frozenset()
    """Of the records that say it."""


def judge(sentence: str, support: Support, *, may_act: bool = False, may_repeat: bool = False) -> Judgement:
    """What *support* says of *sentence*.

    If it *may_act*, it may be one of `acts`, which need no such support: a fact may not. If it *may_repeat*, it may say
    what is wrong once more.
    """
    words = read(sentence)
    quoting = frozenset(record.ref for record in support.records if words.line and record.quotes(words.line))
    if quoting:
        return Judgement(Verdict.KEPT, refs=quoting)
    days = [record.day for record in support.records if record.day]
    undated = without_dates(sentence, days, support.all_records.today)
    judgement = _judge(undated, read(undated), support, may_act=may_act, may_repeat=may_repeat)
    dated = [record for record in support.records if names_a_date(record.text)] if undated != sentence else []
    if any(record.ref in judgement.refs for record in dated):  # then its own date counts: "delete the mails of 2019"
        judgement = _judge(sentence, words, support, may_act=may_act, may_repeat=may_repeat)
    else:
        sentence, words = undated, read(undated)
    if judgement.fault is Fault.FOREIGN and not support.strangers.said(words.tokens):
        # A fact is of the source that it cites, any other sentence of the ticket.
        told = [Record("", record.told) for record in support.records if record.told]
        naming = [support.ticket, *told] if may_act else told
        known = support.all_records.records if may_act else support.records
        requester = support.ticket.told if may_act else ""
        named = without_own_names(sentence, naming, known, language=support.language, requester=requester)
        # In German each noun has a capital, so no other word counts as a name: what is left tells whether one did here.
        may_be_word = named != without_own_names(sentence, naming, known, language="de", requester=requester)
        rest = read(named)
        if named != sentence and not _is_strange(named, rest, support):
            found = _judge(named, rest, support, may_act=may_act, may_repeat=False)
            saying = [record for record in support.records if record.ref in found.refs]
            is_other = any(names_its_own(record, sentence, named) for record in saying)
            is_said = found.share == 1 or (not may_be_word and (not may_act or _is_all_done(rest, found, support)))
            if found.verdict is Verdict.KEPT and not is_other and is_said:
                judgement, sentence, words = found, named, rest
    if judgement.verdict is not Verdict.LEFT_OUT and _is_turned(sentence, words, support, may_repeat=may_repeat):
        return _left_out(Fault.TURNED, share=judgement.share, refs=judgement.refs)
    return judgement


def _is_turned(sentence: str, words: Words, support: Support, *, may_repeat: bool) -> bool:
    """Whether it turns the records round. What repeats the ticket may say what that says."""
    if is_question(sentence):
        return False
    saying = (*support.records, support.ticket) if may_repeat else support.records
    known = support.all_records.records
    if is_too_certain(words, known) or is_on_another_day(words, (*known, support.ticket)):
        return True
    # "No source is about …" denies nothing that a source says.
    return is_turned(words, saying) and _find_act(sentence, words, support, may_repeat=may_repeat) is not Act.FOUND_NONE


def _judge(sentence: str, words: Words, support: Support, *, may_act: bool, may_repeat: bool) -> Judgement:
    foreign = [run for run in runs(words.chunks) if not _is_known(run, support)]
    told = [run for run in foreign if not _is_error_code(run, support.ticket)]
    if not all(_is_told_number(run, support) for run in told) or _speaks_as_requester(words, support.language):
        return _left_out(Fault.FOREIGN if told else Fault.UNSUPPORTED)
    is_theirs = support.strangers.said(words.tokens)
    is_strange = is_theirs or bool(told) or _has_strange_name(sentence, support)
    judgement = _left_out(Fault.UNSUPPORTED if is_theirs else Fault.FOREIGN)
    if not is_strange:
        judgement = _judge_parts(sentence, words, support)
    if judgement.verdict is Verdict.KEPT or not may_act:
        return judgement
    act = _find_act(sentence, words, support, may_repeat=may_repeat)
    # A question may name what the ticket names, and what repeats the ticket may say it in the ticket's words.
    if act is Act.REPEATS or (act and not is_theirs and (act is Act.ASKS or not is_strange)):
        return Judgement(Verdict.KEPT)
    if is_strange and not may_repeat:
        return judgement

    def kept(part: str) -> Judgement | None:
        found = judge(part, support, may_act=True, may_repeat=may_repeat)
        return found if found.verdict is Verdict.KEPT else None

    parts, rests = sayings_of(sentence, reasons=may_repeat), without_asides(sentence, support.all_records)
    if is_strange:  # what fails and what a record says of it, but no steps: their order is a stranger's
        parts, rests = [] if any(orders(chunks(part), frozenset()) for part in parts) else parts, ()
    found = _judge_asides(parts, rests, kept, gives_reason=gives_reason(sentence))
    return found or judgement


def _find_act(sentence: str, words: Words, support: Support, *, may_repeat: bool) -> Act | None:
    return find_act(
        words.chunks,
        support.all_records,
        language=support.language,
        ticket=support.ticket,
        may_repeat=may_repeat,
        is_question=is_question(sentence),
    )


def _is_strange(sentence: str, words: Words, support: Support) -> bool:
    """Whether it has an operand or a name that no record has."""
    return not all(_is_known(run, support) for run in runs(words.chunks)) or _has_strange_name(sentence, support)


def _is_all_done(words: Words, found: Judgement, support: Support) -> bool:
    """Whether the records say all that *words* say to be done: what they say of their own thing may be little."""
    return not words.stems or (
        found.share >= _OF_OWN and lexicon().actions.keys().isdisjoint(Evidence(words, support).lost)
    )


def _left_out(fault: Fault, *, share: float = 0.0, refs: frozenset[str] = frozenset()) -> Judgement:
    return Judgement(Verdict.LEFT_OUT, fault, share, refs)


def _judge_asides(
    parts: Sequence[str], rests: Iterable[str], kept: Callable[[str], Judgement | None], *, gives_reason: bool
) -> Judgement | None:
    """That a sentence is kept: one of *rests* is, what it is without its asides, or each of its *parts*.

    Of a fact and its reason a record says one: a ticket's alone may be any cause.
    """
    for rest in rests:
        if found := kept(rest):
            return found
    judged = [found for part in parts if (found := kept(part))] if len(parts) > 1 else []
    if not judged or len(judged) < len(parts) or (gives_reason and sum(not each.refs for each in judged) > 1):
        return None
    return Judgement(Verdict.KEPT, refs=frozenset().union(*(each.refs for each in judged)))


def _speaks_as_requester(words: Words, language: str) -> bool:
    spoken = act_words().first_person[language].intersection(words.tokens)
    return bool(spoken - {"i"}) or ("i" in spoken and _I.search(words.text) is not None)


def _has_strange_name(sentence: str, support: Support) -> bool:
    """Whether a name in it is in no record. Not told of German, which writes each noun with a capital."""
    names = _NAME.findall(sentence) if support.language != "de" else []
    ordinary = act_words().ordinary
    return any(
        stem not in ordinary and not any(record.known((stem,)) for record in support.records)
        for name in names
        if name.lower() not in lexicon().empty and f"{name}'s" not in sentence
        for stem in stems(normal(name))
    )


def _judge_parts(sentence: str, words: Words, support: Support) -> Judgement:
    parts = parts_of(sentence)
    if is_question(sentence) or any(is_pry(part.chunks, part.stems) for part in (words, *parts)):
        return _left_out(Fault.UNSUPPORTED)
    if len(parts) < _PARTS:  # of "D: is full, then send it to us" the second is judged by itself, too
        parts = [words, *(part for part in parts if part.tokens != words.tokens)]
    if any(support.strangers.said(part.tokens) for part in parts):
        return _left_out(Fault.UNSUPPORTED)
    judged = [_judge_part(part, support) for part in parts]
    worst = max(judged, key=lambda judgement: list(Verdict).index(judgement.verdict))
    return Judgement(
        worst.verdict,
        worst.fault,
        min(judgement.share for judgement in judged),
        frozenset().union(*(judgement.refs for judgement in judged)),
    )


def _judge_part(words: Words, support: Support) -> Judgement:
    if not words.stems:
        return _judge_operands(words, support)
    found = Evidence(words, support)
    if found.is_translated and not found.undone and not found.direction.is_turned:
        return Judgement(Verdict.KEPT, refs=frozenset(record.ref for record in support.records))
    if found.fault:
        return _left_out(found.fault, share=0.0 if found.fault is Fault.FOREIGN else found.share, refs=found.refs)
    likelihood = weigh(found.traits)
    if likelihood >= (SURE_FROM if found.undone else KEPT_FROM) and found.share >= LEAST_SHARE:
        return Judgement(Verdict.KEPT, share=found.share, refs=found.refs)
    fault = Fault.TURNED if found.traits.turned else Fault.OTHER_ACTION if found.traits.undone else Fault.UNSUPPORTED
    is_almost_said = fault is Fault.UNSUPPORTED and likelihood >= APART_FROM
    return Judgement(Verdict.APART if is_almost_said else Verdict.LEFT_OUT, fault, found.share, found.refs)


def _judge_operands(words: Words, support: Support) -> Judgement:
    """Of a sentence without content words; "switch X on" needs a record that says so of X."""
    naming = [record for record in support.records if any(record.holds(each) for each in words.operands)]
    line = words.tokens
    if actions(line):
        saying = [each for each in naming if not undone(line, done_by(each.tokens))]
        naming = [each for each in saying if not Direction(line, each.tokens).is_turned]
    if naming or (words.operands and not actions(line)):
        return Judgement(Verdict.KEPT, refs=frozenset(record.ref for record in naming))
    return _left_out(Fault.OTHER_ACTION if words.operands else Fault.UNSUPPORTED)


# --- operands --------------------------------------------------------------------------------------------------------


def _is_known(run: str, support: Support) -> bool:
    records, all_records = support.records, support.all_records.records
    forms = {run, run.removeprefix("#"), _PLURAL.sub(r"\1", run)}
    words = run.split()
    path = words[-1] if len(words) == _WITH_FLAG and words[0].isalpha() else ""  # "brought /var down" has no flag
    if run in support.all_records.numbers or any(
        record.holds(form) or (path and record.has_path(path)) for record in records for form in forms
    ):
        return True
    if len(words) > 1 and support.language == "de" and any(map(_is_compound, words)):  # "35 % CPU-Last"
        rest = " ".join(word for word in words if not _is_compound(word))
        return all(_is_known(each, support) for each in (rest, *filter(_is_compound, words)) if each)
    parts = run.split("-")
    if not all(part.isalpha() for part in parts):
        return False
    if _is_word(run, all_records) or (len(parts) > 1 and _is_word("".join(parts), all_records)):
        return True
    if run in _COMMON:
        return True
    # German joins words with hyphens: a VPN client is a VPN-Client.
    stems_of = [stem for part in parts for stem in stems(part)] if support.language == "de" else []
    known, ordinary = support.all_records.stems | _ABBREVIATIONS, of_any_problem()
    return not known.isdisjoint(stems_of) and all(
        stem in known or stem in ordinary or part in lexicon().records
        for stem, part in zip(stems_of, parts, strict=False)
    )


def _is_compound(word: str) -> bool:
    return "-" in word.strip("-") and word.replace("-", "").isalpha()


def _is_error_code(run: str, ticket: Record) -> bool:
    """Whether the ticket calls *run* an error, as in "error 809" and "0x80070005"."""
    if _HEX_CODE.fullmatch(run):
        return ticket.holds(run)
    return bool(_CODE.fullmatch(run)) and any(ticket.holds(f"{word} {run}") for word in _ERROR_WORDS)


def _is_told_number(run: str, support: Support) -> bool:
    """Whether *run* is a short number of the ticket, as in "12 of 20", alone or before a known word: "12 iPads"."""
    if SHORT_NUMBER.fullmatch(run) and support.ticket.holds(run):
        return True
    return all(
        (SHORT_NUMBER.fullmatch(part) and support.ticket.holds(part))
        or (part.isalpha() and _is_word(part, support.records))
        for part in run.split()
    )


def _is_word(run: str, records: Sequence[Record]) -> bool:
    """Whether a record has *run*, an operand of letters alone, in the singular or the plural."""
    forms = (run, f"{run}s", run.removesuffix("s"))
    return any(record.holds(form) for record in records for form in forms)


# --- what others ask of a text ---------------------------------------------------------------------------------------


def says(text: str, record: Record) -> bool:
    """Whether *record* says something of the kind: half of the content words of *text* stand together in it."""
    words = read(text)
    window = best_window(frozenset(words.stems), [record])
    if window is None:
        return any(record.holds(chunk.text) for chunk in words.chunks if chunk.is_operand)
    return len(window.found) * 2 >= len(words.stems)


def find_foreign(text: str, records: Sequence[Record], all_records: Records) -> list[str]:
    """The runs of operands of *text*, in normal form, that none of *records* holds."""
    support = Support(records, all_records, language="")
    return [run for run in runs(chunks(text)) if not _is_known(run, support)]


def pries(text: str) -> bool:
    """Whether *text* tells to ask for, or to look at, what is secret."""
    words = read(text)
    return is_pry(words.chunks, words.stems)


def is_doubtful(text: str, judgement: Judgement) -> bool:
    """Whether a second opinion may keep *text*: it names no secret, and the records have its operands and some words.

    What this lets through at most is measured by `python -m eval.safety.measure --vouched`.
    """
    is_open = judgement.fault not in {None, Fault.FOREIGN} and judgement.share >= _DOUBTFUL_FROM
    return is_open and not names_secret(chunks(text))


def reports(text: str, records: Records) -> bool:
    """Whether *text* says what fails, and nothing that is to be done; its operands are known."""
    return is_report(_without_participle(read(text).chunks), records)


def speaks_of(text: str, said: str) -> bool:
    """Whether *said*, in normal form on one line, has the content words of *text*, and more than one.

    A third may be missing, or one, if they are nothing to be done and not secret, and *text* gives no order.
    """
    words = read(text)
    missing = frozenset(stem for stem in words.stems if f" {stem}" not in said)
    there = len(words.stems) - len(missing)
    known = lexicon().actions.keys() | act_words().secrets | act_words().imperatives | SWITCHES
    if not words.stems or there < min(2, len(words.stems)) or not known.isdisjoint(missing):
        return False
    if len(missing) > max(1, len(words.stems) // 3):
        return False
    return not orders(_without_participle(words.chunks), missing)


def words_that_say(text: str) -> list[str]:
    """The stems of the content words of *text*."""
    return read(text).stems


def names_only(text: str) -> bool:
    """Whether *text* has operands and no other word."""
    words = read(text)
    return bool(words.operands) and not words.stems


def stands_in(text: str, said: str) -> bool:
    """Whether *said*, in normal form on one line, has all content words of *text*."""
    wanted = read(text).stems
    return bool(wanted) and all(f" {stem}" in said for stem in wanted)


def gives_order(text: str) -> bool:
    """Whether *text* may say what is to be done, in words that are known."""
    return orders(_without_participle(read(text).chunks), frozenset())


def names_a_secret(text: str) -> bool:
    """Whether *text* has a word for what is secret, as password, PIN and key are."""
    return names_secret(read(text).chunks)


def _without_participle(parts: Sequence[Chunk]) -> Sequence[Chunk]:
    """*parts* without a participle at the begin, which is no order: "Shared mailbox missing"."""
    is_one = len(parts) > 1 and _PARTICIPLE.fullmatch(parts[0].text) and not parts[0].closes
    return parts[1:] if is_one else parts
