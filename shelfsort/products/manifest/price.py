"""Prices as shops write them."""

import re

_NUMBER = re.compile(r"[^\d+,.-]{0,12}([+-]?[\d.,]+)[^\d]{0,12}")
# Between thousands: blanks, among them narrow ones, and Swiss apostrophes.
_GROUPING = re.compile(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3})")


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
