from __future__ import annotations

import pytest

from app.core.language import sounds_like_another

TEXTS = {
    "en": "The user cannot connect to the server because the password has expired and the account is locked. It should be "
    "reset before the next login.",
    "de": "Der Benutzer kann sich nicht mit dem Server verbinden, weil das Passwort abgelaufen ist und das Konto gesperrt "
    "wurde. Es muss vor der Anmeldung zurückgesetzt werden.",
    "fr": "Le poste ne peut pas joindre le serveur car le mot de passe est expiré et le compte est verrouillé. Il doit être "
    "réinitialisé avant la connexion avec les droits pour une session.",
    "es": "El usuario no puede conectar con el servidor porque la contraseña ha caducado y la cuenta está bloqueada. Se debe "
    "restablecer antes de la próxima sesión con los permisos para el equipo.",
}


@pytest.mark.parametrize("written", TEXTS)
@pytest.mark.parametrize("expected", TEXTS)
def test_a_text_is_taken_for_its_own_language_alone(written: str, expected: str) -> None:
    assert sounds_like_another(TEXTS[written], expected) is (written != expected)


@pytest.mark.parametrize("text", ["", "VPN", "Outlook 0x800CCC0E IMAP SMTP", "Restart srv-mail01."])
def test_in_doubt_it_is_silent(text: str) -> None:
    assert not any(sounds_like_another(text, language) for language in TEXTS)
