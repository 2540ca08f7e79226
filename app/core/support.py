"""Whether a sentence of a note is supported by what the records say.

A sentence is judged by four questions, the first "no" decides:

1. Does each run of operands stand in a record as that whole run? Else it is foreign.
2. Do enough of its content words stand together in a record? How many may be missing was measured (docs/security.md).
3. Does the record say each thing to do that the sentence says? Other words for the same count (support_words.toml).
4. Does the record say it in the same direction: with "never" where the sentence has it, and without where not?

A sentence that a record quotes word for word passes all of them. A translated sentence, in the note's language from a
record in another, is held to the operands, numbers, names and words that languages share. What is no fact may also be
one of `acts`, which change nothing.

Invariant: `judge` depends on its arguments alone, and never changes the sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from app.core.acts import Act, asks_no_more, find_act, is_aside, is_pry, is_report, names_secret, orders, state_stems
from app.core.language import spoken_language
from app.core.lexicon import act_words, lexicon
from app.core.records import Record, Records
from app.core.tokens import Chunk, chunks, is_break, normal, stems, tokens

WINDOW_TOKENS: Final = 5
WINDOW_TOKENS_A_WORD: Final = 3
"""Words and marks within which a record must say what a sentence says: so many, and so many for each of its words and
operands."""
KEPT_SHARE: Final = 0.72
"""Share of a sentence's content words that must be found for it to be kept. Of up to three words: all."""
TOLD_SHARE: Final = 0.6
"""The same of a sentence that only tells what is, or to look at something. Of up to three words: all."""
_TOLD_ALL_OF: Final = 3
APART_SHARE: Final = 0.6
"""From this share on a sentence that is not kept is shown apart."""
_ALL_OF: Final = 4
_MAX_MISSING_IN_A_ROW: Final = 2
_TRANSLATED_SHARE: Final = 0.3
_TRANSLATED_WORDS: Final = 2
_SECOND_GIVES: Final = 2
"""Content words that a second record must add to be counted with a first one."""

_AROUND_TOKENS: Final = 8
"""Words and marks around a window that may say what is done: "Cached mode was off. Turned it on"."""
_AROUND_OPERAND: Final = 8
"""Words and marks around a window in which an operand of the sentence must stand, if its record has it."""
_SPELLED: Final = 3
"""So many letters in a row, each a word of its own, spell a word."""
_NEAR_TOKENS: Final = 11
"""Within so many tokens a record must have two content words that follow each other in a sentence."""
_NEIGHBOURS: Final = 2
_TICKETS: Final = frozenset({"ticket", "tickets"})
"""Of "a similar ticket" it speaks of a record; of "the ticket" of this one."""
_SIGNED: Final = {"anmeld": -1, "abmeld": -2}
"""Numbers beside those of lines: to sign in, to sign out."""
_WHO_TOKENS: Final = 5
"""Within so many tokens of what is done a record must say who does it, where the sentence says that it is a person."""
_CHANGES: Final = ("replace", "update", "reset", "add", "move", "uberschreiben")
"""Of what a record says to be done so, a sentence may say that it was changed."""
_MILD: Final = ("restart", "run", "update")
"""May be said of what a record names, if the sentence has nothing else that the record has not."""
_ALREADY: Final = frozenset({"already", "bereits", "schon", "deja", "ya"})
"""Of what may be granted, "it already was" is another matter."""
_NEAR_NEGATOR: Final = 2
"""Words behind an "and" of which one may be a "not" that begins a clause: "and is not"."""
_OPENS: Final = frozenset("open opened opening offnen offne ouvrir ouvrez abrir abra".split())
_VIEW_TOKENS: Final = 5
"""Words behind "open" of which one may be what is only looked at."""
_ENDS: Final = frozenset({"ends", "ending", "end"})
_ENDS_WITH: Final = frozenset({"with", "in", "at"})
_ADMIN: Final = frozenset({"admin", "administration", "administrator"})
_ALLOWED: Final = frozenset({"allowed", "permitted", "erlaubt", "autorise", "permitido"})
"""With a "not" it forbids."""
_TELLS: Final = frozenset({"reveals", "tells", "reads", "says"})
"""As an event or an article does."""
_BY: Final = frozenset({"by", "vom", "von", "par", "por"})
_BY_WORDS: Final = 4
_OUTSIDE: Final = frozenset({"outside", "ausserhalb", "dehors", "fuera"})
_DURING: Final = frozenset({"during", "within", "inside", "wahrend", "innerhalb", "pendant", "durante"})
_STARTS: Final = frozenset({"and", "or", "then", "to"})
_CANNOT_TOKENS: Final = 3
_AND: Final = frozenset({"and", "und", "et", "y"})
_SWITCHES: Final = frozenset({"turn", "switch", "schal"})
"""Stems of verbs that say something with a particle alone: `_actions` reads them."""
_PREFIXES: Final = ("un", "in", "im", "dis", "des", "de", "non", "mis", "ent")
# Where one thing to say or do ends and another begins.
_PART = re.compile(
    r";|\s[–—-]\s|,?\s(?:(?:and|und|et|y)\s)?(?:then|dann|danach|puis|ensuite|luego)\b|,\s(?:and|und|et|y)\s"
)
_CONDITION = re.compile(
    r"(?:if|when|once|in case|falls|wenn|sollte|si|cuando|en cas de)\s(?P<aside>[^,]+),\s(?:then\s)?(?P<rest>.+)",
    re.IGNORECASE,
)
_AIM = re.compile(
    r"(?P<rest>.+?),?\s(?:(?:in order )?to (?:confirm|verify|see|check|rule out|determine|identify|find(?: out)?"
    r"|isolate|narrow down|pinpoint|locate|trace|diagnose|detect|reproduce)"
    r"|if|once|after|as soon as|sobald|nachdem|une fois que?|falls|wenn|um|pour|para|si)\s(?P<aside>[^,]+)",
    re.IGNORECASE,
)
_I = re.compile(r"\bI\b|\bi (?:am|have|had|was|will|would|can|do|need|want|know|work)\b")
_NAME = re.compile(r"(?<![.!?:])[ ]([A-Z][^\W\d_]{2,})(?![\w-])")
"""A word with a capital that does not begin a sentence."""
_THROUGH_TEAM = re.compile(r"(?:ask|have|let) the (?P<aside>[\w -]{1,30}? team) (?:to )?(?P<rest>.+)", re.IGNORECASE)
_MAY_NAME: Final = frozenset({Act.ASKS, Act.REPEATS})
"""What may name what the ticket names."""
_THROUGH_USER = re.compile(
    r"(?:(?:ask|have|let|get|instruct|advise) (?:the|a) (?:user|requester|employee|caller|customer) (?:to )?"
    r"|bitten sie (?:den|die) (?:benutzer|benutzerin|anwender|nutzer|anwenderin),? "
    r"|demandez à l'utilisat(?:eur|rice) d(?:e |')|pida al usuario que )(?P<rest>.+)",
    re.IGNORECASE,
)
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
_SHORT_NUMBER = re.compile(r"\d{1,3}%?|\d{1,2}:\d{2}|[245]\.\d{1,2}\.\d{1,3}")
"""How many, when, or a status of mail (RFC 3463): nothing to act on."""
_HEX_CODE = re.compile(r"0x[0-9a-f]{4,8}")
_SAYING = re.compile(
    r";\s|\s[–—-]\s|:\s|,?\s(?:and\s)?(?:then|dann|puis|luego)\s"
    r"|,\s(?:and|so|but|or|which|while|whereas|und|aber|während|et|mais|tandis que|y|pero|mientras que)\s"
)
"""Where one thing that is said ends and another begins."""
_TWO_PLACES_FROM: Final = 6
"""A shorter sentence says one thing, and one place must say it."""
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")


class Verdict(StrEnum):
    """What becomes of a sentence."""

    KEPT = "kept"
    APART = "apart"
    """Not quite said by the records, and without anything that they don't have: shown at the note's end."""
    LEFT_OUT = "left_out"


class Fault(StrEnum):
    """Why a sentence is not kept."""

    FOREIGN = "foreign"
    """An operand that is in no record, or not in that run."""
    UNSUPPORTED = "unsupported"
    """Too few of its words."""
    OTHER_ACTION = "other_action"
    """It says to do what the record does not say."""
    TURNED = "turned"
    """It says "do" where the record says "never", or the other way round."""
    OVERRULED = "overruled"
    """It says to do what a newer record says not to do."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of one sentence."""

    verdict: Verdict
    fault: Fault | None = None
    share: float = 1.0
    """Of its content words, how many the records say, 0 to 1."""
    refs: frozenset[str] = frozenset()
    """Of the records that say it."""


@dataclass(frozen=True, slots=True)
class _Words:
    """A sentence as it is compared."""

    line: str
    tokens: list[str]
    chunks: list[Chunk]
    stems: list[str]
    """Of its content words, in their order, each once."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a record that says most of a sentence."""

    record: Record
    found: frozenset[str]
    start: int
    end: int


NO_TICKET: Final = Record("", "")


def judge(
    sentence: str,
    records: Sequence[Record],
    all_records: Records,
    *,
    language: str,
    ticket: Record = NO_TICKET,
    may_act: bool = False,
    may_repeat: bool = False,
) -> Judgement:
    """What *records* say of *sentence*.

    Args:
        sentence: One sentence, as a model wrote it.
        records: Those that may support it: for a fact those that it cites.
        all_records: Of the enhancement, for what does not depend on a citation.
        language: The note's, ISO 639-1.
        ticket: What the requester wrote. An error code of it may stand in any sentence.
        may_act: Whether it may be one of `acts`, which need no such support: a fact may not.
        may_repeat: Whether it may repeat what is wrong.
    """
    words = _read(sentence)
    quoting = frozenset(record.ref for record in records if words.line and record.quotes(words.line))
    if quoting:
        return Judgement(Verdict.KEPT, refs=quoting)
    foreign = [run for run in _runs(words.chunks) if not _is_known(run, records, all_records, language)]
    told = [run for run in foreign if not _is_error_code(run, ticket)]
    if not all(_is_told_number(run, ticket, records) for run in told):
        return Judgement(Verdict.LEFT_OUT, Fault.FOREIGN, share=0.0)
    if _speaks_as_requester(sentence, words, language):
        return Judgement(Verdict.LEFT_OUT, Fault.UNSUPPORTED, share=0.0)
    is_strange = bool(told) or _has_strange_name(sentence, records, language)
    judgement = _judge_parts(sentence, words, records, language=language)
    if may_act and (is_strange or judgement.verdict is not Verdict.KEPT):
        act = find_act(
            words.chunks,
            all_records,
            language=language,
            ticket=ticket,
            may_repeat=may_repeat,
            is_question=_is_question(sentence),
        )
        if act and (act in _MAY_NAME or not is_strange):
            return Judgement(Verdict.KEPT, refs=judgement.refs)
        if not is_strange:

            def kept(part: str) -> Judgement | None:
                found = judge(
                    part,
                    records,
                    all_records,
                    language=language,
                    ticket=ticket,
                    may_act=True,
                    may_repeat=may_repeat,
                )
                return found if found.verdict is Verdict.KEPT else None

            return _judge_asides(sentence, all_records, kept) or judgement
    return Judgement(Verdict.LEFT_OUT, Fault.FOREIGN, share=0.0) if is_strange else judgement


def _judge_asides(sentence: str, all_records: Records, kept: Callable[[str], Judgement | None]) -> Judgement | None:
    """That it is kept, if it is without what is harmless around it, or if each of its parts is."""
    for rest in _without_asides(sentence, all_records):
        if found := kept(rest):
            return found
    parts = _SAYING.split(sentence)
    judged = [found for part in parts if (found := kept(part))] if len(parts) > 1 else []
    if not judged or len(judged) < len(parts):
        return None
    return Judgement(Verdict.KEPT, refs=frozenset().union(*(each.refs for each in judged)))


def _speaks_as_requester(sentence: str, words: _Words, language: str) -> bool:
    spoken = act_words().first_person[language].intersection(words.tokens)
    return bool(spoken - {"i"}) or ("i" in spoken and _I.search(sentence) is not None)


def _has_strange_name(sentence: str, records: Sequence[Record], language: str) -> bool:
    """Whether a name in it is in no record. Not told of German, which writes each noun with a capital."""
    names = _NAME.findall(sentence) if language != "de" else []
    ordinary = act_words().ordinary
    return any(
        stem not in ordinary and not any(record.known((stem,)) for record in records)
        for name in names
        if name.lower() not in lexicon().empty and f"{name}'s" not in sentence
        for stem in stems(normal(name))
    )


def _without_asides(sentence: str, all_records: Records) -> Iterable[str]:
    """*sentence* without what is harmless around what it says to do: who does it, a condition, an aim."""
    if (found := _THROUGH_USER.fullmatch(sentence)) and asks_no_more(chunks(found["rest"])):
        yield found["rest"]
    if (found := _THROUGH_TEAM.fullmatch(sentence)) and is_aside(chunks(found["aside"]), all_records):
        yield found["rest"]
    for pattern in (_CONDITION, _AIM):
        if (found := pattern.fullmatch(sentence)) and is_aside(chunks(found["aside"]), all_records):
            yield found["rest"]


def _judge_parts(sentence: str, words: _Words, records: Sequence[Record], *, language: str) -> Judgement:
    parts = _parts(sentence)
    if _is_question(sentence) or any(is_pry(part.chunks, part.stems) for part in (words, *parts)):
        return Judgement(Verdict.LEFT_OUT, Fault.UNSUPPORTED, share=0.0)
    judged = [_supported(part, records, language=language) for part in (parts if len(parts) > 1 else [words])]
    worst = max(judged, key=lambda judgement: list(Verdict).index(judgement.verdict))
    refs = frozenset().union(*(judgement.refs for judgement in judged))
    return Judgement(worst.verdict, worst.fault, min(judgement.share for judgement in judged), refs)


def _parts(sentence: str) -> list[_Words]:
    """Its parts that say something; "delete it" says it of what stands last in the part before."""
    parts: list[_Words] = []
    for part in map(_read, _PART.split(sentence)):
        if len(part.stems) == 1 and part.stems[0] in lexicon().actions and parts and parts[-1].stems:
            parts.append(_Words(part.line, part.tokens, part.chunks, [parts[-1].stems[-1], *part.stems]))
        elif len(part.stems) > 1:
            parts.append(part)
    return parts


def _is_question(sentence: str) -> bool:
    return sentence.rstrip("\"'”»)] ").endswith(("?", "？"))


def _is_error_code(run: str, ticket: Record) -> bool:
    """Whether the ticket calls *run* an error, as in "error 809" and "0x80070005"."""
    if _HEX_CODE.fullmatch(run):
        return ticket.holds(run)
    return bool(_CODE.fullmatch(run)) and any(ticket.holds(f"{word} {run}") for word in _ERROR_WORDS)


def _is_told_number(run: str, ticket: Record, records: Sequence[Record]) -> bool:
    """Whether *run* is a short number of the ticket, as in "12 of 20", alone or before a known word: "12 iPads"."""
    return all(
        (_SHORT_NUMBER.fullmatch(part) and ticket.holds(part)) or (part.isalpha() and _is_word(part, records))
        for part in run.split()
    )


def _is_word(run: str, records: Sequence[Record]) -> bool:
    """Whether a record has *run*, an operand of letters alone, in the singular or the plural."""
    forms = (run, f"{run}s", run.removesuffix("s"))
    return any(record.holds(form) for record in records for form in forms)


def says(text: str, record: Record) -> bool:
    """Whether *record* says something of the kind: half of the content words of *text* stand together in it."""
    words = _read(text)
    window = _best_window(frozenset(words.stems), [record])
    if window is None:
        return any(record.holds(chunk.text) for chunk in words.chunks if chunk.is_operand)
    return len(window.found) * 2 >= len(words.stems)


def find_foreign(text: str, records: Sequence[Record], all_records: Records) -> list[str]:
    """The runs of operands of *text*, in normal form, that none of *records* holds."""
    return [run for run in _runs(chunks(text)) if not _is_known(run, records, all_records, "")]


def pries(text: str) -> bool:
    """Whether *text* tells to ask for, or to look at, what is secret."""
    words = _read(text)
    return is_pry(words.chunks, words.stems)


def is_doubtful(text: str, judgement: Judgement) -> bool:
    """Whether a second opinion may keep *text*, which names no secret: a record has all operands and half of its words.

    If it might keep the rest too, a model that is deceived would let 54 of 100 attacks through in place of 4 to 8
    (`python -m eval.safety.measure --vouched`).
    """
    is_open = judgement.fault not in {None, Fault.FOREIGN} and judgement.share > 0
    return is_open and not names_secret(chunks(text))


def reports(text: str, records: Records) -> bool:
    """Whether *text* says what fails, and nothing that is to be done; its operands are known."""
    return is_report(_read(text).chunks, records)


def speaks_of(text: str, said: str) -> bool:
    """Whether *said*, in normal form on one line, has half of the content words of *text*, and more than one."""
    wanted = _read(text).stems
    there = sum(f" {stem}" in said for stem in wanted)
    return bool(wanted) and there >= max(len(wanted) / 2, min(2, len(wanted)))


def _operands(words: _Words) -> list[str]:
    return [chunk.text for chunk in words.chunks if chunk.is_operand]


def _supported(words: _Words, records: Sequence[Record], *, language: str) -> Judgement:
    operands = _operands(words)
    if not words.stems:
        return _operands_alone(words, operands, records)
    # A translation says few words of its record, and half of the words must be found of any other sentence.
    least = 1 if operands else (len(words.stems) + 1) // 2
    windows = [
        _with_kin(window, words.stems)
        for window in _best_windows(words.stems, records, least=least, operands=len(operands))
    ]
    digits = lexicon().digits
    refs = frozenset(window.record.ref for window in windows)
    said = [token for window in windows for token in window.record.tokens[window.start : window.end]]
    around = [
        token
        for window in windows
        for token in window.record.tokens[max(window.start - _AROUND_TOKENS, 0) : window.end + _AROUND_TOKENS]
    ]
    done = frozenset().union(*_actions(around, of_record=True))
    if not lexicon().numbers.isdisjoint(words.stems):
        done |= {line for digit, line in digits.items() if any(window.record.holds(digit) for window in windows)}
    there = frozenset().union(*(window.found for window in windows))
    named = frozenset(stem for stem in words.stems if done & lexicon().actions.get(stem, frozenset())) - there
    if _is_translated(words, operands, records, language):
        if _are_done(words.tokens, done) and not _is_turned(words.tokens, said):
            return Judgement(Verdict.KEPT, refs=frozenset(record.ref for record in records))
        return Judgement(Verdict.LEFT_OUT, Fault.OTHER_ACTION, refs=refs)
    held = [each for each in operands if any(window.record.holds(each) for window in windows)]
    near = [each for each in held if any(_stands_near(each, window) for window in windows)]
    if len(near) < len(held) or not _are_numbers_known(set(operands).difference(held), operands, records):
        return Judgement(Verdict.LEFT_OUT, Fault.FOREIGN, refs=refs)
    loose = _loose([stem for stem in words.stems if stem in there], windows)
    if len(there) == 1 and (near or named):
        loose = frozenset()
    found = there - loose | named
    found |= {stem for stem in words.stems if not found.isdisjoint(lexicon().same.get(stem, ())) and stem not in loose}
    # What is wrong stands in the problem, which requesters write: "slow" needs no record where two other words do. Nor
    # do words that carry no claim, and to look at something.
    gone = [stem for stem in words.stems if stem not in there | named]
    neutral: frozenset[str] = frozenset()
    if len(found) >= _TRANSLATED_WORDS:
        neutral = _neutral() | (act_words().look - {words.stems[0]})
    missing = [stem not in found for stem in words.stems if stem in found or stem not in neutral]
    share = 1 - sum(missing) / (len(missing) + len(near))
    if fault := _turn(words, said, done, gone, loose):
        return Judgement(Verdict.LEFT_OUT, fault, share, refs)
    return _by_share(words, windows, gone, missing, share)


def _are_numbers_known(numbers: Iterable[str], operands: Sequence[str], records: Sequence[Record]) -> bool:
    """Whether each short number of *numbers* stands in a record beside another operand of the sentence."""
    others = [each for each in operands if not _SHORT_NUMBER.fullmatch(each)]
    naming = [record for record in records if any(map(record.holds, others))]
    return all(any(record.holds(each) for record in naming) for each in numbers if _SHORT_NUMBER.fullmatch(each))


def _by_share(
    words: _Words,
    windows: Sequence[_Window],
    gone: Sequence[str],
    missing: Sequence[bool],
    share: float,
) -> Judgement:
    refs = frozenset(window.record.ref for window in windows)
    line = words.tokens
    is_warning = not lexicon().negators.isdisjoint(line)
    if len(words.stems) + len(_operands(words)) > 1 and (
        _is_enough(missing, share, is_warning=is_warning)
        or (_is_told_enough(missing, share) and _tells_alone(words.tokens, words.chunks, frozenset(gone)))
    ):
        return Judgement(Verdict.KEPT, share=share, refs=refs)
    direct = sum(any(stem in window.record.stems for window in windows) for stem in words.stems)
    is_near = (
        direct >= APART_SHARE * len(words.stems) and direct > _ALL_OF and _longest_row(missing) < _MAX_MISSING_IN_A_ROW
    )
    return Judgement(Verdict.APART if is_near else Verdict.LEFT_OUT, Fault.UNSUPPORTED, share, refs)


def _tells_alone(line: Sequence[str], parts: Sequence[Chunk], missing: frozenset[str]) -> bool:
    """Whether it tells what is, or to look at it, and nothing of rights, security, secrets, limits or people."""
    known, words = act_words(), lexicon()
    risky = known.claims | known.permits | known.orders | known.you | words.without | words.only | words.negators
    who = known.secrets | known.people | known.of_people
    if not risky.isdisjoint(line) or any(stem in who for token in line if not is_break(token) for stem in stems(token)):
        return False
    return all(lines <= known.happening for lines in _actions(line)) and not orders(parts, missing)


def _is_told_enough(missing: Sequence[bool], share: float) -> bool:
    return (
        len(missing) > _TOLD_ALL_OF
        and share >= TOLD_SHARE
        and sum(missing) * 2 <= len(missing)
        and _longest_row(missing) <= _MAX_MISSING_IN_A_ROW
    )


@cache
def _neutral() -> frozenset[str]:
    return (state_stems() | lexicon().light) - lexicon().actions.keys()


def _operands_alone(words: _Words, operands: Sequence[str], records: Sequence[Record]) -> Judgement:
    """Of a sentence without content words; "switch X on" needs a record that says so of X."""
    naming = [record for record in records if any(record.holds(each) for each in operands)]
    line = words.tokens
    done = _actions(line)
    if done:
        saying = [each for each in naming if _are_done(line, frozenset().union(*_actions(each.tokens, of_record=True)))]
        naming = [each for each in saying if not _is_turned(line, each.tokens)]
    if naming or (operands and not done):
        return Judgement(Verdict.KEPT, refs=frozenset(record.ref for record in naming))
    return Judgement(Verdict.LEFT_OUT, Fault.OTHER_ACTION if operands else None)


def _turn(
    words: _Words, said: Sequence[str], done: frozenset[int], missing: Sequence[str], loose: frozenset[str]
) -> Fault | None:
    """Whether the sentence says another thing to do than the record, or the opposite."""
    known = frozenset(stem for token in said if not is_break(token) for stem in stems(token))
    if any(_opposites(stem) & known or any(stem in _opposites(other) for other in known) for stem in missing):
        return Fault.TURNED
    line = words.tokens
    if any(not _is_who(who, action, said) for who, action in _who_does(line)):
        return Fault.OTHER_ACTION
    if any(token in lexicon().without and token not in said for token in line):
        return Fault.TURNED
    missed = [stem for stem in words.stems if stem in missing or stem in lexicon().actions]
    if not _are_claims_known(line, missed, known) or (missing and _gives_away(line, missing)):
        return Fault.OTHER_ACTION
    if not done.isdisjoint(_lines(_CHANGES)):
        done |= _lines(("change",))
    if len(known) > 1 and missing and lexicon().actions.keys() >= set(missing) and not loose:
        done |= _lines(_MILD)
    if said and (loose & lexicon().actions.keys() or not _are_done(line, done)):
        return Fault.OTHER_ACTION
    return Fault.TURNED if _is_turned(line, said) or _is_inside_out(line, said) else None


@cache
def _lines(verbs: tuple[str, ...]) -> frozenset[int]:
    return frozenset(line for verb in verbs for stem in stems(verb) for line in lexicon().actions[stem])


def _is_inside_out(line: Sequence[str], said: Sequence[str]) -> bool:
    """Whether one says "outside business hours" where the other says "during"."""
    return _OUTSIDE.isdisjoint(said) is not _OUTSIDE.isdisjoint(line) and not _DURING.isdisjoint((*said, *line))


def _are_claims_known(line: Sequence[str], others: Sequence[str], known: frozenset[str]) -> bool:
    """Whether the record has the claims of a sentence as they stand, and then the *others* of its words, too."""
    known_claims = act_words().claims
    claims = [each for at, each in enumerate(line) if each in known_claims and not _changes_nothing(line, at)]
    if claims and not _ALREADY.isdisjoint(line):
        return False
    rights = act_words().rights
    known |= rights if not rights.isdisjoint(known) else frozenset()
    claimed = frozenset(stem for token in claims for stem in stems(token))
    return not claims or (claimed <= known and known.issuperset(stem for stem in others if stem not in _neutral()))


def _gives_away(line: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether one of the *missing* is secret, permitted, "let the user …", or does it, "by the user"."""
    if not act_words().secrets.isdisjoint(missing):
        return True
    for at, token in enumerate(line):
        who = line[at + 1 : at + _BY_WORDS] if token in _BY else []
        if who and not who[0].endswith("ing") and any(stem in missing for each in who for stem in stems(each)):
            return True
    first = next((at for at, token in enumerate(line) if token in act_words().permits), len(line))
    return any(stem in missing for token in line[first + 1 :] if not is_break(token) for stem in stems(token))


def _who_does(line: Sequence[str]) -> Iterable[tuple[str, frozenset[int]]]:
    """Each person of *line* right before what is done, "the user approved it": the stem, and lines of `actions`."""
    actions, people = lexicon().actions, act_words().people
    for one, other in pairwise(line[:-1]):
        for who in people.intersection(stems(one)):
            yield from ((who, actions[stem]) for stem in stems(other) if stem in actions)


def _is_who(who: str, lines: frozenset[int], said: Sequence[str]) -> bool:
    words = lexicon()
    same = words.same.get(who, frozenset()) | {who}
    for at, token in enumerate(said):
        if any(lines & words.actions.get(stem, frozenset()) for stem in stems(token)):
            around = said[max(at - _WHO_TOKENS, 0) : at + _WHO_TOKENS + 1]
            if any(stem in same for each in around for stem in stems(each)):
                return True
    return False


@lru_cache(maxsize=20_000)
def _opposites(stem: str) -> frozenset[str]:
    """What is left of *stem* without "un", "dis" and the like: what it is the opposite of, if that is a word."""
    return frozenset(
        stem[len(prefix) :] for prefix in _PREFIXES if stem.startswith(prefix) and len(stem) > len(prefix) + _ALL_OF
    )


@lru_cache(maxsize=256)
def _read(sentence: str) -> _Words:
    sentence = _NUMBERED.sub("", sentence)
    parts = chunks(sentence)
    line = " ".join(normal(sentence).split())
    empty, of_records = lexicon().empty, lexicon().records
    content: list[str] = []
    letters = before = ""
    for at, chunk in enumerate(parts):
        is_numbered = at + 1 < len(parts) and parts[at + 1].is_operand
        for token in chunk.words:
            before, previous = token, before
            if token in _TICKETS and (is_numbered or previous in of_records):
                continue
            letters = letters + token if len(token) == 1 else ""
            if len(letters) >= _SPELLED:
                content.append(letters)
            elif token not in empty:
                content += [stem for stem in stems(token) if stem not in _SWITCHES]
    line = line.rstrip(".!?… ")
    return _Words(line, tokens(line), parts, list(dict.fromkeys(stem for stem in content if len(stem) > 1)))


# --- operands --------------------------------------------------------------------------------------------------------


def _runs(parts: Sequence[Chunk]) -> Iterable[str]:
    """The runs of operands in normal form. A flag takes the word before it along, a sign that joins what is around."""
    run: list[str] = []
    joins = False
    for at, chunk in enumerate(parts):
        before = parts[at - 1] if at else None
        breaks = chunk.opens or (before is not None and before.closes)
        if run and (breaks or not (chunk.is_operand or joins)):
            yield " ".join(run)
            run = []
        if chunk.is_operand or (joins and not breaks):
            if not run and before is not None and not breaks and (chunk.is_glue or _is_flag_of(before, chunk)):
                run = [before.text]
            run.append(chunk.text)
        joins = chunk.is_glue or (chunk.is_flag and chunk.text.startswith("-") and _follows(parts, at))
    if run:
        yield " ".join(run)


def _is_flag_of(before: Chunk, chunk: Chunk) -> bool:
    """Whether *chunk* is a flag of the word *before* it; behind "of" and "brought" it is a path, /var."""
    words = lexicon()
    is_prose = before.text in words.empty or any(stem in words.light for stem in stems(before.text))
    return chunk.is_flag and not (chunk.text.startswith("/") and is_prose)


def _follows(parts: Sequence[Chunk], at: int) -> bool:
    """Whether what follows the flag at *at* may be its value."""
    return at + 1 < len(parts) and parts[at + 1].text not in lexicon().function


def _is_known(run: str, records: Sequence[Record], all_records: Records, language: str) -> bool:
    if run in all_records.numbers or any(record.holds(run) for record in records):
        return True
    if run.isalpha() and _is_word(run, records):
        return True
    # German joins words with hyphens: a VPN client is a VPN-Client.
    parts = run.split("-") if language == "de" else ()
    ordinary = act_words().ordinary
    return len(parts) > 1 and any(
        all(part.isalpha() and (stem in record.stems or stem in ordinary) for part in parts for stem in stems(part))
        and any(stem in record.stems for part in parts for stem in stems(part))
        for record in records
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _best_windows(
    wanted: Sequence[str], records: Sequence[Record], *, least: int = 1, operands: int = 0
) -> list[_Window]:
    """The window that says most, and one that says what it does not: two such words, or one in another record."""
    asked = frozenset(wanted)
    first = _best_window(asked, records, least=least, operands=operands)
    if first is None or not (rest := asked - first.found) or len(asked) < _TWO_PLACES_FROM:
        return [first] if first else []
    second = _best_window(rest, records) if len(rest) >= _SECOND_GIVES else None
    if second is None or len(second.found) < _SECOND_GIVES:
        others = [record for record in records if record is not first.record and not rest.isdisjoint(record.stems)]
        second = _best_window(asked, others)
    return [first, second] if second is not None and len(second.found) >= _SECOND_GIVES else [first]


def _best_window(
    asked: frozenset[str], records: Sequence[Record], *, least: int = 1, operands: int = 0
) -> _Window | None:
    best: _Window | None = None
    size = WINDOW_TOKENS + WINDOW_TOKENS_A_WORD * (len(asked) + operands)
    in_order = sorted(asked)  # the same in each process
    for record, there in sorted(
        ((record, record.known(in_order)) for record in records), key=lambda each: -len(each[1])
    ):
        if len(there) < least or len(there) <= (len(best.found) if best else 0):
            break
        window = _window(record, there, size)
        if window is not None and (best is None or len(window.found) > len(best.found)):
            best = window
    return best


def _window(record: Record, there: Sequence[str], size: int) -> _Window | None:
    """The *size* tokens of *record* that hold most of the stems *there*."""
    taken = {at: stem for stem in there for at in _others_places(record, stem)}
    taken |= {at: stem for stem in there for at in record.places.get(stem, ())}  # one place speaks for one word
    places = sorted(taken.items())
    far = record.distances
    best: _Window | None = None
    counts: dict[str, int] = {}
    first = 0
    for at, stem in places:
        counts[stem] = counts.get(stem, 0) + 1
        while far[at] - far[places[first][0]] > size:
            gone = places[first][1]
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
            first += 1
        if best is None or len(counts) > len(best.found):
            best = _Window(record, frozenset(counts), places[first][0], at + 1)
    return best and _widened(best)


def _widened(window: _Window) -> _Window:
    """*window* to the begin of its first clause and the end of its last, where "never" may stand."""
    said, start, end = window.record.tokens, window.start, window.end
    while start and not is_break(said[start - 1]):
        start -= 1
    while end < len(said) and not is_break(said[end]):
        end += 1
    return _Window(window.record, window.found, start, end)


def _with_kin(window: _Window, asked: Sequence[str]) -> _Window:
    """*window* with those of the stems *asked* of which it has a word of the same family."""
    record = window.record
    missing = [stem for stem in asked if stem not in window.found]
    found = [stem for stem in missing if any(_stands_within(window, other) for other in record.kin(stem))]
    return _Window(record, window.found | frozenset(found), window.start, window.end) if found else window


def _stands_within(window: _Window, stem: str) -> bool:
    return any(window.start <= at < window.end for at in window.record.places[stem])


def _others_places(record: Record, stem: str) -> list[int]:
    return [at for other in record.others(stem) for at in record.places[other]]


def _is_enough(missing: Sequence[bool], share: float, *, is_warning: bool) -> bool:
    """*share* counts the operands too, which are known; half of the words must be found beside them.

    A warning, "do not …", which a source has too, may have one word of its own also if it is short.
    """
    if len(missing) <= _ALL_OF - is_warning and share < 1 - 1 / (_ALL_OF + 1):
        return False
    return share >= KEPT_SHARE and sum(missing) * 2 <= len(missing) and _longest_row(missing) <= _MAX_MISSING_IN_A_ROW


def _longest_row(missing: Sequence[bool]) -> int:
    row = longest = 0
    for is_missing in missing:
        row = row + 1 if is_missing else 0
        longest = max(longest, row)
    return longest


def _loose(there: Sequence[str], windows: Sequence[_Window]) -> frozenset[str]:
    """The words that stand in the records, but not near to a word that they stand beside in the sentence.

    So "ask" and "password" of different sentences do not make "ask for the password".
    """
    return frozenset(
        stem
        for at, stem in enumerate(there)
        if not any(
            _is_near(stem, other, window)
            for other in (*there[max(at - _NEIGHBOURS, 0) : at], *there[at + 1 : at + 1 + _NEIGHBOURS])
            for window in windows
        )
    )


def _is_near(one: str, other: str, window: _Window) -> bool:
    if window.record.is_list:
        return True
    far = window.record.distances
    others = sorted(far[at] for at in _within(window, other))
    for at in _within(window, one):
        next_one = bisect_left(others, far[at] - _NEAR_TOKENS)
        if next_one < len(others) and others[next_one] <= far[at] + _NEAR_TOKENS:
            return True
    return False


def _stands_near(operand: str, window: _Window) -> bool:
    """Whether *operand*, which the record holds, stands in or around *window*, or where most of its words are, too."""
    record, wanted = window.record, tokens(operand)
    first = record.places.get(stems(wanted[0])[0], ()) if wanted else ()
    places = [at for at in first if record.tokens[at : at + len(wanted)] == wanted]

    def is_near(at: int) -> bool:
        there = sum(any(abs(each - at) <= _NEAR_TOKENS for each in _places(record, stem)) for stem in window.found)
        is_around = window.start - _AROUND_OPERAND <= at <= window.end + _AROUND_OPERAND
        return is_around or there * 2 > len(window.found)

    return record.is_list or not places or any(map(is_near, places))


def _within(window: _Window, stem: str) -> list[int]:
    return [at for at in _places(window.record, stem) if window.start <= at < window.end]


def _places(record: Record, stem: str) -> list[int]:
    kin = [at for other in record.kin(stem) for at in record.places[other]]
    return [*record.places.get(stem, ()), *_others_places(record, stem), *kin]


def _is_translated(words: _Words, operands: Sequence[str], records: Sequence[Record], language: str) -> bool:
    """Whether a record in another language says the sentence's operands, numbers and names."""
    if not operands or spoken_language(words.line) not in {None, language}:
        return False
    for record in records:
        if record.language in {None, language} or record.is_list:
            continue
        shared = sum(stem in record.stems for stem in words.stems) + sum(record.holds(each) for each in set(operands))
        if shared >= _TRANSLATED_WORDS and shared >= _TRANSLATED_SHARE * len(words.stems):
            return True
    return False


# --- actions and direction -------------------------------------------------------------------------------------------


def _actions(said: Sequence[str], *, of_record: bool = False) -> list[frozenset[int]]:
    """For each word of *said* that says what is done, the lines of `actions` that it stands in.

    "Turn … on" and "sign … out" are such words too.
    """
    words = lexicon()
    found: list[frozenset[int]] = []
    turns: dict[str, int] = {}
    for at, token in enumerate(said):
        if is_break(token):
            turns = {}
        elif token in turns:
            found.append(frozenset({turns[token]}))
        elif not of_record and _changes_nothing(said, at):
            continue
        elif token not in words.empty and token not in act_words().things:
            for stem in stems(token):
                if stem in _SIGNED:
                    found.append(frozenset({_SIGNED[stem]}))
                if stem in turns:
                    found.append(frozenset({turns[stem]}))
                elif lines := words.actions.get(stem):
                    found.append(lines)
                turns = {**turns, **_turns().get(stem, {})}
    return found


def _changes_nothing(said: Sequence[str], at: int) -> bool:
    """Whether the word at *at*, which looks like what is done, is none: "cannot print", "in Exchange", "ends with"."""
    word, before, following = said[at], said[max(at - _VIEW_TOKENS, 0) : at], said[at + 1 : at + 1 + _VIEW_TOKENS]
    if word in _OPENS:
        views = act_words().views
        return any(stem in views for each in following if not is_break(each) for stem in stems(each))
    if word in _ENDS:
        return bool(following) and following[0] in _ENDS_WITH
    if word == "exchange":
        return bool(before) and not is_break(before[-1]) and before[-1] not in _STARTS
    if word == "confirm":
        return not before or before[-1] in _STARTS
    if word in _ALLOWED:
        return not lexicon().negators.isdisjoint(before[-2:])
    is_place = word in _ADMIN and not act_words().views.isdisjoint(stems((following or [""])[0]))  # "admin centre"
    is_told = word in act_words().stuck or (word in _TELLS and bool(before))
    return is_place or is_told or not act_words().cannot.isdisjoint(before[-_CANNOT_TOKENS:])


def _are_done(line: Sequence[str], done: frozenset[int]) -> bool:
    return all(lines & done for lines in _actions(line))


@cache
def _turns() -> dict[str, dict[str, int]]:
    """For the stem of a verb, what its particles make of it: a line of `actions`, or a number of its own."""
    actions = lexicon().actions
    [on], [off], [again] = (actions[stem] for word in ("activate", "off", "restart") for stem in stems(word))
    switched = {"on": on, "ein": on, "an": on, "off": off, "aus": off, "ab": off}
    signed = {"in": -1, "on": -1, "out": -2, "off": -2, "an": -1, "ab": -2}
    made = {
        **dict.fromkeys(("turn", "switch", "power", "schalten"), switched),
        **dict.fromkeys(("sign", "log", "melden"), signed),
        "neu": dict.fromkeys(stems("start"), again),
    }
    return {stem: particles for word, particles in made.items() for stem in stems(word)}


def _is_turned(line: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a clause of a sentence has no "never" or "only" where those of *said* that it repeats have one."""
    own, others = _clauses(line), _clauses(said)
    if not any(clause.negated or clause.limited for clause in (*own, *others)):
        return False
    look = act_words().look
    return any(
        _is_clause_turned(clause, others)
        for clause in own
        if clause.negated or (clause.negated is not None and not clause.words <= look)
    )


def _is_clause_turned(own: _Clause, others: Sequence[_Clause]) -> bool:
    shared = [(len(own.words & other.words), other) for other in others]
    enough = min(2, max((number for number, _ in shared), default=0))
    if enough and not any(number >= enough and own.agrees_with(other) for number, other in shared):
        return True
    if own.negated:
        return False
    if any(other.negated and len(other.words) > 1 and other.words <= own.words for other in others):
        return True
    for stem in own.words & lexicon().actions.keys():
        saying = [other for other in others if stem in other.words]
        if saying and all(other.negated or (other.limited and not own.limited) for other in saying):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Clause:
    words: frozenset[str]
    """The stems of its content words."""
    negated: bool | None
    """Whether it has a "never"; None: it says "whether"."""
    limited: bool
    """Whether it has an "only"."""
    fails: bool
    """Whether it says that something fails: "not at fault" is "fine"."""

    def agrees_with(self, other: _Clause) -> bool:
        if other.negated in {self.negated, None}:
            return True
        return self.negated is not None and self.fails is not other.fails


def _clauses(said: Sequence[str]) -> list[_Clause]:
    words = lexicon()
    faults = act_words().faults
    clauses: list[_Clause] = []
    content: set[str] = set()
    negated: bool | None = False
    limited = fails = False

    def end() -> None:
        said_of = content or (clauses[-1].words if clauses else frozenset())  # "…, but not yet"
        clauses.append(_Clause(frozenset(said_of), negated, limited, fails))

    for at, token in enumerate(said):
        joins = token in words.conjunctions or (
            token in _AND and not words.negators.isdisjoint(said[at + 1 : at + 1 + _NEAR_NEGATOR])
        )
        if (is_break(token) or joins) and (content or negated):
            end()
            content, negated, limited, fails = set(), False, False, False
        if not is_break(token):
            negated = None if token in words.undecided else negated or (token in words.negators and negated is False)
            limited = limited or token in words.only
            fails = fails or token in faults
            if token not in words.empty:
                content.update(stems(token))
    if content or negated:
        end()
    return clauses
