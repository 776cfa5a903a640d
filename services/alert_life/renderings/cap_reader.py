"""A strict reader of CAP 1.2: it refuses what the official XML Schema would, and what the data dictionary forbids.

A message with a document type is refused before anything of it is read: no entity is expanded, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.alert_life.renderings.cap_schema import (
    ALERT,
    NAMESPACE,
    SIGNATURE,
    SIGNATURE_NAMESPACE,
    SPACE,
    Element,
    moment,
)

BYTES_MAX: Final = 1024 * 1024
"""A longer message is refused unread."""

FAULTS_MAX: Final = 20
"""So many faults are named."""

_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS: Final = frozenset({f"{_INSTANCE}schemaLocation", f"{_INSTANCE}noNamespaceSchemaLocation"})
_TAKES_BACK: Final = frozenset({"Update", "Cancel", "Ack", "Error"})


class CapRefused(ValueError):
    """This is no CAP 1.2 message; `faults` say where and why, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier message, as `references` names it."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class CapMessage:
    """A message that was read: its texts by the names of the standard, as they were sent."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    references: tuple[Reference, ...]
    fields: dict[str, Any]
    """Every element: text, a moment, or a list of such where the standard allows several."""

    @property
    def infos(self) -> list[dict[str, Any]]:
        """The `info` blocks."""
        found: list[dict[str, Any]] = self.fields.get("info", [])
        return found

    def info(self, language: str) -> dict[str, Any]:
        """The block of a language.

        Raises:
            KeyError: there is none.
        """
        for info in self.infos:
            if info.get("language", "en-US").lower() == language.lower():
                return info
        raise KeyError(language)


def parameters(info: dict[str, Any]) -> dict[str, str]:
    """The `parameter` pairs of a block; of several with one name the last."""
    return {each["valueName"]: each["value"] for each in info.get("parameter", [])}


def parse(message: bytes) -> CapMessage:
    """Read a message.

    Raises:
        CapRefused: it is none, or not a valid one.
    """
    root = _root(message)
    if root.tag != f"{{{NAMESPACE}}}{ALERT.name}":
        raise CapRefused([f"the message is <{root.tag[:120]}>, not <alert> of {NAMESPACE}"])
    faults: list[str] = []
    fields = _read(root, ALERT, ALERT.name, faults)
    if not faults:
        faults += _beyond_the_schema(fields)
    if faults:
        raise CapRefused(faults[:FAULTS_MAX])
    references = _references(fields["references"]) if "references" in fields else []
    return CapMessage(
        identifier=fields["identifier"],
        sender=fields["sender"],
        sent=_moment(fields["sent"]),
        status=fields["status"],
        msg_type=fields["msgType"],
        scope=fields["scope"],
        references=tuple(each for each in references if isinstance(each, Reference)),
        fields=fields,
    )


def _root(message: bytes) -> Node:
    if len(message) > BYTES_MAX:
        raise CapRefused([f"the message has {len(message):,} bytes; more than {BYTES_MAX:,} are not read"])
    try:
        root: Node = fromstring(message, forbid_dtd=True)
    except DefusedXmlException:
        raise CapRefused(["the message has a document type; no entity is expanded and nothing is fetched"]) from None
    except (ParseError, ValueError, LookupError) as error:
        raise CapRefused([f"the message is not well-formed XML: {error}"]) from None
    return root


def _read(node: Node, element: Element, path: str, faults: list[str]) -> Any:
    if element is SIGNATURE:
        return None
    strangers = [name for name in node.attrib if name not in _HINTS]
    if strangers:
        faults.append(f"{path} has the attribute '{strangers[0][:80]}'; the standard knows none")
    if element.check is None:
        return _children(node, element, path, faults)
    text = node.text or ""
    if len(node):
        faults.append(f"{path} holds elements where text belongs")
    elif (fault := element.check(text)) is not None:
        faults.append(f"{path} {fault}: {text[:80]!r}")
    return text


def _children(node: Node, element: Element, path: str, faults: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = 0
    for child in node:
        name = _name_of(child)
        index = _place_of(element, name, place)
        if index is None:
            faults.append(f"{path} has <{name[:80]}> {_why_not(element, name)}")
            continue
        wanted = element.children[index]
        place = index if wanted.many else index + 1
        value = _read(child, wanted, f"{path}/{name}", faults)
        if wanted.many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    faults += [f"{path} lacks <{each.name}>" for each in element.children if each.required and each.name not in found]
    faults += [f"{path} has text between its elements: {text[:80]!r}" for text in _loose(node)]
    return found


def _name_of(node: Node) -> str:
    """Name by the standard; of what is not its own the namespace, too."""
    namespace, brace, name = node.tag.rpartition("}")
    if namespace[1:] == NAMESPACE:
        return name
    return SIGNATURE.name if namespace[1:] == SIGNATURE_NAMESPACE else f"{namespace or '{'}{brace or '}'}{name}"


def _place_of(element: Element, name: str, start: int) -> int | None:
    for index in range(start, len(element.children)):
        if element.children[index].name == name:
            return index
    return None


def _why_not(element: Element, name: str) -> str:
    known = next((each for each in element.children if each.name == name), None)
    if known is None:
        return "which the standard does not have there"
    return "after what must follow it, or once too often"


def _loose(node: Node) -> Iterator[str]:
    texts = [node.text, *(child.tail for child in node)]
    return (text.strip() for text in texts if text is not None and text.strip(SPACE))


def _beyond_the_schema(fields: dict[str, Any]) -> list[str]:
    """What the data dictionary demands and a schema cannot say."""
    faults = []
    kind, scope = fields["msgType"], fields["scope"]
    if kind in _TAKES_BACK and not fields.get("references", "").strip():
        faults.append(f"alert/references is missing or empty: a message of type {kind} names the earlier ones")
    if scope == "Restricted" and not fields.get("restriction", "").strip():
        faults.append("alert/restriction is missing or empty: the scope Restricted says for whom it is")
    if scope == "Private" and not fields.get("addresses", "").strip():
        faults.append("alert/addresses is missing or empty: the scope Private names the recipients")
    faults += [each for each in _references(fields.get("references", "")) if isinstance(each, str)]
    return faults


def _references(text: str) -> list[Reference | str]:
    """Each reference, or what is wrong with it."""
    return [_reference(each) for each in text.split()]


def _reference(text: str) -> Reference | str:
    parts = text.split(",")
    sent = moment(parts[-1])
    if len(parts) != 3 or not parts[0] or not parts[1] or sent is None:
        return f"alert/references has {text[:120]!r}, which is not `sender,identifier,sent`"
    return Reference(parts[0], parts[1], sent)


def _moment(text: str) -> datetime:
    found = moment(text)
    if found is None:
        raise CapRefused([f"{text[:80]!r} is no time"])
    return found
