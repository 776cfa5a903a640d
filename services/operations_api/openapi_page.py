"""The contract as a page that people read: no script, no inline style, nothing from elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

_METHODS: Final = ("get", "post", "put", "patch", "delete")
Json = Mapping[str, Any]


def page(document: Json) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])}</title>",
        '<link rel="stylesheet" href="page.css"></head><body><main>',
        f"<h1>{escape(info['title'])}</h1>",
        (
            f"<p>OpenAPI {document['openapi']} · {escape(info['version'])} · "
            '<a href="openapi.json">openapi.json</a> · <a href="asyncapi/">MQTT and Kafka</a></p>'
        ),
        *_prose(info["description"]),
        *_contents(document),
        *_operations(document),
        '<h2 id="schemas">Schemas</h2>',
        *(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs and lists of plain Markdown."""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("- "):
            items = " ".join(line if line.startswith("- ") else line.strip() for line in lines)[2:].split(" - ")
            yield "<ul>" + "".join(f"<li>{_words(item)}</li>" for item in items) + "</ul>"
        else:
            yield f"<p>{_words(' '.join(lines))}</p>"


def _words(text: str) -> str:
    """Text with its `code`."""
    parts = escape(text).split("`")
    return "".join(part if place % 2 == 0 else f"<code>{part}</code>" for place, part in enumerate(parts))


def _contents(document: Json) -> Iterator[str]:
    yield '<nav aria-label="Contents"><ul>'
    for tag in document["tags"]:
        yield f'<li><a href="#{tag["name"]}">{tag["name"]}</a>: {_words(tag["description"])}</li>'
    yield '<li><a href="#schemas">schemas</a></li></ul></nav>'


def _operations(document: Json) -> Iterator[str]:
    for tag in document["tags"]:
        yield f'<h2 id="{tag["name"]}">{tag["name"]}</h2>'
        for path, methods in document["paths"].items():
            for method in _METHODS:
                operation = methods.get(method)
                if operation is not None and tag["name"] in operation["tags"]:
                    yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    name = operation["operationId"]
    yield f'<section id="{name}"><h3><b>{method.upper()}</b> <code>{escape(path)}</code></h3>'
    yield f"<p><strong>{escape(operation['summary'])}.</strong></p>"
    yield from _prose(operation["description"])
    parameters = operation.get("parameters", ())
    if parameters:
        rows = ((p["name"], p["in"], _type(p["schema"]), p.get("description", "")) for p in parameters)
        yield _table(("argument", "in", "type", "meaning"), rows)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: {_type(content['schema'])} as <code>{escape(kind)}</code></p>"
    yield _table(("status", "answer", "meaning"), _answers(operation["responses"]))
    yield "</section>"


def _answers(responses: Json) -> Iterator[tuple[str, str, str]]:
    for status, response in responses.items():
        bodies = [
            f"{_type(content.get('schema', {}))} as <code>{escape(kind)}</code>"
            for kind, content in response.get("content", {}).items()
        ]
        yield status, "<br>".join(bodies), response["description"]


def _schema(name: str, schema: Json) -> str:
    head = f'<section id="schema-{name}"><h3>{name}</h3>' + "".join(_prose(schema.get("description", name)))
    if "enum" in schema:
        return (
            head + "<p>" + ", ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"]) + "</p></section>"
        )
    needed = set(schema.get("required", ()))
    rows = (
        (field + ("" if field in needed else " ?"), _type(each), each.get("description", ""))
        for field, each in schema.get("properties", {}).items()
    )
    return head + _table(("field", "type", "meaning"), rows) + "</section>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; the first cell of a row is a name, the last one prose, those between are HTML already."""
    lines = [
        f"<tr><th scope='row'><code>{escape(row[0])}</code></th>"
        + "".join(f"<td>{cell}</td>" for cell in row[1:-1])
        + f"<td>{_words(row[-1])}</td></tr>"
        for row in rows
    ]
    titles = "".join(f"<th scope='col'>{title}</th>" for title in head)
    return f"<div class='scroll'><table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[several]))
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = [str(schema.get("type", "any")), *(str(schema[word]) for word in ("format",) if word in schema)]
    if "enum" in schema:
        words.append("one of " + ", ".join(map(str, schema["enum"])))
    return escape(" ".join(words))
