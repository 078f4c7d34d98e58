"""Style sheets of html messages: mail programs that drop them see the styles on the elements."""
from __future__ import annotations

import css_inline

__all__ = ("inline_styles",)

# media queries cannot stand on an element, and stay; nothing is fetched from anywhere
_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def inline_styles(html: str) -> str:
    """The same document with its styles on the elements, and of the type that makes mail programs keep to the standards.

    Raises:
        css_inline.InlineError: a style sheet cannot be read
    """
    document = _inliner.inline(html).strip()
    return document if document.lower().startswith("<!doctype") else f"<!DOCTYPE html>\n{document}"
