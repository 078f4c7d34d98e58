"""The texts of the application and their translations: which are missing, unused or faulty. Changes no file."""
from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from launcher.errors import LauncherError

__all__ = ("Texts", "collect", "draft", "examine", "faults", "read_translations")

#: The function that marks what is translated somewhere else
MARK = "to_translate"
CODE_FOLDERS = ("models", "controllers", "modules", "views")
#: Where deployment templates stand, and those that come with the application
TEMPLATE_FOLDERS = ("modules/templates", "private/templates")
SHIPPED_TEMPLATES = ("default", "DRMP", "skeleton")
#: In a language file, but no texts
META_KEYS = ("!langcode!", "!langname!")
#: A file of this name is written by the deployment, in its own language
OWN_CONFIGURATION = Path("models/000_config.py")

PLACEHOLDER = re.compile(r"%%|%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]|\{\w*\}")
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
#: What a text may end with, and what that is in other scripts
FINAL_MARKS = {".": ".", "?": "?", "؟": "?", "!": "!", ":": ":", ",": ",", "،": ",", ";": ";", "؛": ";", "…": "…"}


@dataclass
class Texts:
    """What was found in the code.

    Attributes:
        places: {text: ["path:line", ...]}
        unclear: "path: expression" where what is translated is no text but a name; what it stands for has to be marked
    """

    places: dict[str, list[str]] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)

    def add(self, text: str, place: str) -> None:
        self.places.setdefault(text, []).append(place)


def collect(root: Path, template: str | None = None) -> Texts:
    """All texts that are translated: ``T("...")`` in code and views, ``to_translate(...)`` in code.

    Args:
        template: the deployment template whose texts are meant; None is the application with the templates that come with it
    """
    texts = Texts()
    for path in _files(root, template):
        if path.suffix == ".py":
            _collect_from_code(texts, path.read_text(encoding="utf-8"), str(path.relative_to(root)))
        elif path.suffix == ".html":
            _collect_from_view(texts, path.read_text(encoding="utf-8"), str(path.relative_to(root)))
    return texts


def _files(root: Path, template: str | None) -> Iterator[Path]:
    if template is not None:
        yield from sorted(template_folder(root, template).rglob("*"))
        return
    templates = root / TEMPLATE_FOLDERS[0]
    for folder in CODE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            is_foreign = templates in path.parents and path.relative_to(templates).parts[0] not in (*SHIPPED_TEMPLATES, "__init__.py")
            if not is_foreign and path != root / OWN_CONFIGURATION:
                yield path


def template_folder(root: Path, template: str) -> Path:
    """Where a deployment template stands.

    Raises:
        LauncherError: there is none of this name
    """
    for place in TEMPLATE_FOLDERS:
        folder = root.joinpath(place, *template.split("."))
        if folder.is_dir():
            return folder
    raise LauncherError(f"There is no template {template} in {' or '.join(TEMPLATE_FOLDERS)}.")


# -- Python ------------------------------------------------------------------------------------------------------------
def _collect_from_code(texts: Texts, source: str, path: str) -> None:
    tree = ast.parse(source)
    marked = _marked_names(tree)
    for node in ast.walk(tree):
        name = _called(node)
        if not isinstance(node, ast.Call) or name not in ("T", MARK) or not node.args:
            continue
        argument = node.args[0]
        found = list(_strings(argument, name == MARK, marked))
        for text in found:
            if text is not None:
                texts.add(text, f"{path}:{node.lineno}")
        if None in found:
            texts.unclear.append(f"{path}: {ast.unparse(argument)}")


def _called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else None


def _marked_names(tree: ast.Module) -> set[str]:
    """The constants of a module that hold marked texts, which are found where they are marked."""
    assignments = (node for node in tree.body if isinstance(node, ast.Assign) and _called(node.value) == MARK)
    return {target.id for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def _strings(node: ast.expr, in_mark: bool, marked: set[str]) -> Iterator[str | None]:
    """The texts that an expression can be, but for those of marked constants; None for whatever stands somewhere else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body, in_mark, marked)
        yield from _strings(node.orelse, in_mark, marked)
    elif in_mark and isinstance(node, ast.Tuple | ast.List | ast.Dict):
        for item in node.values if isinstance(node, ast.Dict) else node.elts:
            yield from _strings(item, in_mark, marked)
    elif not (isinstance(node, ast.Name | ast.Subscript) and _constant(node) in marked):
        yield None


def _constant(node: ast.expr) -> str | None:
    value = node.value if isinstance(node, ast.Subscript) else node
    return value.id if isinstance(value, ast.Name) else None


# -- views -------------------------------------------------------------------------------------------------------------
def _collect_from_view(texts: Texts, source: str, path: str) -> None:
    for block in re.finditer(r"\{\{(.*?)\}\}", source, re.S):
        for call in re.finditer(r"(?<![\w\"'])(?:current\.)?T\(", block[1]):
            place = f"{path}:{source.count(chr(10), 0, block.start(1) + call.start()) + 1}"
            text = _leading_string(block[1][call.end() :])
            if text is None:
                texts.unclear.append(f"{path}: {block[1][call.end() :].strip()}")
            else:
                texts.add(text, place)


def _leading_string(source: str) -> str | None:
    """The string that a piece of code begins with, of all its adjacent parts; None if it begins with something else."""
    parts = []
    try:
        # parentheses, so that a line may end between the parts
        for token in tokenize.generate_tokens(io.StringIO(f"({source}").readline):
            if token.type == tokenize.STRING:
                parts.append(token.string)
            elif token.type not in (tokenize.NL, tokenize.NEWLINE) and token.start != (1, 0):
                break
    except tokenize.TokenError:
        pass
    return ast.literal_eval("".join(parts)) if parts else None


# -- translations ------------------------------------------------------------------------------------------------------
def read_translations(path: Path) -> dict[str, str]:
    """A language file of web2py: {text: translation}; empty if there is none.

    Raises:
        LauncherError: it is no dictionary of texts
    """
    if not path.is_file():
        return {}
    try:
        translations = ast.literal_eval(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise LauncherError(f"{path} cannot be read: {error}") from error
    if not isinstance(translations, dict) or not all(isinstance(text, str) for pair in translations.items() for text in pair):
        raise LauncherError(f"{path} is no dictionary of texts.")
    return translations


def faults(text: str, translation: str) -> list[str]:
    """What is wrong with a translation, whatever the language."""
    found, text = [], _without_comment(text)
    if not translation.strip():
        return ["is empty"]
    if Counter(PLACEHOLDER.findall(text)) != Counter(PLACEHOLDER.findall(translation)):
        found.append(f"has other placeholders than {sorted(PLACEHOLDER.findall(text))}")
    if Counter(TAG.findall(translation)) != Counter(TAG.findall(text)):
        found.append("has other HTML tags")
    if _blanks(text) != _blanks(translation):
        found.append("begins or ends with other blanks")
    if FINAL_MARKS.get(text.strip()[-1:]) != FINAL_MARKS.get(translation.strip()[-1:]):
        found.append("ends with another mark")
    return found


def _blanks(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _without_comment(text: str) -> str:
    """What web2py shows of a text, whose end may be a remark for translators."""
    return text.rsplit("##", 1)[0].rstrip() if text.find("##") > 0 and "\n" not in text else text


def draft(root: Path, code: str, name: str, template: str | None = None) -> str:
    """A language file with all texts: the translations that there are, and the text itself where there is none."""
    known = read_translations(language_file(root, code, template))
    elsewhere = read_translations(language_file(root, code)) if template else {}
    lines = {text: known.get(text, _without_comment(text)) for text in collect(root, template).places if text not in elsewhere}
    lines |= {"!langcode!": code, "!langname!": known.get("!langname!", name)}
    return "{\n" + "".join(f"{text!r}: {lines[text]!r},\n" for text in sorted(lines)) + "}\n"


def language_file(root: Path, code: str, template: str | None = None) -> Path:
    """Where the translations of the application, or of a deployment template, stand."""
    return (template_folder(root, template) if template else root) / "languages" / f"{code}.py"


def examine(root: Path, codes: list[str], template: str | None = None) -> int:
    """Say what is missing, unused or faulty in these languages, or in all; gives the exit code."""
    texts = collect(root, template)
    total = 0
    for code in codes or sorted(path.stem for path in (root / "languages").glob("*.py")):
        translations = read_translations(language_file(root, code, template))
        found = _missing(texts, translations | (read_translations(language_file(root, code)) if template else {}))
        # a template may translate what stands in records, and reword the texts of the application
        found += [] if template else _unused(texts, translations)
        found += _faulty(translations)
        total += len(found)
        print("\n  ".join((f"{code}: {len(translations)} translations, {len(found)} problems", *found)))
    return 1 if total else 0


def _missing(texts: Texts, translations: dict[str, str]) -> list[str]:
    return [f"missing: {text!r} ({places[0]})" for text, places in sorted(texts.places.items()) if text not in translations]


def _unused(texts: Texts, translations: dict[str, str]) -> list[str]:
    return [f"unused: {text!r}" for text in sorted(translations) if text not in texts.places and text not in META_KEYS]


def _faulty(translations: dict[str, str]) -> list[str]:
    texts = sorted(text for text in translations if text not in META_KEYS)
    return [f"faulty: {text!r}: {fault}" for text in texts for fault in faults(text, translations[text])]
