"""Each way to tell a secret that the blind set of November 2026 showed to be unknown, with others of its kind.

`⟦…⟧` is what must be masked; everything else stays.
"""

from __future__ import annotations

import re

import pytest

from app.core.masking import find_secrets

KINDS = {
    "a column of a table": (
        r"Username\tPassword\tNote\njbaker\t⟦Tiger-Lily9⟧\tnew\nmlee\t⟦orchid⟧\told",
        r"| user | password |\n| --- | --- |\n| jsmith | ⟦Welcome#44⟧ |\n| kdoe | ⟦Welcome#45⟧ |",
        r"name;kennwort;mail\nmeier;⟦Ostsee9x⟧;x",
        r"login,password\ntom,⟦Ab12cd⟧\nann,⟦Zz98yy⟧",
        r"USER       PASSWORD      ROLE\nadmin      ⟦H4ll0-Du⟧      admin",
        r"Password\tExpires\nnever set\t2026-10-10",
        r"the password, user and host\nare all in the vault, Tom checked",
        r"| setting | password policy |\n| --- | --- |\n| length | 12 characters |",
        r"User;Password last set\nmeier;2026-10-02",
        r"Name,Password Status\njdoe,Expired",
    ),
    "an account that every device has": (
        "iDRAC on the new R750 still has root/⟦calvin⟧, please change",
        "printer web page is admin / ⟦admin⟧",
        "the camera opens with admin:⟦12345⟧",
        "BMC: ADMIN/⟦ADMIN⟧",
        "logged in with ubnt/⟦ubnt⟧",
        "switch answers to manager / ⟦friend⟧",
        "needs root/sudo rights",
        "admin/user roles are mixed up",
        "the admin/superuser account",
        "root:root 0755 /srv",
        "chown root:wheel file",
    ),
    "beside a user's name": (
        r"local admin on the kiosk: .\kioskadmin ⟦K10sk#Lobby⟧",
        r"use acme\svc_scan ⟦Sc4n!Fold⟧ for the share",
        "Login with the shared account (labuser, ⟦Lab!Rats9⟧)",
        "log in as kiosk2 / ⟦Lobby#Screen2⟧",
        "the account is mlee, ⟦Rain&Sun44⟧",
        r"acme\jdoe is locked, event 4740",
        r"lakeside\ann opened Q4#2026.xlsx",
        "account 4711, H&M2026 is the customer",
        "user tom@lakeside1 cannot log in",
    ),
    "a code": (
        "safe code is ⟦4471#⟧ and alarm ⟦90215⟧, don't share",
        "Voicemail PIN reset to ⟦290184⟧ for Ann",
        "I changed the PIN to ⟦7710⟧",
        "PIN wurde auf ⟦8842⟧ geändert",
        "le code d'alarme est le ⟦4490⟧",
        "el código de la alarma es el ⟦7781⟧",
        "recovery codes: ⟦8f3k-29dm⟧ ⟦q7xw-40pl⟧ ⟦m2vb-77ra⟧",
        "backup codes: ⟦8841 2207⟧, ⟦1190 3382⟧, ⟦7712 0041⟧",
        "PIN codes are 4 digits",
        "alarm 4021 and alarm 4022 of the UPS",
        "error codes: 1603 1618 3010",
    ),
    "in a clause of its own": (
        "PW for the PDF is the invoice date, ⟦20261103⟧",
        "Passwort vom Router steht hinten drauf, ⟦94718263⟧",
        "le mot de passe que vous m'avez donné, ⟦Peuplier_8⟧, ne marche pas",
        "the password that you sent, ⟦Poplar_8⟧, is rejected",
        "Please set my password to the usual one: ⟦Orchid_7⟧",
        "password reset for Anna, room 4711",
        "the password is expired for user Lee, 00442377",
        "password is not accepted, error 20261103",
        "the password field is empty, Form_12",
    ),
    "one after another": (
        "SNMP v3 user monitor, auth pass ⟦Auth!Snmp3⟧, priv pass ⟦Priv!Snmp3⟧",
        "old pass ⟦Mango#77⟧, new pass ⟦Mango#78⟧",
    ),
    "other languages": (
        "jag bytte lösenord till ⟦Fika.Paus3⟧",
        "kodeord: ⟦Smorrebrod1⟧",
        "kodeordet er ⟦Hygge.2026⟧",
        "jeg har ændret adgangskoden til ⟦Rugbrod.44⟧",
        "passordet ble endret til ⟦Brunost.55⟧",
        "vaihdoin salasanaksi ⟦Sauna.100⟧",
        "salasana on ⟦Karjala66⟧",
        "a jelszavam ⟦Balaton.33⟧",
        "am schimbat parola în ⟦Carpati.99⟧",
        "пароль від вайфаю ⟦kavarnia55⟧",
        "пароль до wifi ⟦gosti2026⟧",
        "ο κωδικός πρόσβασης είναι ⟦Santorini7⟧",
        "κωδικός wifi ⟦thalassa22⟧",
        "şifremi ⟦Kapadokya55⟧ olarak değiştirdim",
        "lozinka: ⟦Jadran.77⟧",
        "geslo je ⟦Triglav.28⟧",
        "mật khẩu: ⟦Hanoi.2026⟧",
        "パスワードを ⟦Sakura2026⟧ に変更しました",
        "비밀번호를 ⟦Hanok1392⟧ 로 변경했습니다",
        "kodeordet er udløbet",
        "ο κωδικός έληξε χθες",
        "κωδικός σφάλματος 0x80070005",
        "lozinka je istekla",
        "κωδικός προϊόντος 88213377",
    ),
    "a command": (
        "certutil -p ⟦Cert!Imp0rt⟧ -importpfx web.pfx",
        "certutil -f -p ⟦Cert-Imp⟧ -importpfx web.pfx",
        "lftp -u upload,⟦f7p-Up!⟧ sftp://ftp.acme.example",
        'echo "root:⟦chp4ss!⟧" | chpasswd',
        "echo '⟦T0m!linux⟧' | passwd --stdin tom",
        "echo ⟦S3cr3t.X⟧ | sudo -S apt update",
        "isql -U sa -P ⟦syb4se!⟧ -S ASE01",
        "evil-winrm -i 10.0.0.5 -u tom -p ⟦Wnrm.55⟧",
        "rpcclient -U tom%⟦Rpc.55x⟧ dc01",
        "wbinfo -a tom%⟦Wb.55x⟧",
        "rabbitmqctl add_user app ⟦r4bbit.q⟧",
        "rabbitmqctl change_password app ⟦r4bbit.q2⟧",
        "wpa_passphrase Acme-Staff ⟦staff-line-88⟧",
        "radtest tom ⟦rad.T0m⟧ 10.0.0.9 0 ⟦sh4redS⟧",
        "rasdial OfficeVPN tom ⟦Vpn.dial7⟧",
        "snmpget -v3 -l authPriv -u mon -a SHA -A ⟦authPhr4se⟧ -x AES -X ⟦privPhr4se⟧ 10.2.0.5",
        "dsmod user CN=Ann -pwd ⟦Ann.New26⟧ -mustchpwd yes",
        "netdom join PC-88 /domain:acme.example /userd:joiner /passwordd:⟦J0in.Dom⟧",
        "repadmin /showrepl dc01 /u:acme\\\\ann /pw:⟦Rep.Adm5⟧",
        "mysqladmin -u root -p⟦R00tMySql⟧ status",
        "cqlsh -u cass -p ⟦c4ss.Qry⟧ 10.0.0.5",
        "smbmap -H nas01 -u tom -p ⟦smb.Map7⟧",
        "psql -p 5432 -U app shop",
        "docker run -p 8080:80 nginx",
        "cp -p a b",
        "rar a -p backup.rar",
        "net user tom /active:yes",
        "echo done | tee log",
    ),
    "network gear": (
        "wpa-psk ascii 0 ⟦airOnet-Psk⟧",
        "ip ospf message-digest-key 1 md5 ⟦0spf-Md5⟧",
        "ip ospf authentication-key ⟦ospfplain⟧",
        "ntp authentication-key 5 md5 ⟦ntpSecret⟧",
        "standby 1 authentication md5 key-string ⟦hsrpKey1⟧",
        "key-string ⟦eigrpKey⟧",
        "snmp-server user mon grp v3 auth sha ⟦Auth-V3-Pw⟧ priv aes 128 ⟦Priv-V3-Pw⟧",
        "snmp-server host 10.0.0.5 version 2c ⟦acmeTraps⟧",
        "enable password ⟦cisco⟧",
        "ikev1 pre-shared-key ⟦vpnpeerkey⟧",
        "set passphrase ⟦Branch-Wifi⟧",
        "set auth-pwd ⟦authpwdforti⟧",
        "password cipher ⟦huaweiPw⟧",
        "snmp-agent community read cipher ⟦huaweiRo⟧",
        "password manager user-name admin plaintext ⟦procurve⟧",
        "radius-server key ⟦radshared⟧",
        "enable password is not set",
        "enable secret not configured",
        "key-string is missing",
    ),
    "a network's key": (
        'Guest WiFi SSID "Lakeside-Guest", key "⟦sunny-terrace-19⟧"',
        r"SSID: Lakeside\nKey: ⟦sunnyterrace⟧",
        "WPA2 passphrase for the warehouse SSID is ⟦fork lift 2026 ramp⟧.",
        "the passphrase is wrong again today",
        "the passphrase is not accepted by VeraCrypt",
    ),
    "a session": (
        "ESTSAUTHPERSISTENT=⟦0.ATdHbJ6fuWqWAjXFU4WaNexcLNB6QVB71BcIw5f_Mh8⟧",
        "Cookie: wordpress_logged_in_00e9012565a70c71=⟦tom%7C1798761600%7CGxWYc9q2gPMvYT3CC65TCs⟧; lang=en",
        "Cookie: lang=en_US; MRHSession=⟦3f9c8e7d6b5a4c3d2e1f⟧; theme=dark-mode-2026",
        "Set-Cookie: remember_me=⟦Zm9vYmFyMTIzNDU2Nzg5MA⟧; Path=/; HttpOnly",
        "PVEAuthCookie=⟦PVE:root@pam:6655AABB::kJh7Gf5Ds3Aq1Wz9Xc7Vb5Nm3⟧",
        "Cookie: _ga=GA1.2.1234567890.1234567890",
    ),
    "a seed of one-time codes": (
        "MFA setup key ⟦EJYQ QRGI NCIB DGJJ X3UH SF4P 5ZEI ZAST⟧ when the QR does not scan",
        "secret key for the authenticator: ⟦ejyq qr2i ncib d7jj⟧",
        "the setup key does this each time when that runs",
    ),
    "money": (
        "card 5555-5555-5555-4444 exp 11/28 security code 731".replace("5555-5555-5555-4444", "⟦5555-5555-5555-4444⟧").replace(
            "731", "⟦731⟧"
        ),
        "routing ⟦021000021⟧ acct ⟦000123456789⟧",
        "BSB ⟦062-000⟧ acc ⟦12345678⟧",
        "security code 731 of the error",
    ),
    "mail": (
        "⟦ann.lee＠acme.example⟧ (from the scanned form)",
        "mail to ⟦tom[at]acme[dot]example⟧",
        "otpauth://totp/Lakeside:tom@lakeside?secret=⟦TFUAWDW7ZD76SQ72⟧&issuer=Lakeside",
        "⟦jane@acme⟧ is her address".replace("⟦jane@acme⟧", "mail ⟦jane@acme⟧"),
    ),
    "no phone": (
        "spare PSU 0957-2483",
        "P/N 0950-4312 and FRU 0123-4567",
        "SR 3-11596365 at Cisco TAC",
        'devid="FG100FTK93353817" logid="0100032002" type="event"',
        "sessionid=0301234567 policyid=12",
        "phone 7841 firmware 14.2.1.0101",
        "Cisco IP phone 8845 reboots",
        'caller="⟦0301234567⟧" trunk=2',
        "phone: ⟦7841⟧".replace("phone: ⟦7841⟧", "desk phone ⟦7841⟧ is dead"),
    ),
    "no key": ("token_type=bearer expires_in=3599", "Bearer realm=acme1234realm, error=invalid_token"),
}
CASES = {f"{kind} {number}": text for kind, texts in KINDS.items() for number, text in enumerate(texts)}


@pytest.mark.parametrize("marked", CASES.values(), ids=CASES.keys())
def test_a_kind_is_masked_whole_and_nothing_else(marked: str) -> None:
    marked = marked.replace("\\n", "\n").replace("\\t", "\t")
    text = re.sub("[⟦⟧]", "", marked)
    shown = text
    for finding in reversed(find_secrets(text)):
        shown = f"{shown[: finding.start]}⟦{text[finding.start : finding.end]}⟧{shown[finding.end :]}"
    assert shown == marked
