"""A note does not ask what the ticket says."""

from __future__ import annotations

import pytest

from app.core.enhancement import Question
from app.core.questions import FURTHER, USUAL, choose_questions, tells_fault
from app.core.source import SourceKind
from tests.builders import a_source, a_ticket, gathered

ERROR_TEXT, DEVICE, SINCE_WHEN = USUAL
WHAT_CHANGED, HOW_TO_REPEAT = FURTHER


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It does not work.", [ERROR_TEXT, DEVICE, SINCE_WHEN]),
        ("Error 809 comes up.", [DEVICE, SINCE_WHEN]),
        ('It says "the data file is damaged".', [DEVICE, SINCE_WHEN]),
        ("Nothing prints since we moved.", [ERROR_TEXT, DEVICE]),
        ("Geht seit gestern nicht.", [ERROR_TEXT, DEVICE]),
        ("Depuis lundi rien ne marche.", [ERROR_TEXT, DEVICE]),
        ("No funciona desde el miércoles.", [ERROR_TEXT, DEVICE]),
        ("Stopped at 07:15.", [ERROR_TEXT, DEVICE]),
        ("Drukarka nie drukuje od rana.", [ERROR_TEXT, DEVICE]),
        ("Die Monitore bleiben schwarz, NB-0512.", [ERROR_TEXT, SINCE_WHEN]),
        ("Il y a deux jours que rien ne marche sur pc-1182.", [ERROR_TEXT]),
        ("It says error HRM-404.", [ERROR_TEXT, DEVICE, SINCE_WHEN]),
        ("I left my work laptop on the train last night.", [DEVICE]),
        ("J'ai oublié mon mot de passe, compte verrouillé.", [SINCE_WHEN]),
        ("My account is locked since Monday.", [WHAT_CHANGED, HOW_TO_REPEAT]),
        ("The screen of my phone stays black, I lost my work.", [ERROR_TEXT, DEVICE, SINCE_WHEN]),
        # Words in quotation marks that are no error text.
        ("My 'old' friend, the printer.", [ERROR_TEXT, DEVICE, SINCE_WHEN]),
    ],
)
def test_what_a_ticket_says_is_not_asked(text: str, left: list[Question]) -> None:
    assert list(choose_questions(a_ticket(subject="Help", description=text), gathered(), [])) == left


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        ("Password change", "How do I change my password before it expires?"),
        ("Kalender", "Wie kann ich meinen Kalender freigeben?"),
        ("Signature", "Comment puis-je changer ma signature ?"),
        ("Firma", "¿Cómo puedo cambiar mi firma?"),
        ("Liam O'Brien is a new starter", "He'll need the usual: laptop, account, licence."),
        ("Leaver", "Mark leaves us tomorrow, he doesn't know yet that his access ends."),
        ("Austritt", "Frau Kern verlässt uns zum Monatsende."),
        ("restore please", "I overwrote lease.docx on Thursday, can you get Wednesday's version back?"),
    ],
)
def test_who_asks_how_or_for_something_new_is_not_asked_for_an_error(subject: str, description: str) -> None:
    assert choose_questions(a_ticket(subject=subject, description=description), gathered(), []) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Outlook crashed after I clicked the link",
        "Ich habe die Datei geöffnet und Word stürzt ab",
        "J'ai ouvert le fichier et Excel plante",
        "Abrí el archivo y Excel falla",
        "The virus scanner fails to update",
        "I entered my password and the login fails",
    ],
)
def test_whose_program_fails_is_asked_for_the_error_text_whatever_was_opened(text: str) -> None:
    assert ERROR_TEXT in choose_questions(a_ticket(subject="Help", description=text), gathered(), [])


@pytest.mark.parametrize(
    "text",
    [
        "I opened a link in an email about a document, it asked for my password and I typed it. Then an error page.",
        "Ich habe die Datei Bewerbung.zip aufgemacht, jetzt blinkt ein schwarzes Fenster.",
        "J'ai cliqué sur un lien et donné mon mot de passe.",
        "Pinché en un enlace y puse mi contraseña.",
    ],
)
def test_who_may_have_let_an_attacker_in_is_asked_when_and_where_and_for_no_error_text(text: str) -> None:
    asked = choose_questions(a_ticket(subject="Help", description=text), gathered(), [])
    assert list(asked) == [each for each in (DEVICE, SINCE_WHEN) if each in asked]
    assert DEVICE in asked


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        ("Problem: Link down", "Problem started at 06:12:44 on 2026.11.29\nHost: fw01\nOriginal problem ID: 4412"),
        ("** PROBLEM Host Alert: fw01 is DOWN **", ""),
        ("[PRTG Network Monitor (MON)] NAS02 Ping Down", "Status: Down"),
        ("Alert: WS-040 - Device offline", "Alert UID: 6b1e"),
        ("[Failed] Projects daily (3 objects) 1 failed", ""),
    ],
)
def test_a_program_is_asked_nothing(subject: str, description: str) -> None:
    assert choose_questions(a_ticket(subject=subject, description=description), gathered(), [ERROR_TEXT]) == ()


@pytest.mark.parametrize("subject", ["Problem: printer", "Alerts in Outlook", "How do I print? It fails."])
def test_a_person_with_a_fault_is_asked(subject: str) -> None:
    assert choose_questions(a_ticket(subject=subject, description=""), gathered(), [])


@pytest.mark.parametrize(("is_only_owned", "is_asked"), [(True, True), (False, False)])
def test_a_machine_that_the_ticket_names_is_not_asked_for(is_only_owned: bool, is_asked: bool) -> None:
    machine = a_source(SourceKind.ASSET, id="9", is_only_owned=is_only_owned)
    asked = choose_questions(a_ticket(subject="Help", description="It hangs."), gathered(machine), [])
    assert (DEVICE in asked) is is_asked


def test_what_the_model_asks_goes_before_and_where_all_is_said_something_else_is_asked() -> None:
    ticket = a_ticket(subject="Help", description="Error 809 since today.")
    machine = gathered(a_source(SourceKind.ASSET, id="9"))
    assert choose_questions(ticket, machine, [ERROR_TEXT, Question.WHO_ELSE]) == (Question.WHO_ELSE,)
    assert choose_questions(ticket, machine, []) == FURTHER


@pytest.mark.parametrize(
    "text",
    [
        # One language's word for a fault, in another language or beside what is not wanted.
        "Order a Business Plus licence",
        "Licence Office Pro Plus pour Luc",
        "Zwei Lizenzen Business Plus bestellen",
        "New starter, no phone needed",
        "New starter James Miller, she does not need a phone",
        "New user, not before Monday",
        "Please issue a laptop to Jane Hart",
        "Order noise-cancelling headsets and a licence",
        "Neuer Mitarbeiter, kein Telefon nötig",
        "Neue Kollegin, ein Handy ist nicht erforderlich",
        "Nouvel arrivant, pas de téléphone",
        "Nouvelle arrivante, un compte de plus",
        "Nueva empleada, sin teléfono, licencias para no más de dos meses",
        "Novo utilizador no escritório do Porto",
        "Nieuwe medewerker, graag een pas voor gebouw 2",
        "Failover licence for the firewall",
    ],
)
def test_what_is_no_fault(text: str) -> None:
    assert not tells_fault(a_ticket(subject=text, description=""))


@pytest.mark.parametrize(
    "text",
    [
        "Outlook doesn't open",
        "I cannot log in",
        "The scanner is not found",
        "There is no network in room 4",
        "Paper jam in tray 2",
        "The app hangs",
        "Some issues with Teams",
        "Zugriff auf Laufwerk M: geht nicht",
        "Kein Netz in Halle 2",
        "Der Ordner ist weg",
        "L'imprimante ne marche plus",
        "Le badge marche pas",
        "Plus de réseau au premier étage",
        "Je n'ai plus accès à M:",
        "El escáner no funciona",
        "No puedo abrir Outlook",
        "La VPN non funziona",
        "Não consigo abrir o Outlook",
        "De printer werkt niet",
    ],
)
def test_what_is_a_fault(text: str) -> None:
    assert tells_fault(a_ticket(subject=text, description=""))
