"""Adds pages that stand elsewhere in the repository to the documentation site."""

import re
from pathlib import Path
from posixpath import join, normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "serving/kubernetes/README.md": "kubernetes.md",
}
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, page in _PAGES.items():
        text = (_ROOT / source).read_text("utf-8")
        files.append(File.generated(config, page, content=_relinked(text, source)))
    return files


def _relinked(text: str, source: str) -> str:
    """Links to pages lead to them; of a link to another file of the repository its text stays."""

    def link(match: re.Match[str]) -> str:
        label, path, anchor = match[1], normpath(join(source, "..", match[2])), match[3] or ""
        if path in _PAGES:
            return f"[{label}]({_PAGES[path]}{anchor})"
        if path.startswith("docs/"):
            return f"[{label}]({path.removeprefix('docs/')}{anchor})"
        return label

    return _LINK.sub(link, text)
