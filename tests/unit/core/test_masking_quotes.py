"""Quotes of all kinds beside a password, and beside words that are none."""

from __future__ import annotations

import pytest

from app.core.detect.finding import Secret
from app.core.masking import Mask, find_secrets
from eval.masking.measure import measure, read_cases

PROSE = """\
The “Forgot password” link leads nowhere
the “password dialog” appears
He clicks ‘reset password now’ and waits
the user’s password wasn’t accepted
the users’ passwords aren’t synced
«mot de passe oublié» ne marche pas
« mot de passe oublié » ne marche pas
le lien “mot de passe oublié” est cassé
Der Link „Passwort vergessen“ führt ins Leere
Die Schaltfläche „Passwort ändern“ fehlt
Die Meldung „Kennwort abgelaufen“ erscheint
„Passwort vergessen“-Link fehlt
‚Passwort zurücksetzen‘ geht nicht
»Passwort vergessen« geht nicht
›Passwort vergessen‹ geht nicht
la opción “contraseña olvidada” no aparece
la opción «restablecer contraseña» no aparece
Message “Your password expires soon” shown
Message “Your password has expired” shown
Message “incorrect password” shown
Message “password incorrect” again
Error: “Wrong username or password”.
the field “Password” is grey
The word “password” appears twice
the ‘password’ field is empty
(the “password policy”)
(the "password policy")
the so-called “password manager”, which
password manager’s icon
password—reset does not work
the password reset—again—fails
password reset… no mail
password prompt… again
password expired!
Password expired!!
Password expired?!
Mot de passe expiré !
“PIN reset” fails
“password hash sync” is off
the “Password Reset Portal” is down
“Passwort-Manager” startet nicht
Passwort „zurücksetzen“ klicken
Password ‘expired’
password: “expired”
Passwort: „abgelaufen“
The tab ‘Password & security’ is missing
“Password” field*
the button “Change password”.
“Enter network password” pops up
’password’ box
„Neues Passwort festlegen“ lädt nicht
“token expired” error
“API key missing”
“community forum”
Windows asks “Enter network credentials”: login screen”
[password policy]”
the password box” is small
a password dialog’ is small
password prompt“ kommt
password prompt» vient
password prompt‹
password prompt‟
a so‑called ‘password spray’ attack
the password policy” says
password protected” file
“clave caducada” aparece
Das Fenster „WLAN-Schlüssel eingeben“ kommt
login ‘page’ and password ‘field’ differ
"""

SECRETS = """\
password “hunter2”
Password: “hunter2”
the password is “hunter2”.
the password is ‘hunter2’
das Passwort ist „hunter2“
das Passwort „hunter2“ geht nicht
Passwort: ‚hunter2‘
Passwort: »hunter2«
Passwort lautet ›hunter2‹
le mot de passe est «hunter2»
le mot de passe est « hunter2 »
le mot de passe : “ hunter2 ”
la contraseña es “hunter2”
la contraseña es «hunter2».
password is ”hunter2”
password is “hunter2“
password is „hunter2”
password is ’hunter2’
password is ‘hunter2
password is hunter2”
“password: hunter2”
“my password is hunter2”
(“password = hunter2”)
“password” is “hunter2”
“password”: “hunter2”
“password”=“hunter2”
{“user”: “jd”, “password”: “hunter2”}
set the password to “hunter2”
changed the password of jdoe to ‘hunter2’.
password “correct hunter2 battery”
pwd=“hunter2”
creds: jdoe / “hunter2”
login admin:“hunter2”
net user jd “hunter2x” /add
passphrase: “violet canyon hunter tiger”
his password (“hunter2”)
password 「hunter2」
The password is “hunter2”—please change
password is 'hunter2’
“Wi-Fi password” is hunter2
Wi-Fi password – “hunter2”
password → “hunter2”
"""


@pytest.mark.parametrize("text", PROSE.splitlines())
def test_a_word_before_a_quote_is_no_password(text: str) -> None:
    assert Mask().text(text) == text


@pytest.mark.parametrize("text", SECRETS.splitlines())
def test_a_password_is_masked_without_its_quotes(text: str) -> None:
    [found] = [text[each.start : each.end] for each in find_secrets(text) if "hunter" in text[each.start : each.end]]
    assert found.startswith(("hunter2", "correct hunter2", "violet canyon hunter"))
    assert found[-1].isalnum()


def test_the_texts_that_nothing_was_tuned_on() -> None:
    counts = measure(read_cases("quotes.txt"))
    assert counts[Secret.PASSWORD].recall == counts[Secret.KEY].recall == 1, counts
    assert not any(count.wrong for count in counts.values()), counts
