"""A page that is one file: it names no address outside itself and runs its own script alone."""

from html import escape
from importlib.resources import files
from string import Template

from shelfsort.core.web.inline import page_bytes, page_script, script_digest
from shelfsort.core.web.style import style_sheet

_ALLOWED = ("img-src data:", "style-src 'unsafe-inline'")
_NOTHING = ("base-uri 'none'", "form-action 'none'")


def document(title: str, body: str, *, style: str = "", script: str = "") -> bytes:
    """Puts the page together.

    Args:
        title: plain text.
        body: HTML.
        style: CSS that follows the style sheet of all pages.
        script: JavaScript that follows the script of all pages; "" for a page that runs none.

    Returns:
        HTML, UTF-8. Its content security policy allows nothing but what stands in it.
    """
    run, body = page_script(script) if script else "", body.strip()
    allowed = (*_ALLOWED, f"script-src 'sha256-{script_digest(run)}'") if run else _ALLOWED
    drawn = Template((files(__package__) / "document.html").read_text("utf-8")).substitute(
        title=escape(title),
        policy="; ".join(("default-src 'none'", *allowed, *_NOTHING)),
        style=style_sheet() + style,
        body=f"{body}\n<script>{run}</script>" if run else body,
    )
    return page_bytes(drawn)
