"""The words around a password, in the languages of tickets: those for it, those about it, and those that are none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from app.core.detect.finding import QUOTES
from app.core.detect.scan import Scan

_NOT_AFTER_LETTER = r"(?<![^\W\d_])"
LABEL: Final = re.compile(
    # Long words also count within a name: DB_PASSWORD, userPassword, Adminpasswort.
    r"(?:access[- ]pass(?![^\W\d_])|credential(?![^\W\d_])"
    r"|pass[-_ ]?words?|passw0rd(?=\s?[\[:]|\s\s)"
    r"|pas(?:words?|sowrds?|swrods?)|pass?wr?ds?|passwort(?:er|es|s)?|passwörter"
    r"|paßwort"
    r"|passord(?:et)?|kodeord(?:et)?|lozink\w{1,3}|gesl[oa](?!\w)|slaptaž\w{2,5}|parool\w{0,4}|mật khẩu|kata sandi"
    r"|pass[-_ ]?phrases?|pass[-_ ]?codes?|pass[-_ ]?keys?|kennw[oö]rt(?:er|es|s)?"
    r"|mots? de passe|phrase (?:de passe|secr[èe]te)|contrase(?:ñ|n)as?|palavras?[- ]passe|palavra de passe"
    r"|parola d['’]ordine"
    r"|parola chiave|wachtwoord(?:en)?|l[öo]sen(?:ord(?:et)?|kod(?:en)?)|adgangskoden?|jelszó\w{0,3}|jelszav\w{1,4}"
    r"|salasan\w{1,6}"
    r"|laps(?=\s?[:=]|\s(?:says|shows|gives)\s)"
    r"|passhash|(?:en|de)cryption[-_ ]?key|key to (?:decrypt|open|unlock)|(?:pre-?)?shared[-_ ]?secrets?"
    r"|(?:vpn|ipsec|l2tp|radius|tunnel|sip|trunk)[- ]secret|netzwerk(?:sicherheits)?schlüssel"
    r"|secret word|security answer|requirepass|(?:wpa2?|wpa2?-psk)[- ]passphrase|psksecret|pre-?shared[-_ ]?keys?"
    rf"|(?:(?<=snmp[- _])|(?<=trap ))community(?:[- _]string)?|community[- _]string|community(?=\s[{QUOTES}]\S*\d)"
    r"|(?<=r[ow])community(?=>)"
    r"|(?:comunidade?|communauté|comunità|kommunit[äe]t|сообщество)(?= snmp| «| \")(?: snmp)?"
    r"|networkkey"
    r"|keycontent|keymaterial|shared[-_ ]?keys?(?=\s?[\"':=>])"
    # As netsh shows the key of a wireless network, in each language of Windows.
    r"|key content|schlüsselinhalt|contenu de la clé|contenido de la clave|contenuto (?:della )?chiave"
    r"|conteúdo da chave|sleutelinhoud|inhoud van sleutel|zawartość klucza|obsah klíče|obsah kľúča"
    r"|содержимое ключа|вміст ключа|anahtar içeriği|nyckelinnehåll|nøgleindhold|nøkkelinnhold|avaimen sisältö"
    r"|kulcstartalom|kulcs tartalma|conținut cheie|ključni sadržaj|sadržaj ključa|vsebina ključa|съдържание на ключа"
    r"|περιεχόμενο κλειδιού|关键内容|密钥内容|主要なコンテンツ|키 콘텐츠"
    r"|(?:wi-?fi|wireless|wlan|wpa[23]?|wep|hotspot)[-_ ]?(?:key(?: \d(?=\W))?|schlüssel|code|pass|sleutel|密钥)"
    r"|(?:clé|clave|chiave|chave|klucz|klíč|ključ|ключ|codes?|código|codice|kod|kód|код|šifr[aeu]"
    r"|шифр[аеу])(?: \w{1,5}){0,2} (?:wi-?fi|wpa2?"
    r"|wlan|hotspot|réseau|rete|red|rede|sieci|sítě|síti|сети|мережі|box|routeur|router|roteador|de sécurité|de acceso)"
    r"|network (?:security )?key|ключ от wi-?fi"
    rf"|{_NOT_AFTER_LETTER}(?:(?:pswd|pwd|psw|pw|psk|mdp|ww|senhas?|clave)(?![^\W\d_])|hasł\w{{1,4}}|hasl[aoe]m?"
    rf"|[sş]ifre\w{{0,5}}|parola\w{{0,5}}"
    rf"|parol(?:ă|ei|ii)(?!\w)|parole(?=\s?:| ir(?!\w))|paroli(?!\w)|hesl[oaeu]m?|парол\w{{1,4}}|pass)"
    rf"|{_NOT_AFTER_LETTER}(?:kw|contra|lösen|losen|pswrd|kode|koden)(?=\s?[:=?])|secret(?=>)|jelszo\w{{0,3}}"
    # client_secret=, JWT_SECRET:, "secretKey": ; not "existingSecret: x", which names where it is kept
    r"|(?:(?<=[_-])secret|secret(?=_?key|_base|[\"'\]]|\s?=))(?<!existingsecret)(?:[_-]?key)?(?:_base)?"
    r"(?=[\"'\]]{0,2}\s?[:=])"
    r"|(?<=[_-])(?:pwd|pass|pw)(?![^\W\d_])|(?<=my)pwd"
    # The end of a setting's name: DbPwd=, ProxyPass: ; not "bypass=", "Reisepass:".
    r"|(?<=[a-z0-9])(?<!by)(?<!com)(?<!kom)(?<!reise)(?<!eng)(?<!impf)(?:pwd|pass|pw|psk)"
    r"(?=[\"'\]]{0,2}\s?[:=]|>|[\"'],|[ \t]+\S+[ \t]*(?:\n|$))"
    r"|(?<=[_-])credentials(?=[\"']?\s?=)|masterauth(?=\s)|authtok(?=\s?[=:])"
    r"|密码|密碼|口令|パスワード|暗証番号|비밀번호|비번|패스워드|암호(?!화)|パスコード|kenncode|סיסמ[האת]"
    r"|รหัสผ่าน|पासवर्ड|лозинк\w{1,3}|fjalëkalimi?n?|pasahitz\w{1,3}|contrasenyas?|contrasinal|wagwoord|lykilorði?ð?"
    r"|kata laluan|گذرواژه|رمز عبور|كلمة (?:ال)?(?:مرور|سر)|κωδικ(?:ός|ό|ού|ος|ο)(?: πρόσβασης)?)"
)
ADJECTIVE: Final = (
    r"(?:\s+(?:provisoire|temporaire|initiale?|actuel(?:le)?|nouveau|nueva|nuevo|temporal|provisional|inicial|actual"
    r"|temporanea|provvisoria|attuale|nuova|temporária|provisória|nova|atual|tymczasowe|nowe|startowe|dočasné|nové"
    r"|временный|новый|admina|administratora|administrátora|администратора|administrateur|admin|temp|temporary"
    r"|de acesso|de acceso|d['’]accès|dele|dela|de rede|hennes|hans|deres|jej|jego|jej[ií]ho|її|його|его|её"
    r"|par défaut|por defecto|predeterminad[ao]|padrão|predefinit[ao]|di default|по умолчанию|domyśln[eya]"
    r"|implicit[ăa]))"
)
OF_WHAT: Final = (
    r"(?:\s+(?:wi-?fi|wlan|vpn|e-?mail|mail|outlook|teams|windows|sap|citrix|rdp|portal|laptop|pc|bios|internet"
    r"|intranet|again|nochmals?|erneut|encore|de nuevo))?"
)
"""What a password is for, beside the word: "mdp wifi"."""
FOR: Final = (
    rf"(?:\s*\((?![{QUOTES}])[^)\n]{{1,30}}\)"
    r"|\s+(?:for|für|fuer|pour|para|per|of|von|vom|zum|des|der|de|du|dell[ao]|del|della|di|do|da|dos|das|dla|ke?|od"
    r"|для|от|до|від|для|για|voor|van|til|till|fra|on|am|im|sur|en|at|à|la|auf|in|nel|no"
    r"|na)(?:\s+[\w.@\\’'-]{1,40}){1,4}?)?"
)
CHANGED: Final = (
    r"(?:\s+(?:has been |have been |was |were |is |wurde |habe ich |haben wir |a été |ha sido |fue |è stata |foi "
    r"|zostało |bylo )?(?:re)?(?:set|changed|updated|gesetzt|geändert|zurückgesetzt|changée?|réinitialisé|cambiad[ao]"
    r"|restablecid[ao]|impostata|cambiata|reimpostata|alterada|redefinida|zmienione|zresetowane|změněno|resetováno"
    r"|изменён|изменен|сменён|сменен|змінено|gewijzigd|ændret|endret|ändrat|bytt|vaihdettu|schimbată)"
    r"(?:\s+(?:temporarily|back))?(?:\s+(?:to|as|auf|à|en|a|in|para|na|naar|на|til|till|în))?"
    r"|\s+(?:habe ich|haben wir|used|i use|you sent|yang|wurde auf|改成了?|改为|設為|设为|已重置为)"
    r"|(?:已)?重置为|改成了?|改为|设为)"
)
OF_MAKERS: Final = frozenset(
    (
        "admin password passw0rd password1 pass default changeme calvin cisco ubnt apc root toor friend raspberry "
        "000000 00000000 666666 888888 "
        "vagrant netgear1 pfsense opnsense nsroot smcadmin motorola tomcat infoblox sysadmin admin00 1111 0000 "
        "1234 12345 123456 12345678 1234admin admin123 admin1234 password123 hp invent ibm synology manager "
        "supervisor guest"
    ).split()
)
"""Passwords that makers put on their devices, and that stay there."""
NO_VALUE: Final = frozenset(
    (
        "expired expires expiring reset resets wrong incorrect invalid unknown none null nil n/a na tbd yes no ok "
        "true false required missing forgotten forgot lost locked unlock unlocked changed change rejected refused "
        "denied accepted blank empty hidden masked redacted removed secret not never again same different correct as "
        "see sent and or the a an user users cannot can't doesn't fails failed does is was policy prompt manager "
        "request requests sync synchronisation issue issues problem problems help please ask in how normal encrypted "
        "transmitted plain cleartext automatic autodetect perhaps versions unable oauth oauth2 0auth2 oauth2.0 "
        "ssl/tls starttls kerberos ntlm gssapi pop3 imap imap4 smtp ldap saml sso mfa 2fa totp sha1 sha256"
        " sha512 md5 "
        "sensitive*data*deleted nincs "
        "bcrypt ntlmv2 wpa wpa2 wpa3 ipv4 ipv6 office365 o365 m365 win7 win10 win11 windows10 windows11 base64 utf-8 "
        "3d http2 tls1.2 tls1.3 abgelaufen falsch vergessen gesperrt ungültig unbekannt leer geändert zurückgesetzt "
        "zurücksetzen nicht kein keine siehe bitte läuft wird wurde ändern und oder der die das fehlt steht im"
        " expiré "
        "expire oublié invalide inconnu vide perdu non oui voir et ou le la les un une réinitialisé bloqué à refusé "
        "erroné caducada caducado expirada expirado olvidada olvidado incorrecta incorrecto inválida desconocida "
        "vacía bloqueada cambiada ver y o el los las restablecer sí scaduta errata dimenticata vedi corretta"
        " bloccata "
        "di il sconosciuta vencida errada esquecida incorreta expirou redefinir veja não patrz nieznane"
        " nieprawidłowe "
        "wygasło nie viz nesprávné vypršelo neznámé см неверный забыл истёк bakın yanlış unuttum zie onjuist"
        " vergeten "
        "verlopen leave keines keins pendiente definire definir ustalenia belirlenecek уточняется folgt будет bude "
        "doplněno suivra volgt segue string str password passwort kennwort text int bool value contraseña senha"
        " hasło "
        "heslo şifre parola пароль field box dialog window screen page tab link button menu icon option feld fenster "
        "seite knopf schaltfläche taste champ fenêtre écran lien onglet bouton campo ventana pantalla enlace botón "
        "min mind minimum mindestens max maximum present absent vorhanden présent présente presente ausente assente "
        "aanwezig afwezig obecny obecna brak přítomen присутствует отсутствует mevcut finns saknas "
        "ugfzc3dvcmq6 vxnlcm5hbwu6 since seit depuis desde sinds files compat sss systemd public-key "
        "authentication-failed access-denied self cls "
    ).split()
)
"""Words that describe a password, in lower case, and what forms and logs say in its place (a mail server: base64)."""
USER: Final = (
    r"user(?:[- ]?(?:name|id))?s?|login|(?<![^\W\d_])(?:un|id)|account|benutzer(?:name\w?|kennung)?|anmeldename"
    r"|utilisateur|identifiant|usuario|utente|usuário|gebruiker(?:snaam)?|användar(?:namn|e)|bruker(?:navn)?"
    r"|bruger(?:navn)?|käyttäjä(?:tunnus|nimi)?|felhasználó(?:név)?|utilizator|użytkownik\w{0,2}|uživatel\w{0,2}"
    r"|kullanıcı(?: adı)?|логин\w{0,2}|пользовател\w{1,3}"
)
"""A word for a user's name, as a pattern."""
AND: Final = tuple("and und et y e i a en och og ja és și si и та ve και".split())
_THE: Final = "the|das|het|la|el|le|il|a"
ASKS_FOR_BOTH: Final = re.compile(rf"(?:{USER})(?:\s?[/&]\s?|\s(?:{'|'.join(AND)})\s(?:(?:{_THE})\s)?)$")
"""What stands before a word for a password where it is asked for together with the user's name: "username and "."""


def labels(scan: Scan) -> Sequence[tuple[int, re.Match[str] | None]]:
    """Where the anchors for a word for a password are in the text, each with the word, if it is one."""
    if scan.labels is None:
        scan.labels = [(at, LABEL.match(scan.lower, at)) for at, _ in scan.hits("password")]
    return scan.labels
