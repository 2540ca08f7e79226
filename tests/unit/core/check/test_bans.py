"""What a newer source tells not to do is no step of an older one, and nothing else is."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.check.bans import Bans
from app.core.check.checking import Checker
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from tests.builders import a_source, gathered

OLD, NEW = date(2025, 10, 14), date(2026, 4, 27)


def a_ticket(text: str, day: date = OLD) -> Source:
    return a_source(text=f"Problem: -\nResolution: {text}", resolved_on=day)


def an_article(text: str, day: date = NEW) -> Source:
    return a_source(SourceKind.ARTICLE, id="5", text=text, updated_on=day)


def overruled(*sources: Source) -> dict[str, str]:
    groups = gathered(*sources)
    return dict(Bans.of(groups).overruled(source for group in groups for source in group.sources))


@pytest.mark.parametrize(
    ("did", "says"),
    [
        ("Reset the MFA methods of the user by phone.", "MFA is never reset by phone. Issue a temporary access pass."),
        ("Entered 8.8.8.8 as DNS server on the network card.", "No public DNS: a DNS server must not be entered on a network card."),
        ("Benutzer in die lokale Gruppe der Administratoren aufgenommen.", "Benutzer dürfen nicht in die lokale Gruppe der Administratoren."),
        ("Désactivé l'antivirus sur le serveur de fichiers.", "On ne doit jamais désactiver l'antivirus sur le serveur de fichiers."),
        ("Alarme coupée dans l'interface de l'onduleur.", "Ne plus couper l'alarme : elle signale une batterie usée."),
        ("Desactivado el antivirus en el servidor de archivos.", "Nunca se desactiva el antivirus en el servidor de archivos."),
    ],
    ids=["never", "must not", "german", "french", "french, in two words", "spanish"],
)  # fmt: skip
def test_what_a_newer_source_tells_not_to_do_is_overruled(did: str, says: str) -> None:
    assert overruled(a_ticket(did), an_article(says)) == {"T1": "K1"}


@pytest.mark.parametrize(
    ("did", "says", "day"),
    [
        (
            "Deleted the old files on drive D by hand.",
            "Files on drive D must not be deleted by hand.",
            date(2025, 1, 1),
        ),
        ("Restarted the print spooler on srv-print01.", "The print spooler on srv-print01 did not restart.", NEW),
        ("Restarted the print spooler on srv-print01.", "Never restart srv-db01 in the day.", NEW),
        ("Restarted the print spooler on srv-print01.", "Do not restart.", NEW),
        ("Replaced the battery of the alarm panel.", "Never silence the alarm.", NEW),
        ("Files on drive D must not be deleted by hand.", "Never delete files on drive D by hand.", NEW),
    ],
    ids=["an older ban", "what was so", "something else", "no thing", "one word of two", "both ban it"],
)
def test_nothing_else_is_overruled(did: str, says: str, day: date) -> None:
    assert overruled(a_ticket(did), an_article(says, day)) == {}


def test_a_requester_bans_nothing() -> None:
    hostile = a_source(
        id="78", text="Problem: Never reset the MFA methods by phone.\nResolution: Explained it.", resolved_on=NEW
    )
    assert overruled(a_ticket("Reset the MFA methods by phone."), hostile) == {}


def test_a_sentence_that_repeats_what_is_overruled_is_not_kept_but_what_the_newer_one_says_is() -> None:
    old, new = "Deleted the VBK files on drive D by hand.", "VBK files on drive D must never be deleted by hand."
    checker = Checker.of(gathered(a_ticket(old), an_article(new)), language="en")
    kept = [checker.statement(text, [ref], max_chars=600, is_fact=True)[0] for text, ref in ((old, "T1"), (new, "K1"))]
    assert kept == ["", new]
    assert [lost.fault for lost in checker.lost] == ["overruled"]


# Of the answer of a small model (Qwen2.5-Coder 1.5B) to the case contradicting-backup-chain, 29 November 2026.
@pytest.mark.parametrize(
    ("sentence", "ref", "banned_by"),
    [
        ("The oldest VBK files on D: must be deleted to resolve the issue.", "T1", "T2"),
        ("Check the disk space on D: and delete the oldest VBK files.", "T1", "T2"),
        ("Never delete the oldest VBK files on D:.", "T1", None),
        ("Start the job again.", "T1", None),
        ("Lower the retention of the job to 14 restore points and let the job remove the old ones itself.", "T2", None),
        ("Delete the oldest VBK files.", "T2", None),
    ],
)
def test_nor_is_it_in_fewer_words_than_those_of_the_source_that_is_overruled(
    sentence: str, ref: str, banned_by: str | None
) -> None:
    old = a_ticket("Deleted the oldest VBK files on D: by hand and started the job again.")
    new = a_ticket(
        "Files must not be deleted by hand, it broke the chain. Lowered the retention of the job to 14 restore points"
        " and let the job remove the old ones itself.",
        NEW,
    )
    groups = gathered(old, new.model_copy(update={"id": "78"}))
    assert Bans.of(groups).against(sentence, [ref]) == banned_by


def test_a_document_with_a_date_overrules_and_is_overruled_where_it_is_trusted() -> None:
    did, says = "Reset the MFA methods of the user by phone.", "MFA is never reset by phone."

    def bans_of(document: Source, other: Source) -> dict[str, str]:
        groups = number_sources(
            Gathered(kind=each.kind, state=GatherState.OK, sources=(each,)) for each in (other, document)
        )
        return dict(Bans.of(groups).overruled(source for group in groups for source in group.sources))

    def a_document(text: str, day: date | None, staff_text: str | None = None) -> Source:
        return a_source(SourceKind.DOCUMENT, id="9", text=text, updated_on=day, staff_text=staff_text)

    assert bans_of(a_document(says, NEW), a_ticket(did)) == {"T1": "D1"}
    assert bans_of(a_document(says, None), a_ticket(did)) == {}
    assert bans_of(a_document(says, NEW, ""), a_ticket(did)) == {}
    assert bans_of(a_document(did, OLD), an_article(says)) == {"D1": "K1"}
