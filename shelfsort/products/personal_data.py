"""Finds e-mail addresses and telephone numbers, which must not go to a public workforce."""

import re

# Bounded: what a hostile text costs grows with its length only.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
# A number without "+" needs a blank, or every GTIN that begins with 00 would be one.
_PHONE = re.compile(r"(?<![\w.])(?:\+[1-9]|00[1-9]\d{0,2}[ ()/-])(?:[ ()./-]{0,2}\d){6,13}(?!\d)")


def has_personal_data(text: str) -> bool:
    """Whether a text holds an e-mail address, or a telephone number with its country code.

    Names, addresses and faces are not found: a person has to look.
    """
    return _EMAIL.search(text) is not None or _PHONE.search(text) is not None
