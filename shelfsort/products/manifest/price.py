"""Prices as shops write them."""

import re

_NUMBER = re.compile(r"[^\d+,.-]{0,12}([+-]?[\d.,]+)[^\d]{0,12}")
# Between thousands: blanks, among them narrow ones, and Swiss apostrophes.
_GROUPING = re.compile(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3})")

_RANGE = re.compile(r"\s*(?:[–—~]|\s-\s|-(?=[^\d\s.,]*\d)|\s(?:to|bis|à)\s)\s*")
_CODES = (
    "AED AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN "
    "MYR NGN NOK NZD PEN PHP PKR PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND "
    "ZAR"  # codespell:ignore
)
_CODE = re.compile(rf"(?<![A-Za-z])(?:{_CODES.replace(' ', '|')})(?![A-Za-z])")
_DOLLARS = ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP")
_SIGNS: dict[str, tuple[str, ...]] = {
    "$": _DOLLARS,
    "US$": ("USD",),
    "A$": ("AUD",),
    "AU$": ("AUD",),
    "C$": ("CAD",),
    "CA$": ("CAD",),
    "HK$": ("HKD",),
    "NZ$": ("NZD",),
    "S$": ("SGD",),
    "R$": ("BRL",),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"),
    "₹": ("INR",),
    "Rs": ("INR", "PKR"),
    "₩": ("KRW",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₴": ("UAH",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₪": ("ILS",),
    "₱": ("PHP",),
    "₦": ("NGN",),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "kr": ("", "SEK", "NOK", "DKK", "ISK"),
}


def parse_price(text: str) -> float:
    """The number in a price such as "$1,299.00", "12,50 €", "1.299,00 EUR" or "₹1,29,999".

    The last comma or point is the decimal one, but for a mark that occurs several times, and for a
    lone comma before three digits: these part thousands. A lone point is always the decimal one.

    Raises:
        ValueError: there is no number, or several.
    """
    try:
        return float(text)
    except ValueError:
        found = _NUMBER.fullmatch(_GROUPING.sub("", text.strip()))
    if found is None or not any(each.isdigit() for each in found[1]):
        raise ValueError(f"no price: {text[:40]!r}")
    number = found[1].rstrip(".,")
    last = max(number.rfind(","), number.rfind("."))
    mark = number[last] if last >= 0 else ""
    if not mark:
        return float(number)
    other = "." if mark == "," else ","
    lone = mark == "," and re.fullmatch(r"[+-]?\d{1,3},\d{3}", number)
    if other not in number and (number.count(mark) > 1 or lone):
        return float(number.replace(mark, ""))
    if number.count(mark) > 1:
        raise ValueError(f"no single price: {text[:40]!r}")
    whole = number[:last].replace(",", "").replace(".", "")
    return float(f"{whole}.{number[last + 1 :]}")


def lowest_price(text: str) -> float:
    """The number in a price, the lower one of a range such as "₹1,299.00 - ₹1,599.00".

    Raises:
        ValueError: there is no number.
    """
    try:
        return parse_price(text)
    except ValueError:
        ends = _RANGE.split(text.strip(), maxsplit=1)
        if len(ends) != 2:
            raise
        return min(map(parse_price, ends))


def currency_of(text: str, default: str = "") -> str:
    """The currency that a price names by its code or sign, as an ISO 4217 code.

    Args:
        text: the price.
        default: the code where it names none. "$", "¥" and "kr" mean the default's if that has the
            same sign, else US dollar, yen and none.
    """
    code = _CODE.search(text)
    if code is not None:
        return code[0].upper()
    signs = sorted((sign for sign in _SIGNS if sign in text), key=len, reverse=True)
    codes = _SIGNS[signs[0]] if signs else ()
    return default if default in codes or not codes else codes[0]
