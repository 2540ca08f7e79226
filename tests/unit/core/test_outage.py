"""What says that something fails for all, and what speaks of one's own machine."""

from __future__ import annotations

import pytest

from app.core.outage import reports_outage
from tests.builders import a_ticket


@pytest.mark.parametrize(
    "text",
    [
        "Is the mail server down?",
        "Nobody in accounts can open the shared drive",
        "Every printer in the building is offline",
        "The internet does not work, colleagues too",
        "Telefonanlage ausgefallen",
        "Egal welcher Drucker, es kommt nichts",
        "Bei allen startet das ERP nicht",
        "Passerelle VPN injoignable",
        "Plus aucun courriel, mes collègues non plus",
        "¿Se ha caído la red?",
        "No entra ningún compañero en el ERP, da error",
        "Stromausfall? In Halle 2 kein Strom",
        "The whole finance team gets an error in Teams",
        "Toutes les imprimantes sont bloquées",
    ],
)
def test_an_outage(text: str) -> None:
    assert reports_outage(a_ticket(subject=text, description=""))
    assert reports_outage(a_ticket(subject="Help", description=text))


@pytest.mark.parametrize(
    "text",
    [
        "Outlook does not start",
        "My screen is black",
        "Please install Visio for everyone in planning",
        "All my icons are on the left",
        "Bitte die neue Vorlage an alle Kollegen verteilen",
        "Mein Drucker druckt nicht",
        "Mon écran est noir",
        "El ratón no funciona",
        "Clé USB pour tous les stagiaires, merci",
        "I forgot my password",
        "My phone is dead, I need a charger",
        "Screen with a dead pixel",
        "Nobody can hear me in Teams, the microphone does not work",
        "Everyone's calendar is missing",
        "The whole folder is missing",
        "All my drives are missing",
        "Mein Laptop startet nicht, bei mir geht nichts mehr",
        "Alle Symbole sind weg",
        "Bitte die Kosten getrennt abrechnen",
        "Bitte allen Kollegen Zugriff geben, im ganzen Team fehlt er",
        "Das ganze Team freut sich, keine weiteren Fragen",
        "Je n'ai plus d'accès à mon compte",
        "Toute l'équipe est contente, aucun problème",
        "Mon casque est en panne",
        "El teclado está caído",
        "Todo bien, ningún problema con la VPN",
    ],
)
def test_no_outage(text: str) -> None:
    assert not reports_outage(a_ticket(subject=text, description=""))
