"""What breaks between two OpenAPI 3.1 documents: routes, parameters, bodies, answers, what callers must prove. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.compatibility.breaks import Break, Way, breaks
from schemas.compatibility.pointers import followed

Document = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def breaks_of_openapi(name: str, old: Document, new: Document) -> list[Break]:
    """Of the whole document."""
    found: list[Break] = []
    for path, was in old.get("paths", {}).items():
        now = new.get("paths", {}).get(path)
        if now is None:
            found.append(Break(name, path, "the route is gone"))
            continue
        for method in _METHODS:
            if method in was:
                found += _of_operation(_Route(name, f"{method.upper()} {path}", old, new), was, now, method)
    return found


class _Route:
    """One operation in both documents."""

    def __init__(self, name: str, where: str, old: Document, new: Document) -> None:
        self.name, self.where, self.old, self.new = name, where, old, new

    def broken(self, sentence: str) -> Break:
        return Break(self.name, self.where, sentence)

    def schema(self, was: Document, now: Document, way: Way, part: str) -> list[Break]:
        return breaks(self.name, (was, self.old), (now, self.new), way, f"{self.where}: {part}")

    def both(self, was: Document, now: Document) -> tuple[Document, Document]:
        return followed(was, self.old), followed(now, self.new)


def _of_operation(route: _Route, was: Document, now: Document, method: str) -> Iterator[Break]:
    if method not in now:
        yield route.broken("the method is gone")
        return
    one, other = was[method], now[method]
    yield from _parameters(route, _named(was, one, route.old), _named(now, other, route.new))
    yield from _body(route, one.get("requestBody"), other.get("requestBody"))
    yield from _answers(route, one.get("responses", {}), other.get("responses", {}))
    yield from _security(route, one, other)


def _named(item: Document, operation: Document, document: Document) -> dict[tuple[str, str], Document]:
    listed = [followed(each, document) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    return {(each["in"], each["name"]): each for each in listed}


def _parameters(
    route: _Route, was: Mapping[tuple[str, str], Document], now: Mapping[tuple[str, str], Document]
) -> Iterator[Break]:
    for (place, name), one in was.items():
        other = now.get((place, name))
        if other is None:
            yield route.broken(f"the {place} parameter {name} is gone")
            continue
        if other.get("required") and not one.get("required"):
            yield route.broken(f"the {place} parameter {name} must be given now")
        yield from route.schema(one.get("schema", {}), other.get("schema", {}), Way.READ, f"{place} parameter {name}")
    for (place, name), other in now.items():
        if (place, name) not in was and other.get("required"):
            yield route.broken(f"the {place} parameter {name} is new and must be given")


def _body(route: _Route, was: Document | None, now: Document | None) -> Iterator[Break]:
    if now is None:
        if was is not None:
            yield route.broken("it takes no body any more")
        return
    other = followed(now, route.new)
    if was is None:
        if other.get("required"):
            yield route.broken("a body must be sent now")
        return
    one = followed(was, route.old)
    if other.get("required") and not one.get("required"):
        yield route.broken("a body must be sent now")
    yield from _content(route, one, other, Way.READ, "body")


def _answers(route: _Route, was: Document, now: Document) -> Iterator[Break]:
    for status, pointer in was.items():
        if status not in now:
            yield route.broken(f"the answer {status} is gone")
            continue
        one, other = route.both(pointer, now[status])
        yield from _content(route, one, other, Way.WRITTEN, f"answer {status}")
        for header in one.get("headers", {}):
            if header not in other.get("headers", {}):
                yield route.broken(f"the answer {status} no longer has the header {header}")


def _content(route: _Route, one: Document, other: Document, way: Way, part: str) -> Iterator[Break]:
    for kind, was in one.get("content", {}).items():
        now = other.get("content", {}).get(kind)
        if now is None:
            yield route.broken(f"{part}: {kind} is gone")
            continue
        yield from route.schema(was.get("schema", {}), now.get("schema", {}), way, part)


def _security(route: _Route, one: Document, other: Document) -> Iterator[Break]:
    was = one.get("security", route.old.get("security", []))
    now = other.get("security", route.new.get("security", []))
    for way_in in was or [{}]:
        if now and not any(set(other_way) <= set(way_in) for other_way in now):
            names = " and ".join(sorted(way_in)) or "nothing"
            yield route.broken(f"{names} is no longer enough to call it")
