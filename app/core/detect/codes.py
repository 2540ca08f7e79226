"""Words for codes that let somebody in: PINs, one-time codes, the code of a door or an alarm, in twelve languages."""

from __future__ import annotations

import re
from typing import Final


_OF_WHAT = (
    r"(?:mfa|2fa|sms|totp|otp|verification|security|one[- ]time|door|access|unlock|backup|entry|alarm|safe"
    r"|(?:alarm )?panel|master|installer|disarm|gate|yard|keypad|garage|building|locker|vault|elevator|lift|bridge"
    r"|confirmation|pairing|lock|recovery|reset|auth(?:entication)?|passkey|einmal|zugangs|tür|tor|bestätigungs"
    r"|sicherheits|entsperr|freischalt|alarm|verificatie|toegangs|beveiligings)"
)
_KIND = (
    r"(?:de vérification|de sécurité|d['’]accès|confidentiel|secret|de confirmation|du portail|de la porte"
    r"|de l['’]alarme|d['’]alarme|de verificación|de seguridad|de acceso|de confirmación|de (?:la )?alarma|de "
    r"desbloqueo|de déblocage|de déverrouillage|de desbloqueio|odblokowania|de la puerta"
    r"|di verifica|di sicurezza|di accesso|di conferma|di sblocco|dell['’]allarme"
    r"|de acesso|de verificação|de segurança|de confirmação|do alarme|da porta"
    r"|weryfikacyjny|dostępu|bezpieczeństwa|autoryzacyjny|do alarmu|do bramy|do drzwi|jednorazowy"
    r"|подтверждения|доступа|безопасности|из смс|от двери|от сигнализации)"
)
CODE = re.compile(
    r"(?<![^\W_])(?:pass[- ]?code|pin(?:[- ]?(?:code|codes|kód|kodu|码))?|sim-pin|puk(?:[- ]?code)?|otp|tan"
    rf"|{_OF_WHAT}[- ]?(?:master )?(?:codes?|pin|passcode|nummer)|(?:zoom|webex|meeting) host[- ]?key|digicode"
    rf"|(?:2fa|mfa) backup"
    r"|code(?= for the (?:yard|door|gate|safe|garage|building|alarm|lift))"
    rf"|(?:codes?|códigos?|codice|código|kody?|код) (?:pin|puk|otp|{_KIND})"
    r"|(?:kod|kód|код|code|código|codice)(?: \w{1,3})? (?:drzwi|dveřím|двери|домофона|смс|sms|porte|porta|puerta"
    r"|garage|garagem)"
    r"|(?:voicemail|handy|sim|geräte)-?pin|pincode|sms kodu\w{0,3}|sms kód|(?:doğrulama|onay|güvenlik|giriş|kapı"
    r"|alarm) (?:kodu\w{0,3}|şifresi)|pin kodu"
    r"|(?:ověřovací|přístupový|bezpečnostní|potvrzovací) kód|пин(?:-?код)?|pin码)|验证码|驗證碼|动态码"
)
ANCHORS: Final = {
    "code": (
        "passcode|pass code|pass-code|pin|puk|otp|tan|code|mfa|2fa|sms|totp|verif|secur|one-time|one time|door|"
        "access|unlock|backup|entry|alarm|safe|confirm|pairing|lock|recovery|reset|auth|einmal|zugangs|tür|bestätig|"
        "sicher|entsperr|freischalt|toegangs|beveilig|panel|master|installer|disarm|gate|yard|keypad|garage|building|locker|vault|elevator|lift|bridge|zoom|"
        "webex|meeting|digicode|sim|コード|códig|codice|kod|kód|код|voicemail|handy|gerät|doğrul|"
        "onay|güvenl|giriş|kapı|ověř|přístup|bezpeč|potvrz|пин|验证码|驗證碼|动态码"
    ).split("|"),
}
